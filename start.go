package certify

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// serveStart shows the start page, or sends those back who need not verify.
func (h *Handler) serveStart(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	back, err := h.returnTo(q)
	if err != nil {
		return err
	}
	w.Header().Add("Vary", "Cookie, Accept-Language")
	if q.Get("purpose") == "" {
		satisfied, err := h.satisfied(r, back, Code(q.Get("reason")), q.Get("max_age"))
		if err != nil {
			return err
		}
		if satisfied {
			separateFromOpener(w.Header(), r)
			seeOther(w, cmp.Or(back, h.sessions.home()))
			return nil
		}
	}
	purpose := q.Get("purpose")
	if purpose != "" && !h.purposes[purpose] {
		return CodeRequestMalformed
	}
	if h.accept == nil { // else the app need not be asked
		account, err := h.accountOf(r)
		if err != nil {
			return err
		}
		if h.needsLogin(account) {
			return CodeAccountRequired
		}
	}
	pg := newPage(r, CodeVerificationRequired)
	pg.Path, pg.ReturnTo, pg.Purpose = h.publicPath, back, purpose
	if purpose == "" { // else it is not the page that asks
		pg.Place = placeOf(back)
	}
	pg.HelpURL, pg.Script = h.helpURL, startScript
	pg.Message = problemOf(CodeVerificationRequired).detail(pg.Korean)
	if reason := Code(q.Get("reason")); startsFor(reason) {
		pg.Code, pg.Message = string(reason), problem{problemText: problemTexts[reason]}.detail(pg.Korean)
	}
	return h.sessions.writeTemplate(w, pg, "start.html", http.StatusOK)
}

// startsFor reports whether gates send visitors to the start page for that
// reason. The address could name any other to alarm them.
func startsFor(reason Code) bool {
	return problemTexts[reason].status == http.StatusUnauthorized || reason == CodeAgeUncertain
}

// placeOf is short and as the browser writes it, so that nobody's words can be
// put on the page through the address.
func placeOf(returnTo string) string {
	u, err := url.Parse(returnTo)
	if err != nil || len(u.Path) < 2 {
		return ""
	}
	place := u.Host + u.EscapedPath()
	if len(place) > 48 {
		return place[:47] + "…"
	}
	return place
}

// satisfied reports whether the visitor's claim does already, so that a second
// verification would be a fee for nothing. A claim that the gate of the page
// refused for a fact about the person never does. The error says that nobody
// can tell.
func (h *Handler) satisfied(r *http.Request, returnTo string, reason Code, maxAge string) (bool, error) {
	if reason != "" && problemTexts[reason].status != http.StatusUnauthorized {
		return false, nil
	}
	c, err := h.sessions.claimOf(r)
	switch {
	case isUnknown(err):
		return false, err
	case err != nil, h.sessions.wasRefused(r, c, returnTo):
		return false, nil
	}
	seconds, err := strconv.ParseInt(maxAge, 10, 32)
	if err != nil {
		return reason != CodeStale, nil
	}
	return h.sessions.now().Sub(c.AuthTime) <= time.Duration(seconds)*time.Second, nil
}

// serveAttempts begins an attempt for the start page's script or the app's own.
func (h *Handler) serveAttempts(w http.ResponseWriter, r *http.Request) error {
	a, err := h.begin(w, r)
	if err != nil {
		return err
	}
	if err := h.sessions.setAttempt(w, r, a); err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, h.startOf(a))
}

// begin makes the attempt that a request asks for.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request) (*attempt, error) {
	if err := h.checkOrigin(r); err != nil {
		return nil, err
	}
	values, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	returnTo, err := h.returnTo(values)
	if err != nil {
		return nil, err
	}
	purpose := values.Get("purpose")
	if purpose != "" && !h.purposes[purpose] {
		return nil, CodeRequestMalformed
	}
	account, err := h.accountOf(r)
	if err != nil {
		return nil, err
	}
	if h.needsLogin(account) {
		return nil, CodeAccountRequired
	}
	if err := h.mayStart(r, values); err != nil {
		return nil, err
	}
	begun, err := h.sessions.lastTick(r.Context())
	if err != nil {
		return nil, err
	}
	a := newAttempt(h.sessions.keys.Load().list[0], h.sessions.now())
	a.Provider, a.returnTo, a.Purpose = h.provider.Name(), returnTo, purpose
	a.account, a.site = a.accountHash(account), a.siteHash(h.sessions.audience)
	a.begun = begun
	a.RedirectURL = h.sessions.origin + h.publicPath + "/redirect"
	h.sessions.emit(r.Context(), Event{Kind: EventStarted, Provider: a.Provider, Purpose: a.Purpose})
	return a, nil
}

// mayStart asks the app, with what the query and the body said in the request's
// Form. What the attempt will be for stands in the body alone.
func (h *Handler) mayStart(r *http.Request, values url.Values) error {
	if h.allowStart == nil {
		return nil
	}
	asked := r.WithContext(r.Context())
	asked.Form = r.URL.Query()
	asked.Form.Del("return_to")
	asked.Form.Del("purpose")
	maps.Copy(asked.Form, values)
	if err := h.askAllowStart(asked); err != nil {
		return hookAnswer(err, "HandlerConfig.AllowStart", CodeStartRefused)
	}
	return nil
}

func (h *Handler) askAllowStart(r *http.Request) (err error) {
	defer recoverHook("HandlerConfig.AllowStart", &err)
	return h.allowStart(r)
}

