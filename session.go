package certify

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Lifetimes of a claim, counted from the verification.
const (
	DefaultTTL = 12 * time.Hour
	// MaxTTLWithoutAccount bounds claims that are not bound to an account:
	// whoever opens the browser next would be taken for the person verified.
	MaxTTLWithoutAccount = 24 * time.Hour
	MaxTTL               = maxLife
)

// SessionConfig configures [NewSessions]. Origin and Keys are required.
type SessionConfig struct {
	// Origin is the scheme and host that visitors see: "https://shop.example".
	// Plain http is for loopback hosts only.
	Origin string
	// Keys sign and verify claims. Public keys alone verify.
	Keys *Keys
	// Issuer and Audience are the claims iss and aud, Origin by default. A
	// service that verifies another's claims names that issuer.
	Issuer, Audience string
	// Store remembers revocations and used attempts: a [MemoryStore] by default.
	Store Store
	// TTL is how long a claim lives after the verification: [DefaultTTL] if 0.
	// More than 24 h need Account, and a Store that outlives the process.
	TTL time.Duration
	// Account names the account that the request is signed in as, or "". With
	// it a claim counts only for the account it was issued to. It is asked once
	// a request, with the context of the first Require or FromContext.
	Account func(*http.Request) string
	// Bearer makes a token in the header "Authorization: Bearer" the only
	// credential of a request that has one.
	Bearer bool
	// StartURL is where navigations without a claim are sent: the Handler's
	// path "/certifications/" by default.
	StartURL string
	// Deny answers refused requests in place of the built-in answers. It
	// cannot admit: the gated handler is not called. The error has a [Code];
	// a policy's is a [*Denial]. Status, challenge and cache headers are its
	// own business.
	Deny func(w http.ResponseWriter, r *http.Request, err error)
	// Pages replaces built-in pages by templates of the same names, "start.html"
	// and "problem.html", which are given a [Page].
	Pages *template.Template
	// Event hears what happens. By default it is logged to Logger.
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
	keys                     atomic.Pointer[Keys]
	store                    Store
	account                  func(*http.Request) string
	bearer                   bool
	startURL                 string
	deny                     func(http.ResponseWriter, *http.Request, error)
	pages                    *template.Template
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
		origin: origin, issuer: cfg.Issuer, audience: cfg.Audience, ttl: cfg.TTL, store: cfg.Store,
		account: cfg.Account, bearer: cfg.Bearer, startURL: cfg.StartURL, deny: cfg.Deny,
		pages: cfg.Pages, event: cfg.Event, logger: cfg.Logger, now: cfg.Now,
		cookies: cookieScope{secure: strings.HasPrefix(origin, "https:")},
	}
	s.setDefaults()
	if err := s.SetKeys(cfg.Keys); err != nil {
		return nil, err
	}
	return s, s.check(cfg)
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
	if s.startURL == "" {
		s.startURL = DefaultPath + "/"
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
}

func (s *Sessions) check(cfg SessionConfig) error {
	_, inMemory := s.store.(*MemoryStore)
	foreign := s.issuer != s.origin || !cfg.Keys.CanSign()
	switch u, err := url.Parse(s.startURL); {
	case err != nil || u.RawQuery != "" || u.Fragment != "" || !isLocalPath(s.startURL) && (u.Host == "" || u.Scheme != "https" && u.Scheme != "http"):
		return errors.New("certify: SessionConfig.StartURL is neither a path on this host nor a URL, without a query")
	case s.ttl < 0 || s.ttl > MaxTTL:
		return fmt.Errorf("certify: SessionConfig.TTL must be positive and at most %s", MaxTTL)
	case s.ttl > MaxTTLWithoutAccount && s.account == nil:
		return fmt.Errorf("certify: SessionConfig.TTL above %s needs Account: without it a claim is anybody's who uses the browser", MaxTTLWithoutAccount)
	case s.ttl > MaxTTLWithoutAccount && inMemory && !cfg.InsecureForgetRevocations:
		return fmt.Errorf("certify: SessionConfig.TTL above %s needs a Store that outlives the process, or InsecureForgetRevocations", MaxTTLWithoutAccount)
	case foreign && inMemory && !cfg.InsecureForgetRevocations:
		return errors.New("certify: SessionConfig.Store must be shared with the issuer, or InsecureForgetRevocations set: a store of its own sees none of the issuer's revocations")
	}
	return nil
}

