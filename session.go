package certify

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Lifetimes of a claim, counted from the verification.
const (
	DefaultTTL = 12 * time.Hour
	// MaxTTLWithoutAccount bounds claims that are not bound to an account:
	// whoever opens the browser next would be taken for the person verified.
	MaxTTLWithoutAccount = 24 * time.Hour
	// MaxTTL is a year, after which the law wants members verified anew (Youth
	// Protection Act decree, art. 17(2)).
	MaxTTL = 365 * 24 * time.Hour
)

// SessionConfig configures [NewSessions]. Origin and Keys are required.
type SessionConfig struct {
	// Origin is the scheme and host that visitors see: "https://shop.example".
	// Plain http is for loopback hosts only.
	Origin string
	// Keys sign and verify claims. Public keys alone verify.
	Keys *Keys
	// Issuer and Audience are the claims iss and aud, Origin by default: at
	// most 255 printable ASCII characters without quotes. A service that
	// verifies another's claims names that issuer.
	Issuer, Audience string
	// Store remembers revocations and used attempts: a [MemoryStore] by default.
	Store Store
	// TTL is how long a claim lives after the verification: [DefaultTTL] if 0,
	// at least a second and at most [MaxTTL]. More than 24 h need Account, and
	// a Store that outlives the process.
	TTL time.Duration
	// VerifiedClaims is the number of tokens whose signature need not be
	// verified again when they come again: [DefaultVerifiedClaims] if 0, none
	// if negative. Time, revocation and account are judged on every request.
	VerifiedClaims int
	// Account names the account that the request is signed in as, or "". With
	// it a claim counts only for the account it was issued to. An error, or a
	// panic, means that the app cannot tell: the request is refused with
	// [CodeAccountUnavailable], and the operator is told the error's types.
	// Gates ask it once for a claim, with the context of the first Require or
	// FromContext, and a callback before and after the provider's answer. A
	// Handler asks it once after its first request, to find out whether it can
	// be asked. It finds no claim in the context: an account is something else
	// than a verification.
	// Let the login's cookie be SameSite=Lax: see docs/production.md.
	Account func(*http.Request) (account string, err error)
	// Bearer makes a token in the header "Authorization: Bearer" the only
	// credential of a request that has one.
	Bearer bool
	// PathPrefix is the path that a front server takes off before the app sees
	// a request, such as "/shop", and "" if it takes none. Links, redirects and
	// return paths are written with it; the app's own routes are not.
	PathPrefix string
	// StartURL is where navigations without a claim are sent: the Handler's
	// path "/certifications/" by default, behind PathPrefix. If it is on another host, whoever
	// verified there comes back without a claim, as cookies stay on their host:
	// gate with such Sessions what clients ask for with bearer tokens, and no
	// pages, between which and the start page browsers would go in a circle.
	StartURL string
	// Deny answers refused requests in place of the built-in answers. It
	// cannot admit: the gated handler is not called. The error has a [Code];
	// a policy's is a [*Denial]. Status, challenge and cache headers are its
	// own business.
	Deny func(w http.ResponseWriter, r *http.Request, err error)
	// Pages replaces built-in pages by templates of the same names, "start.html"
	// and "problem.html", which are given a [Page].
	Pages *template.Template
	// PageHeader, if set, may change the headers of certify's pages before they
	// are sent, such as a Content-Security-Policy that must carry the nonce.
	PageHeader func(h http.Header, nonce string)
	// Event hears what happens, while the request waits. By default it is
	// logged to Logger.
	Event func(context.Context, Event)
	// Logger is [slog.Default] if nil.
	Logger *slog.Logger
	// Now is [time.Now] if nil.
	Now func() time.Time
	// InsecureForgetRevocations accepts a Store in memory where revocations
	// get lost with the process or are not seen by it.
	InsecureForgetRevocations bool
}

// Sessions issues, reads and revokes claims. Its methods are safe for
// concurrent use.
type Sessions struct {
	origin, issuer, audience string
	ttl                      time.Duration
	verifiedClaims           int
	keys                     atomic.Pointer[trust]
	store                    Store
	account                  func(*http.Request) (string, error)
	bearer                   bool
	pathPrefix               string
	startURL                 string
	handlerPath              atomic.Pointer[string] // of the Handler that serves the start page
	deny                     func(http.ResponseWriter, *http.Request, error)
	pages                    *template.Template
	pageHeader               func(h http.Header, nonce string)
	faults                   faults
	underWay                 underWay
	event                    func(context.Context, Event)
	logger                   *slog.Logger
	now                      func() time.Time
	cookies                  cookieScope
}

