package certify

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
)

// DefaultPath is where a [Handler] is mounted: the paths of the vendor's guides.
const DefaultPath = "/certifications"

// DefaultMaxLookups is how many lookups at a provider may be under way.
const DefaultMaxLookups = 64

// HandlerConfig configures [NewHandler]. Sessions, Provider and Pepper are
// required. It prints and logs without Pepper, except from an unexported field
// of another type, where fmt calls no methods.
type HandlerConfig struct {
	Sessions *Sessions
	Provider Provider
	// OtherProviders finish the attempts that were begun with them, while a
	// site moves from one to another. New attempts go to Provider.
	OtherProviders []Provider
	// Pepper is the key of the DI hash, at least 32 bytes: see [ParsePepper].
	Pepper []byte
	// Path is where the Handler is mounted, [DefaultPath] if empty.
	Path string
	// Accept, if set, sees who was verified before the claim is issued, and
	// names the app's account. A [*Denial] refuses the person, with
	// [CodeAccountRefused] if it has no Code, and so does one of the Code
	// constants. Any other error, and a panic, is a fault of the app's: the
	// operator is told its types, and the visitor may come again with the same
	// verification.
	//
	// It is called at least once for a verification, perhaps again and
	// concurrently: it must be an upsert, and sign nobody in, since the callback
	// may still be refused. SignIn does that. A repeat after the account's claims
	// were revoked does not call it. Without Accept the account is
	// [SessionConfig.Account]'s.
	Accept func(r *http.Request, id *Identity) (account string, err error)
	// SignIn, if set, signs the visitor in as the account that Accept named. It
	// is the last step of a callback, for a claim and for a purpose: the claim is
	// signed, revocations and logouts are judged, and nothing refuses any more. It
	// is not called if Accept named no account. It may set headers, such as a
	// login cookie, and change a session of the app's, but write no body. A
	// repeat of the callback calls it again.
	//
	// Its errors are Accept's. With one the visitor gets no claim and none of the
	// headers that it set, and may come again with the same verification: a
	// session that it changed it has to leave as it was.
	//
	// A [Handler.Logout] in this process either comes before it, and then it is
	// not called, or waits until the answer is written. SignIn and Accept may
	// call Handler.Logout themselves, to end an older session: the verification
	// that is being answered stays.
	SignIn func(w http.ResponseWriter, r *http.Request, id *Identity, account string) error
	// Purposes are what an attempt may be begun for besides a claim, such as a
	// guardian's consent. Accept, without which there can be none, sees
	// [Identity.Purpose]; no claim is issued. An account that Accept names, and
	// whose claims were revoked since, is not signed in by a repeat: see
	// [Sessions.RevokeAccount]. An attempt for a purpose that is not here counts
	// as none: let every instance have it before a page asks for it, and until 90
	// minutes after the last page that did, or who paid has paid for nothing.
	Purposes []string
	// Checks are the policies that a front server may ask about by name, at
	// /check?policy=NAME, before it lets a request through to what is no Go
	// program (nginx's auth_request, Traefik's forwardAuth, Caddy's
	// forward_auth): 204 to let it; 401, 403 or, if nobody can tell, 503 with a
	// problem document to refuse; never a redirect or a cookie.
	// [SessionConfig.Deny] is not asked. Let nobody but the front server reach
	// the path: another site could open it in a window of its visitor's, and
	// tell 204 from a page. docs/forward-auth.md shows the servers.
	Checks map[string]Policy
	// AllowStart, if set, may refuse to begin an attempt: every verification
	// costs a fee. Attempts are many times more than verifications: pages begin
	// one as soon as somebody might verify. The request's body is read by then,
	// and its Form has what it said, such as "purpose", and what else the URL's
	// query did. A [*Denial] is shown as it is, and so is one of the Code
	// constants: [CodeAccountRequired] asks a visitor to sign in whom Accept
	// could name no account for after the fee.
	// A Denial without a Code gets [CodeStartRefused]. Any other error, and a
	// panic, is a fault of the app's, as Accept's is.
	AllowStart func(*http.Request) error
	// TrustedOrigins are other origins, such as that of a single-page app, whose
	// pages may begin and complete attempts and be returned to: exactly as
	// browsers write them, "https://app.example". CORS stays the app's
	// business, and cookies cross only within one site (SameSite=Lax).
	TrustedOrigins []string
	// NativeApps serves apps that have no browser's cookies, under
	// /native/attempts and /native/confirm: the attempt and the claim's token
	// travel in the bodies, and the app sends the token as a bearer token. It
	// needs [SessionConfig.Bearer]. Requests of browsers are refused there.
	NativeApps bool
	// InsecureSelfAssertedNationality puts into claims also a nationality that
	// the person typed and nobody verified ([Identity.NationalitySelfAsserted]).
	InsecureSelfAssertedNationality bool
	// HelpURL is where the pages send those who cannot verify, such as people
	// without a phone in their own name. A path or a URL; no link if empty.
	HelpURL string
	// MaxLookups is how many lookups may be under way at one provider:
	// [DefaultMaxLookups] if 0. Further callbacks wait for up to 3 seconds, in
	// their order and one of each attempt, and are then answered with 503.
	MaxLookups int
}