// checkOrigin refuses a page of another name of this site, such as www.: phones
// come back to SessionConfig.Origin, where the attempt's cookie would not be,
// and the fee would be lost. Browsers name the origin with every POST; whoever
// is no browser names what they like, so no more than an origin is told.
func (h *Handler) checkOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" || origin == "null" || origin == h.sessions.origin || slices.Contains(h.trusted, origin) {
		return nil
	}
	https := strings.Replace(origin, "http://", "https://", 1) // a name on plain http is worth telling, too
	if _, err := parseOrigin(https); err != nil || len(origin) > 255 {
		origin = "another origin"
	}
	h.sessions.emit(r.Context(), Event{Kind: EventFault, Code: CodeCrossOrigin, Detail: fmt.Sprintf(
		"visitors are at %q, where no verification can end: SessionConfig.Origin is %q. Redirect them there", origin, h.sessions.origin)})
	return CodeCrossOrigin
}

// Attempt returns the attempt with that id under which a verification would
// still count, if this browser and account began it; else the error has
// [CodeAttemptMissing], [CodeAttemptExpired], [CodeAttemptUsed] or
// [CodeAttemptOtherAccount]. Ask before doing for an attempt what costs
// something, such as sending a code to a form of the app's own.
func (h *Handler) Attempt(r *http.Request, id string) (Attempt, error) {
	for _, a := range h.sessions.attemptsOf(r) {
		if a.ID != id {
			continue
		}
		if err := h.mayVerify(r, a); err != nil {
			return Attempt{}, err
		}
		return a.Attempt, nil
	}
	return Attempt{}, CodeAttemptMissing
}

// mayVerify checks that a person who verifies now can redeem it.
func (h *Handler) mayVerify(r *http.Request, a *attempt) error {
	if h.providers[a.Provider] == nil { // it was taken out of the configuration
		return CodeAttemptMissing
	}
	account, err := h.accountOf(r)
	if err != nil {
		return err
	}
	if err := h.mayRedeem(r.Context(), a, account); err != nil {
		return err
	}
	if h.sessions.now().After(a.VerifyBy) {
		return CodeAttemptExpired
	}
	t, err := h.taken(r.Context(), a)
	if err == nil && t.txn != "" {
		err = CodeAttemptUsed
	}
	return err
}

// needsLogin reports whether a claim would be nobody's, and so never count.
func (h *Handler) needsLogin(account string) bool {
	return h.sessions.account != nil && h.accept == nil && account == ""
}

// startOf tells a page how to open the provider's window. The attempt's id
// stands under the provider's own name for it.
func (h *Handler) startOf(a *attempt) map[string]any {
	start := h.provider.Begin(a.Attempt)
	return map[string]any{
		start.IDName: a.ID,
		"script":     start.Script,
		"calls":      start.Calls,
		"return_to":  h.backOf(a),
		"expires_at": a.VerifyBy.UTC().Format(time.RFC3339),
	}
}

// attemptOf is the one that a failed callback was for, as far as anybody can
// tell: the one that the query names, else the newest, or nil.
func (h *Handler) attemptOf(r *http.Request) *attempt {
	attempts := h.sessions.attemptsOf(r)
	if len(attempts) == 0 {
		return nil
	}
	for _, values := range r.URL.Query() {
		for _, a := range attempts {
			if slices.Contains(values, a.ID) {
				return a
			}
		}
	}
	return attempts[0]
}

// startAgain is where to begin the same once more. What a page asks about its
// claim is of no attempt.
func (h *Handler) startAgain(r *http.Request, p problem) string {
	if r.URL.Path == h.path+"/claim" {
		return h.startBehind(r, p)
	}
	q := url.Values{}
	if p.code != CodeRequestTooLarge {
		if a := h.attemptOf(r); a != nil && h.began(a) { // else the start page refuses what it was for
			q.Set("return_to", h.backOf(a))
			if a.Purpose != "" {
				q.Set("purpose", a.Purpose)
			}
		}
	}
	if len(q) == 0 {
		return h.publicPath + "/"
	}
	return h.publicPath + "/?" + q.Encode()
}

// comeBack makes a phone ask once more where its return shows no login. Of a
// navigation from another site, which the provider's is, browsers keep
// SameSite=Strict cookies back (RFC 6265bis, section 4.1.2.7). What the page
// itself asks for is this site's, and brings them.
func (h *Handler) comeBack(w http.ResponseWriter, r *http.Request, code Code) {
	q := r.URL.Query()
	switch {
	case code != CodeAttemptOtherAccount, r.URL.Path != h.path+"/redirect",
		r.Header.Get("Sec-Fetch-Site") != "cross-site",
		q.Has(cameBack): // whatever a browser says that does not know its own pages
		return
	}
	if account, err := h.accountOf(r); err != nil || account != "" {
		return
	}
	q.Set(cameBack, "1")
	w.Header().Set("Refresh", "0; url=?"+q.Encode())
}

// cameBack is in the query of a return that the page itself repeated.
const cameBack = "certify_again"

// backOf is where the browser goes after the verification: not where it may
// no longer, or where only another site with the same keys sends it.
func (h *Handler) backOf(a *attempt) string {
	if a.returnTo == "" || !h.mayReturn(a.returnTo) {
		return h.sessions.home()
	}
	return a.returnTo
}
