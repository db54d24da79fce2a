package certify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// serveConfirm completes what a page posts.
func (h *Handler) serveConfirm(w http.ResponseWriter, r *http.Request) error {
	attempts := h.sessions.attemptsOf(r)
	defer h.sessions.underWay.enter(attempts)() // before anything is waited for: the visitor may sign out meanwhile
	values, err := readBody(w, r)
	if err != nil {
		return err
	}
	done, err := h.completeInBrowser(w, r, values, attempts)
	if err != nil {
		return err
	}
	if isNavigation(r) {
		seeOther(w, done.back)
		return nil
	}
	answer := map[string]any{"return_to": done.back}
	if done.claim != nil {
		answer["claim"] = done.claim
	}
	return writeJSON(w, http.StatusOK, answer)
}

// serveRedirect completes a mobile browser's return. A query that wrapper SDKs
// encoded badly loses its bad parts, never the rest. Somebody who signed out
// and goes back is sent to where they were going, where the gate decides.
func (h *Handler) serveRedirect(w http.ResponseWriter, r *http.Request) error {
	attempts := h.sessions.attemptsOf(r)
	defer h.sessions.underWay.enter(attempts)()
	done, err := h.completeInBrowser(w, r, r.URL.Query(), attempts)
	if err != nil && (!errors.Is(err, CodeClaimRevoked) || !isNavigation(r)) {
		return err
	}
	if err != nil {
		done.back = h.sessions.home()
		if a := h.attemptOf(r); a != nil {
			done.back = h.backOf(a)
		}
	}
	seeOther(w, done.back)
	return nil
}

// A completion is the end of a callback.
type completion struct {
	back  string // where the browser goes
	claim *Claim // nil for a purpose of the app's
	token string // the claim, signed

	header http.Header // that Accept set
}

// release sends the headers that Accept set. Until the very end they are held
// back: a login cookie must not get out with a refusal.
func (c completion) release(w http.ResponseWriter) {
	for name, values := range c.header {
		w.Header()[name] = append(w.Header()[name], values...)
	}
}

// completeInBrowser gives the browser its claim, and revokes the one that the
// new one replaces.
func (h *Handler) completeInBrowser(w http.ResponseWriter, r *http.Request, values url.Values, attempts []*attempt) (completion, error) {
	done, err := h.complete(r, values, attempts)
	if err != nil {
		return completion{}, err
	}
	if done.claim != nil {
		if err := h.sessions.revokeHeld(r, done.claim.ID); err != nil {
			return completion{}, err
		}
		h.sessions.setClaim(w, done.token, done.claim)
	}
	forgetSpeculation(w.Header())
	done.release(w)
	return done, nil
}

// complete turns a verification under one of the attempts into a claim, step
// by step: whatever fails before the end can be repeated with the same
// verification.
func (h *Handler) complete(r *http.Request, values url.Values, attempts []*attempt) (completion, error) {
	named, id, err := h.proveAttempt(r, values, attempts)
	if err != nil {
		return completion{}, err
	}
	done, err := h.redeem(r, values, named, id)
	if err != nil {
		return completion{}, attemptError{err, named[0].Provider}
	}
	return done, nil
}

func (h *Handler) redeem(r *http.Request, values url.Values, named []*attempt, id string) (completion, error) {
	p := h.providers[named[0].Provider]
	person, a, err := h.lookups.identity(r.Context(), p, named, id, !saysFailed(values))
	if err != nil {
		return completion{}, explainPending(err, values)
	}
	now := h.sessions.now()
	if err := a.checkTime(person.VerifiedAt, now); err != nil {
		return completion{}, err
	}
	account := h.sessions.accountOf(r) // once more: during the lookup somebody else may have signed in
	if err := h.checkAccount(r.Context(), a, account); err != nil {
		return completion{}, err
	}
	txn := keyedHash(h.pepper, "txn", a.Provider+"\x00"+id)
	t, err := h.take(r.Context(), a, txn, now)
	if err != nil {
		return completion{}, err
	}
	person.Provider, person.Purpose = a.Provider, a.Purpose
	h.sessions.emit(r.Context(), Event{Kind: EventVerified, Provider: a.Provider, Txn: txn, Purpose: a.Purpose})
	return h.finish(r, a, t, person, account)
}

// finish asks the app, and brings what the attempt was begun for. A repeat
// after the account's claims were revoked brings nothing, a login neither.
func (h *Handler) finish(r *http.Request, a *attempt, t taken, person *Identity, account string) (completion, error) {
	before, err := h.wasFinished(r.Context(), a)
	if err != nil {
		return completion{}, err
	}
	header := make(http.Header)
	account, err = h.acceptPerson(header, r, person, account)
	if err != nil {
		return completion{}, err
	}
	if err := h.keepAccount(r, a, t, account); err != nil {
		return completion{}, err
	}
	c := h.claim(a, person, t, account)
	if a.Purpose != "" {
		return completion{back: h.backOf(a), header: header}, h.finishPurpose(r.Context(), a, c, before)
	}
	token, err := h.signClaim(r.Context(), c, a)
	if err != nil {
		return completion{}, err
	}
	return completion{h.backOf(a), c, token, header}, nil
}