// A Handler serves the verification under its path. Mount it twice, at
// "/certifications" and "/certifications/", inside [Sessions.Load] or not.
// Below that path it serves
//
//	POST (none), /confirm     the callback, from a page
//	GET  /                    the start page
//	POST /attempts            begins an attempt
//	GET  /redirect            the callback of phones
//	GET  /claim               what a page may know of its visitor
//	GET  /check               forward authentication: [HandlerConfig.Checks]
//	POST /logout              revokes the claim
//	GET  /jwks.json           [Keys.JWKS], 404 if no key is public
//	GET  /certify.js          the script of a page's own button
//	GET  /certify.d.ts        its types
//	POST /native/attempts     for apps: [HandlerConfig.NativeApps]
//	POST /native/confirm
//
// It prints and logs as [HandlerConfig] does.
type Handler struct {
	sessions   *Sessions
	provider   Provider            // for new attempts
	providers  map[string]Provider // by name, for callbacks
	pepper     []byte
	path       string // as the app sees it
	publicPath string // as visitors see it: with SessionConfig.PathPrefix
	accept     func(*http.Request, *Identity) (string, error)
	signIn     func(http.ResponseWriter, *http.Request, *Identity, string) error
	purposes   map[string]bool
	checks     map[string]Policy
	allowStart func(*http.Request) error
	helpURL    string
	lookups    *lookups
	routes     map[string]route
	csrf       *http.CrossOriginProtection
	trusted    []string
	native     bool
	typed      bool // a nationality that the person typed counts

	askedAccount *atomic.Bool // a request of this Handler's has asked SessionConfig.Account
}

type route struct {
	method string
	serve  func(http.ResponseWriter, *http.Request) error
}

var (
	providerName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	purposeName  = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)
)

