package certify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A session is the not yet verified credential of one request, and from its
// first use on the outcome. It is the context that carries it, too: one
// allocation, which routes that do not ask pay for as well, so it is small.
type session struct {
	context.Context
	sessions *Sessions
	request  *http.Request

	mu     sync.Mutex
	judged bool
	bearer bool // the credential was a bearer token
	own    bool // nobody else has the claim: it may be changed
	claim  *Claim
	err    error

	lent   [2]atomic.Bool
	header [2]string // see headerValue
}

type sessionKey struct{}

func (s *session) Value(key any) any {
	if key == (sessionKey{}) {
		return s
	}
	return s.Context.Value(key)
}

func sessionFrom(ctx context.Context) *session {
	s, _ := ctx.Value(sessionKey{}).(*session)
	return s
}

// Load lets [Require] and [FromContext] find the request's claim. It costs
// next to nothing on routes that do not ask: it verifies nothing, waits for
// nothing and does not wrap the ResponseWriter. Within another Sessions' Load
// the inner one counts.
func (s *Sessions) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if outer := sessionFrom(r.Context()); outer == nil || outer.sessions != s {
			r = r.WithContext(&session{Context: r.Context(), sessions: s, request: r})
		}
		next.ServeHTTP(w, r)
	})
}

// withoutSession is for what is called while the claim is judged, and would
// wait for itself if it asked for the claim: it finds none.
func withoutSession(ctx context.Context) context.Context {
	return context.WithValue(ctx, sessionKey{}, (*session)(nil))
}

// FromContext returns the claim of a request that came through
// [Sessions.Load], if it has a valid one.
func FromContext(ctx context.Context) (*Claim, bool) {
	s := sessionFrom(ctx)
	if s == nil {
		return nil, false
	}
	c, err := s.ownClaim(ctx)
	return c, err == nil
}

// Require gates a handler: only requests whose claim p allows reach it. Its
// answers say "Cache-Control: private, no-cache", so that browsers ask the gate
// again, and Vary, unless the handler sets these itself.
// Without [Sessions.Load] around it, it answers 500. It panics if p is nil, or
// if the gated handler is a [Handler], which nobody could pass.
func Require(p Policy) func(http.Handler) http.Handler {
	if p == nil {
		panic("certify: Require needs a policy")
	}
	return func(next http.Handler) http.Handler {
		if _, ok := next.(*Handler); ok || next == nil {
			panic("certify: Require must gate the app's handlers, and never certify's own")
		}
		return &gate{p, next}
	}
}

type gate struct {
	policy Policy
	next   http.Handler
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := sessionFrom(r.Context())
	if s == nil {
		slog.ErrorContext(r.Context(), "certify: a gated route was reached outside Sessions.Load: refused")
		writeProblem(w, r, problemOf(CodeInternal))
		return
	}
	if err := s.admit(r, g.policy); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.varyPrivate(w.Header())
	separateFromOpener(w.Header(), r)
	g.next.ServeHTTP(w, r)
}

func (s *session) admit(r *http.Request, p Policy) error {
	now := s.sessions.now()
	c, err := s.resolve(r.Context(), now)
	if err == nil && !isBuiltIn(p) {
		c, err = s.ownClaim(r.Context())
	}
	if err != nil {
		return err
	}
	d, failed := evaluate(p, now, c)
	for _, f := range failed {
		s.sessions.emit(r.Context(), Event{Kind: EventFault, Code: f.Code, Policy: bounded(f.Policy), Detail: policyFault(f)})
	}
	if d != nil {
		return d
	}
	return nil
}

// policyFault says to the operator how a policy failed, without the text of an
// error of the app's.
func policyFault(d *Denial) string {
	if d.Err == nil {
		return "the policy says so itself"
	}
	return faultText(d.Err)
}

// isBuiltIn reports whether p is made of this package's rules alone, which may
// look at a claim that other requests have, too.
func isBuiltIn(p Policy) bool {
	switch p := p.(type) {
	case *rule:
		return true
	case *allOf:
		return areBuiltIn(p.policies)
	case *anyOf:
		return areBuiltIn(p.policies)
	case *notOf:
		return isBuiltIn(p.p)
	}
	return false
}

