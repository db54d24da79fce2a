package certify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// problemBase is where the type URI of each problem resolves (RFC 9457,
// section 3.1.1).
const problemBase = "https://github.com/certify-go/certify/blob/main/docs/problems.md#"

// retryAfter is what 503 answers ask for where the provider names no time, and
// maxRetryAfter is the most they ask for.
const (
	retryAfter    = 5 * time.Second
	maxRetryAfter = time.Hour
)

// A problem is one refusal, ready to be told.
type problem struct {
	problemText
	code   Code
	denial *Denial       // if a policy refused
	wait   time.Duration // until the provider may answer, or 0
}

// problemOf finds what to tell of err. What has no Code is a fault of ours.
func problemOf(err error) problem {
	p := problem{code: CodeInternal}
	if errors.As(err, &p.denial) && p.denial != nil {
		p.code = p.denial.Code
	} else if c, ok := codeOf(err); ok {
		p.code = c
	}
	var failed *ProviderError
	if errors.As(err, &failed) && failed != nil {
		p.wait = failed.RetryAfter
	}
	text, known := problemTexts[p.code]
	switch {
	case !known && p.denial != nil:
		text = customDenial
	case !known:
		text = problemTexts[CodeInternal]
	}
	if p.denial != nil && text.status == http.StatusUnauthorized && (p.code != CodeStale || p.denial.Remedy != Reverify) {
		text.status, text.next = http.StatusForbidden, noNext // the claim is good, and verifying would not end it
	}
	if errors.Is(err, errBegunSignedOut) {
		text = begunSignedOut
	}
	p.problemText = text
	if p.denial != nil && p.denial.Detail != "" {
		p.ko, p.en = p.denial.Detail, p.denial.Detail
	}
	return p
}

// detail is the sentence for the visitor.
func (p problem) detail(ko bool) string {
	if ko {
		return p.ko
	}
	return p.en
}

// maxAge is in seconds, and 0 unless a verification was too old.
func (p problem) maxAge() int64 {
	if p.denial == nil || p.code != CodeStale {
		return 0
	}
	return int64(p.denial.MaxAge / time.Second)
}

// verifiable reports whether a new verification may help.
func (p problem) verifiable() bool {
	return p.next == verifyNext || p.next == loginNext || p.denial != nil && p.denial.Remedy == Reverify
}

// retriable reports whether the same request may pass without a second fee. An
// attempt of another account does when that one is signed in again.
func (p problem) retriable() bool {
	return p.next == retryNext || p.next == loginNext
}

type problemReason struct {
	Code   Code   `json:"code"`
	Policy string `json:"policy,omitempty"`
}

// problemDocument is RFC 9457's, with members of our own. It holds nothing
// about the person but what the refusal itself says.
type problemDocument struct {
	Type      string          `json:"type"`
	Title     string          `json:"title"`
	Status    int             `json:"status"`
	Detail    string          `json:"detail"`
	Code      Code            `json:"code"`
	Policy    string          `json:"policy,omitempty"`
	Reasons   []problemReason `json:"reasons,omitempty"`
	Remedy    Remedy          `json:"remedy,omitempty"`
	MaxAge    int64           `json:"max_age,omitempty"`
	VerifyURL string          `json:"verify_url,omitempty"`
}

func (p problem) document(r *http.Request, verifyURL string) problemDocument {
	d := problemDocument{
		Type: "about:blank", Title: p.title, Status: p.status, Detail: p.detail(prefersKorean(r)),
		Code: p.code, MaxAge: p.maxAge(),
	}
	if _, known := problemTexts[p.code]; known {
		d.Type = problemBase + string(p.code)
	}
	if p.verifiable() {
		d.Remedy, d.VerifyURL = Reverify, verifyURL
	}
	if p.denial != nil {
		d.Policy = p.denial.Policy
		for _, reason := range p.denial.Reasons {
			d.Reasons = append(d.Reasons, problemReason{reason.Code, reason.Policy})
		}
	}
	return d
}

func writeProblem(w http.ResponseWriter, r *http.Request, p problem) {
	p.write(w, r, "")
}

func (p problem) write(w http.ResponseWriter, r *http.Request, verifyURL string) {
	body, err := json.Marshal(p.document(r, verifyURL))
	if err != nil { // strings and numbers always marshal
		http.Error(w, p.title, p.status)
		return
	}
	p.head(w, "application/problem+json")
	_, _ = w.Write(append(body, '\n'))
}

func (p problem) head(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	p.setRetryAfter(h)
	w.WriteHeader(p.status)
}

// passes reports whether the same request may work a little later. How long the
// app's AllowStart refuses (429), nobody here knows.
func (p problem) passes() bool { return p.status == http.StatusServiceUnavailable }