// NewSessions checks the configuration; its errors name the field to mend.
func NewSessions(cfg SessionConfig) (*Sessions, error) {
	origin, err := parseOrigin(cfg.Origin)
	if err != nil {
		return nil, fmt.Errorf("certify: SessionConfig.Origin %w", err)
	}
	s := &Sessions{
		origin: origin, issuer: cfg.Issuer, audience: cfg.Audience,
		ttl: cfg.TTL, verifiedClaims: cfg.VerifiedClaims, store: cfg.Store,
		account: cfg.Account, bearer: cfg.Bearer, pathPrefix: cfg.PathPrefix, startURL: cfg.StartURL, deny: cfg.Deny,
		pages: cfg.Pages, pageHeader: cfg.PageHeader, event: cfg.Event, logger: cfg.Logger, now: cfg.Now,
		cookies: cookieScope{secure: strings.HasPrefix(origin, "https:")},
	}
	s.setDefaults()
	if err := s.SetKeys(cfg.Keys); err != nil {
		return nil, err
	}
	if err := s.check(cfg); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Sessions) setDefaults() {
	if s.issuer == "" {
		s.issuer = s.origin
	}
	if s.audience == "" {
		s.audience = s.origin
	}
	if s.ttl == 0 {
		s.ttl = DefaultTTL
	}
	if s.verifiedClaims == 0 {
		s.verifiedClaims = DefaultVerifiedClaims
	}
	if s.startURL == "" {
		s.startURL = s.pathPrefix + DefaultPath + "/"
	}
	if s.logger == nil {
		s.logger = slog.Default()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.store == nil {
		s.store = NewMemoryStore(0, s.now)
	}
	if _, inMemory := s.store.(*MemoryStore); !inMemory {
		s.store = promptStore{s.store}
	}
}

func (s *Sessions) check(cfg SessionConfig) error {
	_, inMemory := s.store.(*MemoryStore)
	foreign := s.issuer != s.origin || !cfg.Keys.CanSign()
	switch {
	case cfg.Store != nil && isNil(cfg.Store):
		return errors.New("certify: SessionConfig.Store is a nil pointer: look at the error of what made it")
	case !isName(s.issuer):
		return errors.New("certify: SessionConfig.Issuer is not 1 to 255 printable ASCII characters without quotes")
	case !isName(s.audience):
		return errors.New("certify: SessionConfig.Audience is not 1 to 255 printable ASCII characters without quotes")
	case s.pathPrefix != "" && !isPlainPath(s.pathPrefix):
		return fmt.Errorf(`certify: SessionConfig.PathPrefix %q is not a plain path like "/shop", without a slash at its end`, s.pathPrefix)
	case !isStartURL(s.startURL):
		return errors.New("certify: SessionConfig.StartURL is neither a path on this host nor a URL that begins with an origin, without a query")
	case s.ttl < time.Second || s.ttl > MaxTTL:
		return fmt.Errorf("certify: SessionConfig.TTL must be at least a second and at most %s", MaxTTL)
	case s.ttl > MaxTTLWithoutAccount && s.account == nil:
		return fmt.Errorf("certify: SessionConfig.TTL above %s needs Account: without it a claim is anybody's who uses the browser", MaxTTLWithoutAccount)
	case s.ttl > MaxTTLWithoutAccount && inMemory && !cfg.InsecureForgetRevocations:
		return fmt.Errorf("certify: SessionConfig.TTL above %s needs a Store that outlives the process, or InsecureForgetRevocations", MaxTTLWithoutAccount)
	case foreign && inMemory && !cfg.InsecureForgetRevocations:
		return errors.New("certify: SessionConfig.Store must be shared with the issuer, or InsecureForgetRevocations set: a store of its own sees none of the issuer's revocations")
	}
	return nil
}

// isNil finds the nil pointer, too, that a constructor returned beside an error
// which nobody looked at.
func isNil(v any) bool {
	value := reflect.ValueOf(v)
	return !value.IsValid() || value.Kind() == reflect.Pointer && value.IsNil()
}

// isPrintable reports whether s is of visible ASCII characters, and of one at least.
func isPrintable(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x21 || c > 0x7e {
			return false
		}
	}
	return s != ""
}