// parseOrigin wants scheme://host[:port] as browsers write it.
func parseOrigin(s string) (string, error) {
	if s == "" {
		return "", errors.New(`is missing: set it to what visitors see, like "https://shop.example"`)
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != s || s != strings.ToLower(s) {
		return "", errors.New("is not scheme://host in lower case and without a path")
	}
	switch {
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

// SetKeys replaces the keys from the next token on. Keys that could sign are
// not replaced by keys that cannot.
func (s *Sessions) SetKeys(keys *Keys) error {
	if keys == nil || len(keys.list) == 0 {
		return errors.New("certify: SessionConfig.Keys are missing: see ParseKeys")
	}
	if old := s.keys.Load(); old.CanSign() && !keys.CanSign() {
		return errors.New("certify: the new keys cannot sign, and the old ones could")
	}
	s.keys.Store(keys)
	return nil
}

// Read returns the claim of a token. Its errors have a [Code]:
// [CodeStoreUnavailable] if nobody can tell whether it was revoked. The
// account is not compared, since there is no request: compare Subject.
func (s *Sessions) Read(ctx context.Context, token string) (*Claim, error) {
	c, err := s.verify(token)
	if err != nil {
		return nil, err
	}
	if err := c.current(s.now()); err != nil {
		return nil, err
	}
	if err := s.checkRevoked(ctx, c); err != nil {
		return nil, err
	}
	return c, nil
}

// verify judges what never changes about a token.
func (s *Sessions) verify(token string) (*Claim, error) {
	keys := s.keys.Load()
	payload, err := claimToken.open(token, func(kid string) (signer, any) {
		if k := keys.byID[kid]; k != nil {
			return k.method, k.verify
		}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return readClaim(payload, s.issuer, s.audience)
}

// issue signs c.
func (s *Sessions) issue(c *Claim) (string, error) {
	k := s.keys.Load().list[0]
	if k.sign == nil {
		return "", errors.New("certify: the first key is public: it verifies claims and cannot sign any")
	}
	token, err := claimToken.sign(k.id, k.method, k.sign, wire(c, s.issuer, s.audience))
	if err == nil && len(token) > maxIssued {
		return "", fmt.Errorf("certify: the claim would have %d bytes, more than %d: shorten the issuer, the audience or the account", len(token), maxIssued)
	}
	return token, err
}

// Revoke voids the claim with that id, whose token expires at exp.
func (s *Sessions) Revoke(ctx context.Context, jti string, exp time.Time) error {
	left := exp.Sub(s.now())
	if left <= 0 {
		return nil
	}
	if jti == "" || len(jti) > 64 {
		return errors.New("certify: Revoke needs a jti of 1 to 64 bytes")
	}
	if err := s.store.Put(ctx, revokedKey(jti), "1", left); err != nil {
		return s.storeDown(ctx, err)
	}
	s.emit(ctx, Event{Kind: EventRevoked})
	return nil
}

// RevokeAccount voids every claim that was issued to the account until now.
func (s *Sessions) RevokeAccount(ctx context.Context, account string) error {
	if account == "" {
		return errors.New("certify: RevokeAccount needs an account")
	}
	if err := s.store.Put(ctx, accountKey(account), strconv.FormatInt(s.now().Unix(), 10), MaxTTL); err != nil {
		return s.storeDown(ctx, err)
	}
	s.emit(ctx, Event{Kind: EventRevoked})
	return nil
}

func revokedKey(jti string) string { return "revoked:" + jti }

// accountKey hashes the account, which may be an e-mail address.
func accountKey(account string) string {
	sum := sha256.Sum256([]byte("certify account\x00" + account))
	return "account:" + b64.EncodeToString(sum[:])
}

func (s *Sessions) checkRevoked(ctx context.Context, c *Claim) error {
	_, revoked, err := s.store.Get(ctx, revokedKey(c.ID))
	if err != nil {
		return s.storeDown(ctx, err)
	}
	if revoked {
		return tokenError{CodeClaimRevoked, "its jti was revoked"}
	}
	if c.Subject == "" {
		return nil
	}
	until, ok, err := s.store.Get(ctx, accountKey(c.Subject))
	switch {
	case err != nil:
		return s.storeDown(ctx, err)
	case !ok:
		return nil
	}
	if sec, err := strconv.ParseInt(until, 10, 64); err == nil && c.IssuedAt.Unix() > sec {
		return nil
	}
	return tokenError{CodeClaimRevoked, "its account's claims were revoked"}
}

// storeDown keeps the store's own error from visitors and from errors.Is: it
// may hold anything. The operator hears of it.
func (s *Sessions) storeDown(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		s.emit(ctx, Event{Kind: EventFault, Code: CodeStoreUnavailable, Detail: err.Error()})
	}
	return CodeStoreUnavailable
}

// accountOf names the request's account, "" without one.
func (s *Sessions) accountOf(r *http.Request) string {
	if s.account == nil {
		return ""
	}
	return s.account(r)
}

// compareAccount voids a claim that is not the request's account's.
func (s *Sessions) compareAccount(r *http.Request, c *Claim) error {
	account := s.account(r)
	if account == "" || subtle.ConstantTimeCompare([]byte(account), []byte(c.Subject)) != 1 {
		return tokenError{CodeClaimOtherAccount, "its sub is not the account of the request"}
	}
	c.accountCompared = true
	return nil
}
