package certify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A session is the not yet verified credential of one request, and from its
// first use on the outcome. It is the context that carries it, too.
type session struct {
	context.Context
	sessions *Sessions
	request  *http.Request

	once   sync.Once
	claim  *Claim
	bearer bool // the credential was a bearer token
	err    error
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

// FromContext returns the claim of a request that came through
// [Sessions.Load], if it has a valid one.
func FromContext(ctx context.Context) (*Claim, bool) {
	s := sessionFrom(ctx)
	if s == nil {
		return nil, false
	}
	c, err := s.resolve(ctx)
	return c, err == nil
}

// Require gates a handler: only requests whose claim p allows reach it.
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
	s.sessions.varyPrivate(w.Header())
	g.next.ServeHTTP(w, r)
}

func (s *session) admit(r *http.Request, p Policy) error {
	c, err := s.resolve(r.Context())
	if err != nil {
		return err
	}
	if d := evaluate(p, s.sessions.now(), c); d != nil {
		return d
	}
	return nil
}

// varyPrivate keeps shared caches from serving one visitor's answer to another.
func (s *Sessions) varyPrivate(h http.Header) {
	if cc := h.Get("Cache-Control"); !strings.Contains(cc, "no-store") && !strings.Contains(cc, "private") {
		h.Set("Cache-Control", "private") // unless something around the gate is stricter
	}
	vary := "Cookie"
	if s.bearer {
		vary = "Authorization, Cookie"
	}
	if !slices.Contains(h["Vary"], vary) {
		h.Add("Vary", vary)
	}
}

// resolve verifies once for each request.
func (s *session) resolve(ctx context.Context) (*Claim, error) {
	s.once.Do(func() {
		s.err = CodeInternal // stays if the app's Account panics and somebody recovers
		s.claim, s.err = s.read(ctx)
	})
	return s.claim, s.err
}

func (s *session) read(ctx context.Context) (*Claim, error) {
	tokens, err := s.credentials()
	if err != nil {
		return nil, err
	}
	err = CodeVerificationRequired
	for i, token := range tokens {
		c, e := s.sessions.readFor(ctx, s.request, token)
		if e == nil {
			return c, nil
		}
		if i == 0 || errors.Is(e, CodeStoreUnavailable) {
			err = e
		}
	}
	return nil, err
}

// readFor reads a token for the account of r, which is asked for in ctx: what
// stands around the gate may have put it there.
func (s *Sessions) readFor(ctx context.Context, r *http.Request, token string) (*Claim, error) {
	c, err := s.Read(ctx, token)
	if err != nil || s.account == nil {
		return c, err
	}
	if err := s.compareAccount(r.WithContext(ctx), c); err != nil {
		return nil, err
	}
	return c, nil
}

// maxCookies bounds how many cookies of one name are tried. There can be more
// than one on plain http only, where anything on the host may set them.
const maxCookies = 4

// credentials returns the tokens that the request offers, as they are. Never
// from its URL or body.
func (s *session) credentials() ([]string, error) {
	token, ok, err := s.sessions.bearerOf(s.request)
	if err != nil {
		return nil, err
	}
	if s.bearer = ok; ok {
		return []string{token}, nil
	}
	return s.sessions.cookiesOf(s.request), nil
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

func (s *Sessions) cookiesOf(r *http.Request) (tokens []string) {
	for _, c := range r.CookiesNamed(s.cookies.name("")) {
		if c.Value != "" && len(tokens) < maxCookies {
			tokens = append(tokens, c.Value)
		}
	}
	return tokens
}

// claimOf returns the claim of a request, whether it came through Load or not.
func (s *Sessions) claimOf(r *http.Request) (*Claim, error) {
	loaded := sessionFrom(r.Context())
	if loaded == nil || loaded.sessions != s {
		loaded = &session{Context: r.Context(), sessions: s, request: r}
	}
	return loaded.resolve(r.Context())
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
	if err := s.revokeTokens(r.Context(), s.cookiesOf(r), stays); err != nil {
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
		c, err := s.verify(token)
		if err != nil || c.ID == stays {
			continue
		}
		if err := s.Revoke(ctx, c.ID, c.ExpiresAt); err != nil {
			return err
		}
	}
	return nil
}