func areBuiltIn(ps []Policy) bool {
	for _, p := range ps {
		if !isBuiltIn(p) {
			return false
		}
	}
	return true
}

// gatedCaching keeps shared caches from serving one visitor's answer to another,
// and has browsers ask the gate before they show theirs again: by Last-Modified
// alone they may go on for a tenth of its age (RFC 9111, sections 4.2.2 and
// 5.2.2.4). Validators keep that cheap.
const gatedCaching = "private, no-cache"

// varyPrivate makes an answer the visitor's own.
func (s *session) varyPrivate(h http.Header) {
	switch around := h["Cache-Control"]; {
	case len(around) == 0:
		h["Cache-Control"] = s.headerValue(0, gatedCaching)
	case len(around) > 1 || around[0] != gatedCaching:
		h["Cache-Control"] = narrowed(around)
	}
	vary := "Cookie"
	if s.sessions.bearer {
		vary = "Authorization, Cookie"
	}
	switch old := h["Vary"]; {
	case len(old) == 0:
		h["Vary"] = s.headerValue(1, vary)
	case !slices.Contains(old, vary):
		h["Vary"] = append(old, vary)
	}
}

// narrowed adds gatedCaching to what stands around the gate, which may be
// stricter and is never widened.
func narrowed(around []string) []string {
	directives, unstored := []string{gatedCaching}, false
	for _, value := range around {
		for directive := range strings.SplitSeq(value, ",") {
			directive = textproto.TrimString(directive)
			name, _, _ := strings.Cut(directive, "=")
			switch name = strings.ToLower(name); {
			case name == "must-understand": // for a cache that does, no-store is nothing (RFC 9111, section 5.2.2.3)
				return []string{gatedCaching + ", no-store"}
			case slices.Contains(widening, name), strings.Contains(directive, `"`): // a part of a list of headers
			default:
				directives = append(directives, directive)
				unstored = unstored || name == "no-store"
			}
		}
	}
	if unstored {
		return around
	}
	return []string{strings.Join(directives, ", ")}
}

// widening are what a gated answer is not, and what it is already, if perhaps
// for some headers alone.
var widening = []string{"", "public", "s-maxage", "private", "no-cache"}

// headerValue returns a header's value, which stands in the session the first
// time: that saves an allocation. What is served inside a gate, perhaps at the
// same time and to another ResponseWriter, has its own.
func (s *session) headerValue(i int, value string) []string {
	if !s.lent[i].CompareAndSwap(false, true) {
		return []string{value}
	}
	s.header[i] = value
	return s.header[i : i+1 : i+1]
}

// resolve verifies once for each request. The claim is not to be changed:
// other requests with the same token may have it, too.
func (s *session) resolve(ctx context.Context, now time.Time) (*Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judge(ctx, now)
	return s.claim, s.err
}

// ownClaim is resolve for those who might change the claim, the app's policies
// and handlers: what one request does to its claim must not reach another.
func (s *session) ownClaim(ctx context.Context) (*Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.judged {
		s.judge(ctx, s.sessions.now())
	}
	if s.err == nil && !s.own {
		c := *s.claim
		s.claim, s.own = &c, true
	}
	return s.claim, s.err
}

func (s *session) judge(ctx context.Context, now time.Time) {
	if s.judged {
		return
	}
	s.judged, s.err = true, CodeInternal // stays if the app's Account panics and somebody recovers
	s.claim, s.err = s.read(ctx, now)
	s.own = s.sessions.account != nil // see readFor
}

func (s *session) read(ctx context.Context, now time.Time) (*Claim, error) {
	var few [maxCookies]string
	tokens, err := s.credentials(few[:0])
	if err != nil {
		return nil, err
	}
	err = CodeVerificationRequired
	for i, token := range tokens {
		c, e := s.sessions.readFor(ctx, s.request, token, now)
		if e == nil {
			return c, nil
		}
		if i == 0 || isUnknown(e) {
			err = e
		}
	}
	return nil, err
}