// proveAttempt returns the live attempts of this account that the callback may
// be for, and the verification's id. Nothing was asked of anyone until then.
func (h *Handler) proveAttempt(r *http.Request, values url.Values, attempts []*attempt) (named []*attempt, id string, err error) {
	err = CodeAttemptMissing
	if len(attempts) == 0 { // the app need not be asked who is signed in
		return nil, "", err
	}
	account := h.sessions.accountOf(r)
	for _, a := range attempts {
		p := h.providers[a.Provider]
		if p == nil {
			continue
		}
		got, e := p.CallbackID(values, a.Attempt)
		if e == nil {
			e = h.mayRedeem(r.Context(), a, account)
		}
		switch {
		case e == nil && len(named) == 0:
			named, id = append(named, a), got
		case e == nil && got == id && a.Provider == named[0].Provider:
			named = append(named, a)
		case e != nil && errors.Is(err, CodeAttemptMissing):
			err = attemptError{e, a.Provider}
		}
	}
	if len(named) > 0 {
		return named, id, nil
	}
	switch {
	case errors.Is(err, CodeAttemptMissing):
		h.tellStray(r.Context(), values, attempts)
	case errors.Is(err, CodeVerificationIDMissing):
		err = h.withoutID(values, err)
	}
	return nil, "", err
}

// tellStray tells the operator of a callback, paid for perhaps, that does not
// count for how the site is configured. Its attempt is signed: no stranger
// makes one up.
func (h *Handler) tellStray(ctx context.Context, values url.Values, attempts []*attempt) {
	for _, a := range attempts {
		p := h.providers[a.Provider]
		if p == nil || h.began(a) || !h.sessions.now().Before(a.expires()) {
			continue
		}
		if _, err := p.CallbackID(values, a.Attempt); err != nil { // it is for another
			continue
		}
		detail := "somebody came back with an attempt that was begun for another audience than SessionConfig.Audience"
		if h.beganHere(a) {
			detail = fmt.Sprintf("somebody came back with an attempt for the purpose %q, which HandlerConfig.Purposes does not have", a.Purpose)
		}
		h.sessions.emit(ctx, Event{Kind: EventFault, Code: CodeAttemptMissing, Provider: a.Provider, Detail: detail})
		return
	}
}

// withoutID explains a callback in which the providers of this browser's
// attempts find no id: the visitor cancelled, unless another provider finds
// its own, whose attempt was begun in another browser.
func (h *Handler) withoutID(values url.Values, missing error) error {
	for _, p := range h.providers {
		if _, err := p.CallbackID(values, Attempt{}); !errors.Is(err, CodeVerificationIDMissing) {
			return CodeAttemptMissing
		}
	}
	if saysFailed(values) {
		return CodeVerificationCancelled
	}
	return missing
}

// mayRedeem checks that the attempt is this site's, alive and the account's.
func (h *Handler) mayRedeem(ctx context.Context, a *attempt, account string) error {
	switch {
	case !h.began(a):
		return CodeAttemptMissing
	case !h.sessions.now().Before(a.expires()):
		return CodeAttemptExpired
	}
	return h.checkAccount(ctx, a, account)
}

// began reports whether this site began the attempt, and still offers what it
// is for. A site with the same keys has its own purposes, AllowStart and Accept.
func (h *Handler) began(a *attempt) bool {
	return h.beganHere(a) && (a.Purpose == "" || h.purposes[a.Purpose])
}

func (h *Handler) beganHere(a *attempt) bool {
	return a.site == "" || a.site == a.siteHash(h.sessions.audience)
}

// checkAccount checks that the attempt is the account's. One that Accept itself
// signed in may repeat.
func (h *Handler) checkAccount(ctx context.Context, a *attempt, account string) error {
	hash := a.accountHash(account)
	if hash == a.account {
		return nil
	}
	t, err := h.taken(ctx, a)
	switch {
	case err != nil:
		return err
	case hash == "" || t.account != hash:
		return otherAccount(a)
	}
	return nil
}

var errBegunSignedOut = fmt.Errorf("certify: begun before the visitor signed in: %w", CodeAttemptOtherAccount)

func otherAccount(a *attempt) error {
	if a.account == "" {
		return errBegunSignedOut
	}
	return CodeAttemptOtherAccount
}

// An attemptError says which provider the attempt that failed was begun with.
type attemptError struct {
	error
	provider string
}

