package certify

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Times of an attempt, from its start, by the server's clock.
const (
	verifyBefore  = 2 * time.Minute  // the provider's clock may be behind
	verifyWithin  = 30 * time.Minute // for the person to verify
	redeemWithin  = 60 * time.Minute // from the verification, for the browser to return
	attemptLife   = verifyWithin + redeemWithin
	maxAttempts   = 8    // cookies in one browser: tabs, and starts that were left
	attemptsBytes = 6144 // that these may take of the 8 KiB in which proxies want a request's header
)

// An Attempt is one browser's permission to redeem one verification, as its
// [Provider] sees it.
type Attempt struct {
	// ID is 128 random bits as 32 lower-case hex digits: within what every PG
	// takes (KCP: letters and digits, at most 40).
	ID string
	// Provider is [Provider.Name] of the one it was begun with.
	Provider string
	// RedirectURL is where the provider sends a mobile browser back to.
	RedirectURL string
	// Purpose is one of [HandlerConfig.Purposes], or "".
	Purpose string
	// StartedAt and VerifyBy bound the time in which the person must verify.
	StartedAt, VerifyBy time.Time
}

// An attempt is what the browser carries of it, signed.
type attempt struct {
	Attempt
	account  string // keyed hash of the account it was begun under, "" if none
	site     string // keyed hash of the audience it was begun for, "" if begun by a version that did not say
	returnTo string
	begun    tick   // by the Store's clock, none if begun by a version that did not ask
	native   bool   // begun by an app, which keeps it instead of a cookie
	kid      string // of the key that signs it
	key      []byte
	cookie   int // bytes it takes of the Cookie header
}

type wireAttempt struct {
	Jti      string `json:"jti"`
	Iat      int64  `json:"iat"`
	Provider string `json:"provider"`
	Account  string `json:"account,omitempty"`
	Site     string `json:"site,omitempty"`
	ReturnTo string `json:"return_to,omitempty"`
	Purpose  string `json:"purpose,omitempty"`
	Mode     string `json:"mode,omitempty"` // modeNative, or "" for browsers
	Clock    string `json:"clock,omitempty"`
}

const modeNative = "native"

// newAttempt takes its key once: should the keys be swapped before it is
// signed, what was hashed with the key still fits.
func newAttempt(k *key, now time.Time) *attempt {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	a := &attempt{kid: k.id, key: k.attempt}
	a.ID = hex.EncodeToString(id[:])
	a.start(now.Truncate(time.Second))
	return a
}

func (a *attempt) start(t time.Time) {
	a.StartedAt, a.VerifyBy = t, t.Add(verifyWithin)
}

func (a *attempt) expires() time.Time { return a.StartedAt.Add(attemptLife) }

// mac is a keyed hash under the key that signed the attempt: rotation does not
// change it while the attempt lives.
func (a *attempt) mac(label, value string) string {
	return keyedHash(a.key, label, value)
}

// claimID is the jti of the one claim that the attempt can bring.
func (a *attempt) claimID() string { return a.mac("jti", a.ID)[:22] }

// accountHash tells accounts apart without naming them.
func (a *attempt) accountHash(account string) string {
	if account == "" {
		return ""
	}
	return a.mac("account", account)[:22]
}

// siteHash tells sites apart that have the same keys, without naming them.
func (a *attempt) siteHash(audience string) string { return a.mac("site", audience)[:22] }

// keyedHash is base64url(HMAC-SHA256(key, label ‖ 0x00 ‖ value)).
func keyedHash(key []byte, label, value string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(label + "\x00" + value))
	return b64.EncodeToString(h.Sum(nil))
}

func (a *attempt) sign() (string, error) {
	mode := ""
	if a.native {
		mode = modeNative
	}
	return attemptToken.sign(a.kid, methodHS256, a.key, wireAttempt{
		a.ID, a.StartedAt.Unix(), a.Provider, a.account, a.site, a.returnTo, a.Purpose, mode, a.begun.String(),
	})
}