// isUnknown reports whether nobody can tell if a claim counts. That is no reason
// to verify again.
func isUnknown(err error) bool {
	return errors.Is(err, CodeStoreUnavailable) || errors.Is(err, CodeAccountUnavailable)
}

// readFor reads a token for the account of r, which is asked for in ctx: what
// stands around the gate may have put it there. Without accounts the claim is
// shared with whoever shows the same token.
func (s *Sessions) readFor(ctx context.Context, r *http.Request, token string, now time.Time) (*Claim, error) {
	v, err := s.read(ctx, token, now)
	if err != nil {
		return nil, err
	}
	if s.account == nil {
		return &v.Claim, nil
	}
	c := v.Claim
	if err := s.compareAccount(ctx, r, &c); err != nil {
		return nil, err
	}
	return &c, nil
}

// maxCookies bounds how many cookies of one name are tried. There can be more
// than one on plain http only, where anything on the host may set them.
const maxCookies = 4

// credentials appends to tokens those that the request offers, as they are.
// Never from its URL or body.
func (s *session) credentials(tokens []string) ([]string, error) {
	token, ok, err := s.sessions.bearerOf(s.request)
	if err != nil {
		return nil, err
	}
	if s.bearer = ok; ok {
		return append(tokens, token), nil
	}
	return s.sessions.cookiesOf(s.request, tokens), nil
}

// bearerOf returns the request's bearer token, if those count. The app's own
// Authorization schemes are left alone.
func (s *Sessions) bearerOf(r *http.Request) (token string, ok bool, err error) {
	auth := r.Header["Authorization"]
	switch {
	case !s.bearer || len(auth) == 0:
		return "", false, nil
	case len(auth) > 1: // which of them a proxy looked at is anybody's guess
		return "", false, CodeRequestMalformed
	}
	scheme, token, _ := strings.Cut(auth[0], " ")
	return strings.TrimLeft(token, " "), strings.EqualFold(scheme, "Bearer"), nil
}

// cookiesOf appends to tokens what stands in the claim's cookies.
func (s *Sessions) cookiesOf(r *http.Request, tokens []string) []string {
	for value := range cookieValues(r.Header, s.cookies.name("")) {
		if value != "" && len(tokens) < maxCookies {
			tokens = append(tokens, value)
		}
	}
	return tokens
}

// sessionOf returns the session of a request, whether it came through Load or not.
func (s *Sessions) sessionOf(r *http.Request) *session {
	if loaded := sessionFrom(r.Context()); loaded != nil && loaded.sessions == s {
		return loaded
	}
	return &session{Context: r.Context(), sessions: s, request: r}
}

func (s *Sessions) claimOf(r *http.Request) (*Claim, error) {
	return s.sessionOf(r).ownClaim(r.Context())
}

// setClaim gives the browser its claim: until it closes, or for as long as the
// claim lives where an account guards it and the app asked for more than a day.
func (s *Sessions) setClaim(w http.ResponseWriter, token string, c *Claim) {
	maxAge := 0
	if s.ttl > MaxTTLWithoutAccount {
		maxAge = int(c.ExpiresAt.Sub(s.now()) / time.Second)
	}
	s.cookies.set(w, s.cookies.name(""), token, maxAge)
}

// revokeHeld revokes the claims that the request brings, in cookies and as a
// bearer token, but the one with the id that is to stay.
func (s *Sessions) revokeHeld(r *http.Request, stays string) error {
	if err := s.revokeTokens(r.Context(), s.cookiesOf(r, nil), stays); err != nil {
		return err
	}
	return s.revokeBearer(r, stays)
}

// revokeBearer is revokeHeld without the cookies.
func (s *Sessions) revokeBearer(r *http.Request, stays string) error {
	token, ok, err := s.bearerOf(r)
	if err != nil || !ok {
		return err
	}
	return s.revokeTokens(r.Context(), []string{token}, stays)
}

func (s *Sessions) revokeTokens(ctx context.Context, tokens []string, stays string) error {
	for _, token := range tokens {
		c, err := s.verify(token, s.now())
		if err != nil || c.ID == stays {
			continue
		}
		if err := s.Revoke(ctx, c.ID, c.ExpiresAt); err != nil {
			return err
		}
	}
	return nil
}