// isName reports whether s can be an issuer or an audience, which stands
// between quotes in a challenge.
func isName(s string) bool {
	return len(s) <= 255 && isPrintable(s) && !strings.ContainsAny(s, `"\`)
}

// isStartURL reports whether a query can be appended to s, and browsers will
// go there.
func isStartURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || strings.ContainsAny(s, "?#") || !isPrintable(s) {
		return false
	}
	_, err = parseOrigin(u.Scheme + "://" + u.Host)
	return isLocalPath(s) || err == nil && u.User == nil
}

// originHost is a host and perhaps a port, as browsers write them.
var originHost = regexp.MustCompile(`^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?$`)

// parseOrigin wants scheme://host[:port] as browsers write it (RFC 6454,
// section 6.2): claims, cookies and the provider's redirect depend on it.
func parseOrigin(s string) (string, error) {
	if s == "" {
		return "", errors.New(`is missing: set it to what visitors see, like "https://shop.example"`)
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme+"://"+u.Host != s || !originHost.MatchString(u.Host) {
		return "", errors.New("is not scheme://host in lower-case ASCII, without a path or a slash at the end")
	}
	switch {
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		return "", errors.New("names the scheme's own port, which browsers leave out")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return s, nil
	case u.Scheme == "http":
		return "", errors.New("is plain http, which is for loopback hosts only: use https")
	}
	return "", errors.New("is neither https nor http")
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// SetKeys replaces the keys from the next token on: tokens of keys that are no
// longer among them stop counting at once. Keys that could sign are not
// replaced by keys that cannot.
func (s *Sessions) SetKeys(keys *Keys) error {
	if keys == nil || len(keys.list) == 0 {
		return errors.New("certify: SessionConfig.Keys are missing: see ParseKeys")
	}
	next := newTrust(keys, s.verifiedClaims)
	for {
		old := s.keys.Load()
		if old != nil && old.CanSign() && !keys.CanSign() {
			return errors.New("certify: the new keys cannot sign, and the old ones could")
		}
		if s.keys.CompareAndSwap(old, next) {
			return nil
		}
	}
}

// Read returns the claim of a token, for what is no HTTP request: gRPC, a
// queue, a websocket's first message. Its errors have a [Code], among them
// [CodeStoreUnavailable] if nobody can tell whether the claim was revoked, and
// say to the operator what exactly was wrong, without repeating the token. The
// account is not compared: compare Subject.
func (s *Sessions) Read(ctx context.Context, token string) (*Claim, error) {
	v, err := s.read(ctx, token, s.now())
	if err != nil {
		return nil, err
	}
	c := v.Claim
	return &c, nil
}

// read is Read without a copy: whoever shows the same token gets the same.
func (s *Sessions) read(ctx context.Context, token string, now time.Time) (*verified, error) {
	v, err := s.verify(token, now)
	if err != nil {
		return nil, err
	}
	if err := v.current(now); err != nil {
		return nil, err
	}
	if err := s.checkEntries(ctx, &v.Claim, v.entries); err != nil {
		return nil, err
	}
	return v, nil
}

// issue signs c.
func (s *Sessions) issue(c *Claim) (string, error) {
	k := s.keys.Load().list[0]
	if k.sign == nil {
		return "", ownFault("the first key is public: it verifies claims and cannot sign any")
	}
	if !utf8.ValidString(c.Subject) {
		return "", ownFault("the account is not UTF-8: it would not be the same when read again")
	}
	token, err := claimToken.sign(k.id, k.method, k.sign, wire(c, s.issuer, s.audience))
	if err == nil && len(token) > maxIssued {
		return "", ownFault(fmt.Sprintf("the claim would have %d bytes, more than %d: shorten the issuer, the audience or the account", len(token), maxIssued))
	}
	return token, err
}

// accountIn asks the app for the request's account, "" without one, in the
// context ctx. Of the claim itself the account must not be made.
func (s *Sessions) accountIn(ctx context.Context, r *http.Request) (string, error) {
	if s.account == nil {
		return "", nil
	}
	account, err := s.askAccount(r.WithContext(withoutSession(ctx)))
	if err != nil {
		return "", s.accountUnknown(ctx, err)
	}
	return account, nil
}

func (s *Sessions) askAccount(r *http.Request) (account string, err error) {
	defer recoverHook("SessionConfig.Account", &err)
	return s.account(r)
}

// accountUnknown tells the operator that the app cannot say who is signed in,
// unless the visitor just left. The error itself stays here: it may be a Code
// that asks for a verification, or name the person.
func (s *Sessions) accountUnknown(ctx context.Context, err error) error {
	if !visitorLeft(ctx) {
		detail := faultText(err)
		if own := ownFault(""); !errors.As(err, &own) {
			detail = "SessionConfig.Account returned " + detail
		}
		s.emit(withoutSession(ctx), Event{Kind: EventFault, Code: CodeAccountUnavailable, Detail: detail})
	}
	return CodeAccountUnavailable
}

// compareAccount voids a claim that is not the account's that r has in ctx.
func (s *Sessions) compareAccount(ctx context.Context, r *http.Request, c *Claim) error {
	account, err := s.accountIn(ctx, r)
	if err != nil {
		return err
	}
	if account == "" || subtle.ConstantTimeCompare([]byte(account), []byte(c.Subject)) != 1 {
		return tokenError{CodeClaimOtherAccount, "its sub is not the account of the request"}
	}
	c.accountCompared = true
	return nil
}