func (ks *Keys) openAttempt(token string) (*attempt, error) {
	a := &attempt{}
	payload, err := attemptToken.open(token, func(kid string) (signer, any) {
		k := ks.byID[kid]
		if k == nil || k.attempt == nil {
			return nil, nil
		}
		a.key = k.attempt
		return methodHS256, k.attempt
	})
	if err != nil {
		return nil, err
	}
	o, err := members(payload)
	if err != nil {
		return nil, malformed("its payload " + err.Error())
	}
	a.ID, a.Provider = o.text("jti"), o.text("provider")
	a.account, a.site = o.optionalText("account"), o.optionalText("site")
	a.returnTo, a.Purpose = o.optionalText("return_to"), o.optionalText("purpose")
	a.native = o.optionalText("mode") == modeNative
	a.start(o.time("iat"))
	a.begun = o.tick("clock")
	if o.bad != "" {
		return nil, malformed("its " + o.bad + " is missing or of another type")
	}
	return a, nil
}

func (s cookieScope) attemptPrefix() string { return s.name("-attempt-") }

// attemptsOf returns the browser's attempts, the newest first, expired ones
// included.
func (s *Sessions) attemptsOf(r *http.Request) []*attempt {
	var found []*attempt
	keys, prefix, tried := s.keys.Load(), s.cookies.attemptPrefix(), 0
	for name, value := range cookies(r.Header) {
		id, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		if tried++; tried > 4*maxAttempts { // bounds the work on a forged header
			break
		}
		if a, err := keys.openAttempt(value); err == nil && a.ID == id && !a.native {
			a.cookie = len(name) + len(value) + len("=; ")
			found = append(found, a)
		}
	}
	slices.Reverse(found) // browsers send the oldest first, and of one second there may be several (RFC 6265, section 5.4)
	slices.SortStableFunc(found, func(a, b *attempt) int { return cmp.Compare(b.StartedAt.Unix(), a.StartedAt.Unix()) })
	return found
}

// setAttempt gives the browser an attempt, and takes from it those that are
// too many or too long with it.
func (s *Sessions) setAttempt(w http.ResponseWriter, r *http.Request, a *attempt) error {
	token, err := a.sign()
	if err != nil {
		return err
	}
	name := s.cookies.attemptPrefix() + a.ID
	kept, bytes := 1, len(name)+len(token)
	held := make(map[string]bool)
	for _, old := range s.attemptCookies(r) {
		if kept++; kept <= maxAttempts && bytes+old.bytes <= attemptsBytes {
			bytes += old.bytes
			held[old.name] = true
		}
	}
	s.clearAttempts(w, r, held)
	s.cookies.set(w, name, token, int(attemptLife/time.Second))
	return nil
}

// A heldCookie is one of the browser's, and what it takes of the Cookie header.
type heldCookie struct {
	name  string
	bytes int
}

// attemptCookies are the browser's attempts, the newest first, and behind them
// those that do not open: another app's on this host, under which somebody may
// be paying.
func (s *Sessions) attemptCookies(r *http.Request) []heldCookie {
	var found []heldCookie
	prefix, own := s.cookies.attemptPrefix(), make(map[string]bool)
	for _, a := range s.attemptsOf(r) {
		found = append(found, heldCookie{prefix + a.ID, a.cookie})
		own[prefix+a.ID] = true
	}
	opened := len(found)
	for name, value := range cookies(r.Header) {
		if strings.HasPrefix(name, prefix) && !own[name] {
			found = append(found, heldCookie{name, len(name) + len(value) + len("=; ")})
		}
	}
	slices.Reverse(found[opened:])
	return found
}

// clearAttempts takes the attempts from the browser but those in keep.
func (s *Sessions) clearAttempts(w http.ResponseWriter, r *http.Request, keep map[string]bool) {
	for name := range cookies(r.Header) {
		if strings.HasPrefix(name, s.cookies.attemptPrefix()) && !keep[name] {
			s.cookies.clear(w, name)
		}
	}
}