// NewHandler checks the configuration; its errors name the field to mend.
func NewHandler(cfg HandlerConfig) (*Handler, error) {
	if cfg.Path == "" {
		cfg.Path = DefaultPath
	}
	if cfg.MaxLookups == 0 {
		cfg.MaxLookups = DefaultMaxLookups
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	h := &Handler{
		sessions: cfg.Sessions, provider: cfg.Provider, providers: make(map[string]Provider), pepper: append([]byte(nil), cfg.Pepper...),
		path: cfg.Path, publicPath: cfg.Sessions.pathPrefix + cfg.Path, accept: cfg.Accept, signIn: cfg.SignIn,
		purposes: make(map[string]bool), checks: maps.Clone(cfg.Checks), allowStart: cfg.AllowStart,
		helpURL: cfg.HelpURL, lookups: newLookups(),
		csrf: http.NewCrossOriginProtection(), native: cfg.NativeApps, typed: cfg.InsecureSelfAssertedNationality, askedAccount: new(atomic.Bool),
	}
	for _, p := range cfg.allProviders() {
		h.providers[p.Name()] = p
		h.lookups.slots[p.Name()] = make(chan struct{}, cfg.MaxLookups)
	}
	for _, name := range cfg.Purposes {
		h.purposes[name] = true
	}
	if err := h.trust(cfg.TrustedOrigins); err != nil {
		return nil, err
	}
	h.routes = h.mounted()
	h.sessions.handlerPath.Store(&h.publicPath)
	return h, nil
}

// trust lets the pages of other origins in, and those of this one whatever name
// for it a front server puts into Host: browsers without Fetch Metadata are
// judged by their Origin alone.
func (h *Handler) trust(origins []string) error {
	if err := h.csrf.AddTrustedOrigin(h.sessions.origin); err != nil { // it was parsed: see parseOrigin
		return fmt.Errorf("certify: SessionConfig.Origin: %w", err)
	}
	for _, origin := range origins {
		if _, err := parseOrigin(origin); err != nil {
			return fmt.Errorf("certify: HandlerConfig.TrustedOrigins: %q %w", origin, err)
		}
		if err := h.csrf.AddTrustedOrigin(origin); err != nil {
			return fmt.Errorf("certify: HandlerConfig.TrustedOrigins: %w", err)
		}
		h.trusted = append(h.trusted, origin)
	}
	return nil
}

// mounted are the routes below Path. At Path itself are the start page, and
// the callback as a POST.
func (h *Handler) mounted() map[string]route {
	return map[string]route{
		"/attempts":  {http.MethodPost, h.serveAttempts},
		"/confirm":   {http.MethodPost, h.serveConfirm},
		"/redirect":  {http.MethodGet, h.serveRedirect},
		"/claim":     {http.MethodGet, h.serveClaim},
		"/check":     {http.MethodGet, h.serveCheck},
		"/logout":    {http.MethodPost, h.serveLogout},
		"/jwks.json": {http.MethodGet, h.serveJWKS},

		"/certify.js":   {http.MethodGet, scriptFile.serve},
		"/certify.d.ts": {http.MethodGet, typesFile.serve},

		"/native/attempts": {http.MethodPost, h.serveNativeAttempts},
		"/native/confirm":  {http.MethodPost, h.serveNativeConfirm},
	}
}

func (cfg HandlerConfig) check() error {
	switch {
	case cfg.Sessions == nil:
		return errors.New("certify: HandlerConfig.Sessions is missing")
	case !cfg.Sessions.keys.Load().CanSign():
		return errors.New("certify: HandlerConfig.Sessions holds public keys only, and cannot issue claims")
	case isNil(cfg.Provider):
		return errors.New("certify: HandlerConfig.Provider is missing: see package iamport")
	case len(cfg.Pepper) < minSecret:
		return fmt.Errorf("certify: HandlerConfig.Pepper has %d bytes, at least %d are needed: see ParsePepper", len(cfg.Pepper), minSecret)
	case !isPlainPath(cfg.Path):
		return errors.New("certify: HandlerConfig.Path is not a plain path without a slash at its end")
	case cfg.Path != DefaultPath && cfg.Sessions.startURL == cfg.Sessions.pathPrefix+DefaultPath+"/":
		return fmt.Errorf("certify: HandlerConfig.Path is not the default: set SessionConfig.StartURL to %q, where visitors are sent to verify", cfg.Sessions.pathPrefix+cfg.Path+"/")
	case cfg.HelpURL != "" && !isLocalPath(cfg.HelpURL) && !strings.HasPrefix(cfg.HelpURL, "https://"):
		return errors.New("certify: HandlerConfig.HelpURL is neither a path nor an https URL")
	case cfg.NativeApps && !cfg.Sessions.bearer:
		return errors.New("certify: HandlerConfig.NativeApps needs SessionConfig.Bearer: apps show their claim as a bearer token")
	case cfg.MaxLookups < 0:
		return errors.New("certify: HandlerConfig.MaxLookups is negative")
	}
	if err := cfg.checkProviders(); err != nil {
		return err
	}
	if err := cfg.checkPurposes(); err != nil {
		return err
	}
	return cfg.checkChecks()
}

func (cfg HandlerConfig) checkProviders() error {
	names := make(map[string]bool)
	for _, p := range cfg.allProviders() {
		switch {
		case isNil(p):
			return errors.New("certify: HandlerConfig.OtherProviders has one that is nil")
		case !providerName.MatchString(p.Name()):
			return errors.New("certify: HandlerConfig.Provider or OtherProviders: a name is not 1 to 32 lower-case letters, digits and hyphens")
		case names[p.Name()]:
			return fmt.Errorf("certify: HandlerConfig.Provider and OtherProviders: two are named %q", p.Name())
		}
		names[p.Name()] = true
	}
	return nil
}

func (cfg HandlerConfig) checkPurposes() error {
	if cfg.SignIn != nil && cfg.Accept == nil {
		return errors.New("certify: HandlerConfig.SignIn needs Accept, which names the account")
	}
	if len(cfg.Purposes) > 0 && cfg.Accept == nil {
		return errors.New("certify: HandlerConfig.Purposes needs Accept: without it visitors would verify, and nobody see whom")
	}
	for _, name := range cfg.Purposes {
		if !purposeName.MatchString(name) {
			return errors.New("certify: HandlerConfig.Purposes has one that is not 1 to 32 lower-case letters, digits, _ and -")
		}
	}
	return nil
}

func (cfg HandlerConfig) allProviders() []Provider {
	return append([]Provider{cfg.Provider}, cfg.OtherProviders...)
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.tryAccount(r)
	err := h.dispatch(w, r)
	if err == nil {
		return
	}
	h.tellOperator(r, err)
	p := problemOf(err)
	start := h.startAgain(r, p)
	w.Header().Add("Vary", "Cookie, Sec-Fetch-Mode, Accept, Accept-Language")
	if isNavigation(r) {
		h.comeBack(w, r, p.code)
		h.sessions.writePage(w, r, p, start)
		return
	}
	p.write(w, r, start)
}

// tryAccount asks SessionConfig.Account after the Handler's first request, if
// that did not: one that panics outside the app's own middleware is to be heard
// of before anybody pays.
func (h *Handler) tryAccount(r *http.Request) {
	if !h.askedAccount.Load() {
		_, _ = h.accountOf(r)
	}
}

// accountOf names the account that r is signed in as, "" without one.
func (h *Handler) accountOf(r *http.Request) (string, error) {
	h.askedAccount.Store(true)
	return h.sessions.accountIn(r.Context(), r)
}

func (h *Handler) dispatch(w http.ResponseWriter, r *http.Request) error {
	if len(r.URL.RawQuery) > maxBody {
		return CodeRequestTooLarge
	}
	if err := h.csrf.Check(r); err != nil {
		return CodeCrossOrigin
	}
	rest, ok := strings.CutPrefix(r.URL.Path, h.path)
	if !ok {
		return CodeNotFound
	}
	if actsOrLeads(rest) && isSpeculative(r) {
		return CodePrefetchRefused
	}
	if rest == "" && r.Method == http.MethodPost {
		return h.serveConfirm(w, r)
	}
	serve, ok := h.routes[rest]
	if rest == "" || rest == "/" {
		serve, ok = route{http.MethodGet, h.serveStart}, true
	}
	if !ok {
		return CodeNotFound
	}
	head := r.Method == http.MethodHead && serve.method == http.MethodGet && rest != "/redirect" // which acts
	if r.Method != serve.method && !head {
		w.Header().Set("Allow", serve.allowed(rest))
		return CodeMethodNotAllowed
	}
	return serve.serve(w, r)
}

// allowed is for the header Allow (RFC 9110, section 10.2.1).
func (s route) allowed(rest string) string {
	switch {
	case rest == "":
		return "GET, HEAD, POST"
	case s.method == http.MethodGet && rest != "/redirect":
		return "GET, HEAD"
	}
	return s.method
}

// tellOperator reports a callback or a start that was refused, and as a fault
// what only the operator can mend.
func (h *Handler) tellOperator(r *http.Request, err error) {
	var p *ProviderError
	var a attemptError
	var clock clockError
	fault, e := false, Event{Kind: EventRefused, Provider: h.provider.Name()}
	e.Code, _ = codeOf(err)
	if errors.As(err, &a) {
		e.Provider = a.provider
	}
	switch {
	case e.Code == "", e.Code == CodeInternal:
		fault, e.Code, e.Detail = true, CodeInternal, faultText(err)
	case errors.As(err, &clock):
		fault, e.Detail = true, clock.hint()
	case errors.As(err, &p):
		fault, e.Detail = providerFaults[p.Code], p.Detail
	case e.Code == CodeNotFound, e.Code == CodeMethodNotAllowed, e.Code == CodePrefetchRefused, r.URL.Path == h.path+"/claim":
		return // no callback
	}
	if fault && !visitorLeft(r.Context()) {
		e.Kind = EventFault
	}
	h.sessions.emit(r.Context(), e)
}

// providerFaults are those that visitors cause only when something is wrong.
var providerFaults = map[Code]bool{
	CodeProviderMisconfigured: true, CodeProviderUnavailable: true, CodeProviderInvalid: true, CodeChannelRefused: true,
}

// An ownFault is a sentence of certify's for the operator.
type ownFault string

func (f ownFault) Error() string { return "certify: " + string(f) }

// faultText says what certify itself found wrong, but of an error of the app's
// only its kind: the text may name the person.
func faultText(err error) string {
	var own ownFault
	if errors.As(err, &own) {
		return string(own)
	}
	var a attemptError
	if errors.As(err, &a) {
		err = a.error
	}
	few := 10
	return bounded("an error of type " + typesOf(err, &few))
}

// typesOf names the types of err and of what it wraps, from the outside, as
// long as there are any left to name.
func typesOf(err error, left *int) string {
	if err == nil || *left == 0 {
		return ""
	}
	*left--
	var wrapped []error
	word := " around "
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		wrapped = []error{err.Unwrap()}
	case interface{ Unwrap() []error }:
		wrapped, word = err.Unwrap(), " of "
	}
	var types []string
	for _, e := range wrapped {
		if named := typesOf(e, left); named != "" {
			types = append(types, named)
		}
	}
	if len(types) == 0 {
		return fmt.Sprintf("%T", err)
	}
	return fmt.Sprintf("%T", err) + word + strings.Join(types, ", ")
}

// serveClaim tells a page about its visitor's claim. Other origins may not
// read it, nor time or frame it.
func (h *Handler) serveClaim(w http.ResponseWriter, r *http.Request) error {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return CodeCrossOrigin
	}
	s := h.sessions.sessionOf(r)
	c, err := s.ownClaim(r.Context())
	if err != nil {
		problemOf(err).challenge(w.Header(), s)
		return err
	}
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	return writeJSON(w, http.StatusOK, c)
}

// ignore drops the error of a write to a visitor who has gone.
func ignore(error) error { return nil }

func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, err = w.Write(append(body, '\n'))
	return ignore(err)
}

// seeOther is http.Redirect without its cleaning of the path, which would
// change an app's own.
func seeOther(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}