func (e attemptError) Unwrap() error { return e.error }

// saysFailed reports whether the browser says that the verification failed:
// V1 by success or imp_success, V2 by code. It proves nothing, and only
// decides whether to wait and what to say.
func saysFailed(values url.Values) bool {
	switch values.Get("code") { // wrapper SDKs write nothing as a word
	case "", "null", "undefined":
		return values.Get("success") == "false" || values.Get("imp_success") == "false"
	}
	return true
}

func explainPending(err error, values url.Values) error {
	if errors.Is(err, CodeVerificationPending) && saysFailed(values) {
		return CodeVerificationCancelled
	}
	return err
}

// checkTime wants the person verified during the attempt, so that nobody
// redeems a verification of long ago, and redeemed soon after.
func (a *attempt) checkTime(verified, now time.Time) (err error) {
	switch {
	case verified.Before(a.StartedAt.Add(-verifyBefore)),
		verified.After(a.VerifyBy),
		now.After(verified.Add(redeemWithin)):
		err = CodeVerificationOutOfTime
	}
	ahead := verified.Sub(now)
	switch {
	case ahead <= verifyBefore:
		return err
	case err == nil:
		err = CodeVerificationPending // it counts once this clock is there, too
	}
	return clockError{err, ahead}
}

// A clockError says how far ahead of this clock a person was verified: what
// the visitor cannot mend by verifying again, and the operator can.
type clockError struct {
	error
	ahead time.Duration
}

func (e clockError) Unwrap() error { return e.error }

func (e clockError) hint() string {
	return fmt.Sprintf("a person was verified in the future: the provider's clock is %s ahead of this one, or more", e.ahead.Truncate(time.Minute))
}

// acceptPerson asks the app, and returns the account of the claim: the one that
// is signed in, unless Accept names it.
func (h *Handler) acceptPerson(header http.Header, r *http.Request, id *Identity, signedIn string) (string, error) {
	if h.accept == nil {
		return signedIn, nil
	}
	account, err := h.accept(headerOnly(header), r, id)
	switch {
	case err != nil:
		return "", toldAs(err, "Accept", CodeAccountRefused)
	case account == "" && h.sessions.account != nil && id.Purpose == "":
		return "", ownFault("Accept named no account, and SessionConfig.Account compares it: the claim would never count")
	}
	return account, nil
}

// toldAs makes a Denial of the app's fit to be told, under the code if it has
// none. Other errors it leaves as they are.
func toldAs(err error, of string, code Code) error {
	var d *Denial
	switch {
	case !errors.As(err, &d):
		return err
	case d == nil:
		return ownFault(of + " returned a nil *Denial, which is no nil error: return nil to allow")
	}
	told := *d
	told.Reasons = slices.DeleteFunc(slices.Clone(d.Reasons), func(r *Denial) bool { return r == nil })
	if told.Code == "" {
		told.Code = code
	}
	return &told
}

// headerOnly lets Accept set headers, and keeps the body ours.
type headerOnly http.Header

func (h headerOnly) Header() http.Header { return http.Header(h) }
func (h headerOnly) WriteHeader(int)     {}
func (h headerOnly) Write([]byte) (int, error) {
	return 0, errors.New("certify: Accept may set headers, and write no body")
}

// claim is what the verification proved, the same for every repeat.
func (h *Handler) claim(a *attempt, id *Identity, t taken, account string) *Claim {
	verified := id.VerifiedAt.Truncate(time.Second)
	if verified.After(t.issued) { // the provider's clock is ahead of ours
		verified = t.issued
	}
	year, _, _ := id.BirthDate.Date()
	c := &Claim{
		ID: a.claimID(), Subject: account,
		IssuedAt: t.issued, AuthTime: verified, ExpiresAt: verified.Add(h.sessions.ttl),
		Age: id.BirthDate.AgeOn(t.issued), BirthYear: year,
		Nationality: id.Nationality, Txn: t.txn, begun: a.begun,
	}
	if id.NationalitySelfAsserted && !h.typed {
		c.Nationality = NationalityUnknown
	}
	if id.DI != "" { // never a hash of nothing: it would be everybody's
		c.DIHash = keyedHash(h.pepper, "di", id.DI)
	}
	return c
}

// signClaim signs a claim that would count if it were shown at once.
func (h *Handler) signClaim(ctx context.Context, c *Claim, a *attempt) (string, error) {
	s := h.sessions
	if err := errors.Join(c.consistent(), c.current(s.now())); err != nil {
		return "", CodeVerificationOutOfTime
	}
	if err := s.checkRevoked(ctx, c); err != nil {
		return "", err
	}
	token, err := s.issue(c)
	if err != nil {
		return "", err
	}
	s.emit(ctx, Event{Kind: EventIssued, Provider: a.Provider, Txn: c.Txn})
	return token, nil
}
