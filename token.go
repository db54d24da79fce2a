package certify

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

const (
	maxIssued  = 1024             // bytes: the longest claim we sign ourselves
	maxClaimID = 64               // bytes: it becomes a key of the Store
	maxSkew    = 60 * time.Second // how far the issuer's clock may run ahead
	maxLife    = MaxTTL
	maxTime    = 253402300799 // 9999-12-31T23:59:59Z
)

// A tokenKind tells claims and attempts apart by their type (RFC 8725, section
// 3.11) and bounds what is read before any parsing, in bytes.
type tokenKind struct {
	typ   string
	limit int
}

var (
	claimToken   = tokenKind{"certify+jwt", 2048}
	attemptToken = tokenKind{"certify-attempt+jwt", 4096}
)

// A tokenError is a Code with what exactly was wrong, for the operator. It
// repeats nothing of the token.
type tokenError struct {
	Code
	why string
}

func (e tokenError) Error() string { return e.Code.Error() + ": " + e.why }
func (e tokenError) Unwrap() error { return e.Code }

func malformed(why string) error { return tokenError{CodeClaimMalformed, why} }

// sign makes the compact serialization of RFC 7515, section 3.1.
func (k tokenKind) sign(kid string, m signer, key any, payload any) (string, error) {
	header, err := json.Marshal(struct {
		Typ string `json:"typ"`
		Alg string `json:"alg"`
		Kid string `json:"kid"`
	}{k.typ, m.Alg(), kid})
	if err != nil {
		return "", err
	}
	body, err := marshal(payload)
	if err != nil {
		return "", err
	}
	input := b64.EncodeToString(header) + "." + b64.EncodeToString(body)
	sig, err := m.Sign(input, key)
	if err != nil {
		return "", err
	}
	return input + "." + b64.EncodeToString(sig), nil
}

type signer interface {
	Alg() string
	Sign(input string, key any) ([]byte, error)
	Verify(input string, sig []byte, key any) error
}

// marshal is json.Marshal without the escapes for HTML, which would make six
// bytes of each & in a return path.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// open checks a token's form and signature and returns its payload. The key,
// found by kid alone, decides the algorithm (RFC 8725, section 3.1).
func (k tokenKind) open(token string, find func(kid string) (m signer, key any)) ([]byte, error) {
	if len(token) > k.limit {
		return nil, malformed("it is longer than any we issue")
	}
	header, rest, _ := strings.Cut(token, ".")
	body, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return nil, malformed("it has not three parts")
	}
	kid, alg, err := k.openHeader(header)
	if err != nil {
		return nil, err
	}
	m, key := find(kid)
	if m == nil {
		return nil, tokenError{CodeClaimWrongKey, "its kid names no key of ours"}
	}
	if alg != m.Alg() {
		return nil, tokenError{CodeClaimWrongKey, "its alg is not that of its key"}
	}
	sig, err := decodeSegment(signature)
	if err != nil {
		return nil, malformed("its signature is not strict base64url")
	}
	if m.Verify(token[:len(header)+1+len(body)], sig, key) != nil {
		return nil, tokenError{CodeClaimWrongKey, "its signature does not verify"}
	}
	payload, err := decodeSegment(body)
	if err != nil {
		return nil, malformed("its payload is not strict base64url")
	}
	return payload, nil
}

// openHeader admits typ, alg and kid and no other parameter: a key that
// travels in the token (jwk, jku, x5u, x5c), an extension we do not know
// (crit, b64) and compression (zip) are all refused by that.
func (k tokenKind) openHeader(segment string) (kid, alg string, err error) {
	raw, err := decodeSegment(segment)
	if err != nil {
		return "", "", malformed("its header is not strict base64url")
	}
	o, err := members(raw)
	if err != nil {
		return "", "", malformed("its header " + err.Error())
	}
	t, alg, kid := o.text("typ"), o.text("alg"), o.text("kid")
	switch {
	case o.bad != "":
		return "", "", malformed("its header has no " + o.bad + " that is a string")
	case len(o.members) != 3:
		return "", "", malformed("its header has more than typ, alg and kid")
	case t != k.typ:
		return "", "", malformed("its typ is not " + k.typ)
	}
	return kid, alg, nil
}