// setRetryAfter tells when to ask again, in whole seconds, rounded up: one who
// comes too early is only refused again.
func (p problem) setRetryAfter(h http.Header) {
	if !p.passes() {
		return
	}
	wait := retryAfter
	if p.wait > 0 {
		wait = min(p.wait, maxRetryAfter)
	}
	h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
}

// refuse answers a request that a gate did not admit.
func (s *session) refuse(w http.ResponseWriter, r *http.Request, err error) {
	ss := s.sessions
	if ss.pathPrefix+s.request.URL.EscapedPath() == ss.startURL {
		err = errGatedStart
	}
	p := problemOf(err)
	ss.tellDenied(r.Context(), err, p)
	if isSpeculative(r) { // not even by Deny, whose answer might be kept
		writeProblem(w, r, problemOf(CodePrefetchRefused))
		return
	}
	if ss.deny != nil {
		ss.deny(w, r, err)
		return
	}
	start := ss.startFor(s.request, p)
	w.Header().Add("Vary", "Cookie, Sec-Fetch-Mode, Accept, Accept-Language")
	switch {
	case p.status == http.StatusUnauthorized && isSafe(r) && isNavigation(r):
		if neverAgain(err) {
			ss.cookies.clear(w, ss.cookies.name(""))
		}
		separateFromOpener(w.Header(), r)
		seeOther(w, start)
	case isNavigation(r):
		if p.isAboutPerson() && isSafe(r) {
			ss.rememberRefusal(w, s.claim, ss.localOf(s.request.URL))
		}
		ss.writePage(w, r, p, start)
	default:
		p.challenge(w.Header(), s)
		p.write(w, r, start)
	}
}

// errGatedStart is a gate around the very page where it would send visitors,
// round and round.
var errGatedStart = fmt.Errorf("certify: the start page is behind a gate: %w", CodeInternal)

// tellDenied reports a refusal, and as a fault what only the operator can mend.
func (s *Sessions) tellDenied(ctx context.Context, err error, p problem) {
	s.emit(ctx, Event{Kind: EventDenied, Code: p.code, Policy: p.policy(), Detail: whyOf(err)})
	if hint := s.operatorHint(err, p.code); hint != "" {
		s.emit(ctx, Event{Kind: EventFault, Code: p.code, Policy: p.policy(), Detail: hint})
	}
}

// neverAgain reports whether the claim is one that no time and no login will
// make count. A revoked one stays until the next replaces it, which another
// tab may just be getting.
func neverAgain(err error) bool {
	switch code, _ := codeOf(err); code {
	case CodeClaimExpired, CodeClaimWrongKey, CodeClaimWrongAudience:
		return true
	case CodeClaimMalformed:
		return !errors.Is(err, errTooNew)
	}
	return false
}

// operatorHint tells of refusals that no visitor can do anything about.
func (s *Sessions) operatorHint(err error, code Code) string {
	switch {
	case errors.Is(err, errGatedStart):
		return "SessionConfig.StartURL, where visitors are sent to verify, is itself behind a gate: mount the Handler outside Require"
	case errors.Is(err, errTooNew):
		return "a claim was issued in the future: the clocks of the servers differ by more than a minute"
	case code == CodeNationalityUnknown:
		return "a policy asks for the nationality, and the provider did not tell it: does the PG contract have the foreigner option?"
	case code == CodeAccountRequired && s.account == nil:
		return "a policy asks for the member who was verified, and SessionConfig.Account is not set"
	}
	return ""
}

func (p problem) policy() string {
	if p.denial == nil {
		return ""
	}
	return p.denial.Policy
}

// whyOf is what exactly was wrong with a token, for the log alone.
func whyOf(err error) string {
	var t tokenError
	if errors.As(err, &t) {
		return t.why
	}
	return ""
}

// challenge is RFC 6750, section 3: no error code where no token came; and for
// a verification that is too old RFC 9470, section 3.
func (p problem) challenge(h http.Header, s *session) {
	if !s.sessions.bearer || p.status != http.StatusUnauthorized {
		return
	}
	c := `Bearer realm="` + s.sessions.audience + `"`
	switch {
	case p.code == CodeStale:
		c += `, error="insufficient_user_authentication", error_description="the verification is too old", max_age=` + strconv.FormatInt(p.maxAge(), 10)
	case s.bearer:
		c += `, error="invalid_token", error_description="` + p.title + `"`
	}
	h.Set("WWW-Authenticate", c)
}

// isNavigation tells a browser that goes somewhere from a script that fetches.
func isNavigation(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func isSafe(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

var languages = language.NewMatcher([]language.Tag{language.Korean, language.English})

// prefersKorean is true unless the browser prefers English, or another
// language than Korean for which English is nearer.
func prefersKorean(r *http.Request) bool {
	_, i := language.MatchStrings(languages, r.Header.Get("Accept-Language"))
	return i == 0
}
