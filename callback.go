package certify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// serveConfirm completes what a page posts.
func (h *Handler) serveConfirm(w http.ResponseWriter, r *http.Request) error {
	attempts := h.sessions.attemptsOf(r)
	r, leave := h.sessions.enter(r, attempts) // before anything is waited for: the visitor may sign out meanwhile
	defer leave()
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
	r, leave := h.sessions.enter(r, attempts)
	defer leave()
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

// A completion is a callback that nothing has refused so far.
type completion struct {
	attempt  *attempt
	person   *Identity
	back     string // where the browser goes
	account  string
	claim    *Claim // nil for a purpose of the app's
	token    string // the claim, signed
	proved   *Claim // what was verified, for a purpose, too
	finished bool   // the purpose, before
}

// completeInBrowser gives the browser its claim, and revokes the one that the
// new one replaces.
func (h *Handler) completeInBrowser(w http.ResponseWriter, r *http.Request, values url.Values, attempts []*attempt) (completion, error) {
	done, err := h.complete(w, r, values, attempts, h.sessions.revokeHeld)
	if err != nil {
		return completion{}, err
	}
	if done.claim != nil {
		h.sessions.setClaim(w, done.token, done.claim) // last, so that no header of SignIn's takes it
	}
	forgetSpeculation(w.Header())
	return done, nil
}

// complete turns a verification under one of the attempts into a claim, step
// by step: whatever fails before the end can be repeated with the same
// verification. What is revoked are the claims that the new one replaces.
func (h *Handler) complete(w http.ResponseWriter, r *http.Request, values url.Values, attempts []*attempt, revoke func(r *http.Request, stays string) error) (completion, error) {
	named, id, err := h.proveAttempt(r, values, attempts)
	if err != nil {
		return completion{}, err
	}
	done, err := h.redeem(r, values, named, id)
	if err == nil {
		err = h.commit(w, r, done, revoke)
	}
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
	account, err := h.accountOf(r) // once more: during the lookup somebody else may have signed in
	if err != nil {
		return completion{}, err
	}
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

// finish asks the app, and makes what the attempt was begun for. A repeat after
// the account's claims were revoked does not ask.
func (h *Handler) finish(r *http.Request, a *attempt, t taken, person *Identity, account string) (completion, error) {
	answeringIn(r.Context()).attempt = a
	finished, err := h.wasFinished(r.Context(), a)
	if err != nil {
		return completion{}, err
	}
	kept, err := h.keptAccount(r.Context(), a)
	if err != nil {
		return completion{}, err
	}
	if a.Purpose == "" || finished {
		c := h.claim(a, person, t, "")
		if err := h.sessions.enterEpochs(r.Context(), c, kept); err != nil {
			return completion{}, err
		}
	}
	account, err = h.acceptPerson(r, person, account)
	if err != nil {
		return completion{}, err
	}
	if err := h.keepAccount(r, a, t, account, kept); err != nil {
		return completion{}, err
	}
	done := completion{attempt: a, person: person, back: h.backOf(a), account: account, finished: finished, proved: h.claim(a, person, t, account)}
	if a.Purpose != "" {
		return done, nil
	}
	done.claim = done.proved
	if err := h.sessions.checkRevoked(r.Context(), done.claim); err != nil {
		return completion{}, err
	}
	done.token, err = h.signClaim(done.claim)
	return done, err
}

// commit makes a callback's answer final. From then on a logout in this process
// waits until it is written, and one that came before has refused it. SignIn
// is last: what refuses has refused by then.
func (h *Handler) commit(w http.ResponseWriter, r *http.Request, done completion, revoke func(r *http.Request, stays string) error) error {
	if !h.sessions.underWay.commit(answeringIn(r.Context())) {
		if err := h.endAttempt(r.Context(), done.attempt); err != nil {
			return err
		}
		return CodeClaimRevoked
	}
	if err := h.judge(r, done, revoke); err != nil {
		return err
	}
	if err := h.signInPerson(w, r, done); err != nil {
		return errors.Join(err, h.unfinishPurpose(r.Context(), done))
	}
	if done.claim != nil {
		h.sessions.emit(r.Context(), Event{Kind: EventIssued, Provider: done.attempt.Provider, Txn: done.claim.Txn})
	}
	return nil
}

// judge asks the Store for the last time, and revokes what the claim replaces.
func (h *Handler) judge(r *http.Request, done completion, revoke func(r *http.Request, stays string) error) error {
	if done.claim == nil {
		return h.finishPurpose(r.Context(), done.attempt, done.proved, done.finished)
	}
	if err := h.sessions.checkEntries(r.Context(), done.claim, entriesOf(done.claim)); err != nil {
		return err
	}
	return revoke(r, done.claim.ID)
}

// signInPerson signs the visitor in. Where SignIn fails none of its headers
// gets out.
func (h *Handler) signInPerson(w http.ResponseWriter, r *http.Request, done completion) error {
	if h.signIn == nil || done.account == "" {
		return nil
	}
	before := w.Header().Clone()
	err := h.askSignIn(headerOnly{w}, r, done)
	if err == nil {
		return nil
	}
	clear(w.Header())
	maps.Copy(w.Header(), before)
	return hookAnswer(err, "HandlerConfig.SignIn", CodeAccountRefused)
}

func (h *Handler) askSignIn(w http.ResponseWriter, r *http.Request, done completion) (err error) {
	defer recoverHook("HandlerConfig.SignIn", &err)
	return h.signIn(w, r, done.person, done.account)
}

// proveAttempt returns the live attempts of this account that the callback may
// be for, and the verification's id. Nothing was asked of anyone until then.
func (h *Handler) proveAttempt(r *http.Request, values url.Values, attempts []*attempt) (named []*attempt, id string, err error) {
	if len(attempts) == 0 { // the app need not be asked who is signed in
		return nil, "", CodeAttemptMissing
	}
	account, err := h.accountOf(r)
	if err != nil {
		return nil, "", err
	}
	err = CodeAttemptMissing
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
func (h *Handler) acceptPerson(r *http.Request, id *Identity, signedIn string) (string, error) {
	if h.accept == nil {
		return signedIn, nil
	}
	account, err := h.askAccept(r, id)
	switch {
	case err != nil:
		return "", hookAnswer(err, "HandlerConfig.Accept", CodeAccountRefused)
	case account == "" && h.sessions.account != nil && id.Purpose == "":
		return "", ownFault("Accept named no account, and SessionConfig.Account compares it: the claim would never count")
	}
	return account, nil
}

func (h *Handler) askAccept(r *http.Request, id *Identity) (account string, err error) {
	defer recoverHook("HandlerConfig.Accept", &err)
	return h.accept(r, id)
}

// A headerOnly lets SignIn set headers, and keeps the body and the status ours.
type headerOnly struct{ w http.ResponseWriter }

func (h headerOnly) Header() http.Header { return h.w.Header() }
func (h headerOnly) WriteHeader(int)     {}
func (h headerOnly) Write([]byte) (int, error) {
	return 0, errors.New("certify: SignIn may set headers, and write no body")
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

// signClaim signs a claim that would count if it were shown at once: one that
// has ended meanwhile is not handed out by a repeat.
func (h *Handler) signClaim(c *Claim) (string, error) {
	if err := errors.Join(c.consistent(), c.current(h.sessions.now())); err != nil {
		return "", CodeVerificationOutOfTime
	}
	return h.sessions.issue(c)
}