// decodeSegment is strict base64url. The decoder itself would skip line ends.
func decodeSegment(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line end")
	}
	return b64.DecodeString(s)
}

// wireClaim is a claim as it is signed.
type wireClaim struct {
	Iss       string `json:"iss"`
	Aud       string `json:"aud"`
	Sub       string `json:"sub,omitempty"`
	Jti       string `json:"jti"`
	Iat       int64  `json:"iat"`
	Exp       int64  `json:"exp"`
	AuthTime  int64  `json:"auth_time"`
	Age       int    `json:"age"`
	BirthYear int    `json:"birth_year"`
	DIHash    string `json:"di_hash,omitempty"`
	Foreigner *bool  `json:"foreigner,omitempty"`
	Txn       string `json:"txn"`

	SiteEpoch    string `json:"site_epoch,omitempty"`
	AccountEpoch string `json:"account_epoch,omitempty"`
}

func wire(c *Claim, issuer, audience string) wireClaim {
	return wireClaim{
		Iss: issuer, Aud: audience, Sub: c.Subject, Jti: c.ID,
		Iat: c.IssuedAt.Unix(), Exp: c.ExpiresAt.Unix(), AuthTime: c.AuthTime.Unix(),
		Age: c.Age, BirthYear: c.BirthYear, DIHash: c.DIHash,
		Foreigner: c.Nationality.foreigner(), Txn: c.Txn,
		SiteEpoch: c.siteEpoch, AccountEpoch: c.accountEpoch,
	}
}

// readClaim reads the payload of a token whose signature was verified.
func readClaim(payload []byte, issuer, audience string) (*Claim, error) {
	o, err := members(payload)
	if err != nil {
		return nil, malformed("its payload " + err.Error())
	}
	iss, aud, nbf := o.text("iss"), o.audience(), o.optionalTime("nbf")
	c := &Claim{
		ID:          o.text("jti"),
		Subject:     o.optionalText("sub"),
		IssuedAt:    o.time("iat"),
		ExpiresAt:   o.time("exp"),
		AuthTime:    o.time("auth_time"),
		Age:         int(o.integer("age", 9999)),
		BirthYear:   int(o.integer("birth_year", 9999)),
		DIHash:      o.optionalText("di_hash"),
		Nationality: o.nationality(),
		Txn:         o.text("txn"),

		siteEpoch: o.epoch("site_epoch"), accountEpoch: o.epoch("account_epoch"),
	}
	switch {
	case o.bad != "":
		return nil, malformed("its " + o.bad + " is missing or of another type")
	case iss != issuer:
		return nil, tokenError{CodeClaimWrongAudience, "its iss is not the issuer expected here"}
	case !slices.Contains(aud, audience):
		return nil, tokenError{CodeClaimWrongAudience, "its aud does not name the audience here"}
	case nbf.After(c.IssuedAt): // we sign none, but RFC 7519, section 4.1.5, binds whoever reads one
		return nil, malformed("its nbf is later than its iat")
	}
	if err := c.consistent(); err != nil {
		return nil, err
	}
	return c, nil
}

// consistent voids a claim that contradicts itself, whoever signed it.
func (c *Claim) consistent() error {
	_, _, fits := c.birthDates()
	switch {
	case !isClaimID(c.ID): // nobody could revoke it
		return malformed("its jti is not 1 to 64 printable ASCII characters")
	case c.AuthTime.After(c.IssuedAt):
		return malformed("its auth_time is later than its iat")
	case !c.ExpiresAt.After(c.IssuedAt):
		return malformed("its exp is not later than its iat")
	case c.ExpiresAt.After(c.AuthTime.Add(maxLife)):
		return malformed("its exp is more than a year after its auth_time")
	case !fits:
		return malformed("its age, birth_year and iat fit no birth date")
	}
	return nil
}

// errTooNew passes with time: nothing is lost by it but patience.
var errTooNew = malformed("its iat lies in the future: compare the clocks")

// current judges the claim's time, last of all: only a token that is right in
// everything else is called expired.
func (c *Claim) current(now time.Time) error {
	switch {
	case c.IssuedAt.After(now.Add(maxSkew)):
		return errTooNew
	case !now.Before(c.ExpiresAt):
		return tokenError{CodeClaimExpired, "its exp has passed"}
	}
	return nil
}
