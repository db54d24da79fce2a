package certify

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// serveLogout signs out a page's visitor, or an app by its bearer token. A form
// with return_to goes on to the start page, where another person may verify.
func (h *Handler) serveLogout(w http.ResponseWriter, r *http.Request) error {
	next, err := h.afterLogout(w, r)
	if err != nil {
		return err
	}
	if err := h.Logout(w, r); err != nil {
		return err
	}
	if isNavigation(r) {
		seeOther(w, next)
		return nil
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// afterLogout returns where a form leads.
func (h *Handler) afterLogout(w http.ResponseWriter, r *http.Request) (string, error) {
	if !isForm(r) {
		return h.sessions.home(), nil
	}
	values, err := readBody(w, r)
	if err != nil {
		return "", err
	}
	returnTo, err := h.returnTo(values)
	switch {
	case err != nil:
		return "", err
	case returnTo == "":
		return h.sessions.home(), nil
	}
	return h.publicPath + "/?" + url.Values{"return_to": {boundReturn(returnTo)}}.Encode(), nil
}

// Logout revokes the request's claim and takes it, and all attempts, from the
// browser. Call it from the app's own logout, before the app's session ends:
// until then, for as long as an attempt lives, going back in the browser's
// history repeats the callback, and with it SignIn.
//
// A callback that this process is just answering ends without a claim, and
// SignIn is not called. If SignIn was called already, Logout waits until the
// answer is written, for at most 3 seconds, and the claim is revoked. What
// another process is answering ends if its attempt was redeemed before and it
// has not asked the Store for the last time. One for an attempt never redeemed
// before does not, nor one that a native app began: no request but its own
// carries that attempt.
//
// Accept and SignIn may call it with the request they are given: it then ends
// what the browser held before, and leaves the verification that is being
// answered. If something cannot be revoked nothing is taken, callbacks go on,
// and an error is returned, such as [CodeStoreUnavailable]: the visitor tries
// again.
func (h *Handler) Logout(w http.ResponseWriter, r *http.Request) error {
	own := h.sessions.answeredBy(r.Context())
	stays, keep := "", map[string]bool(nil)
	attempts := h.sessions.attemptsOf(r)
	if own != nil {
		stays, keep = own.claimID(), map[string]bool{h.sessions.cookies.attemptPrefix() + own.ID: true}
		attempts = slices.DeleteFunc(slices.Clone(attempts), func(a *attempt) bool { return a.ID == own.ID })
	}
	if err := h.sessions.revokeHeld(r, stays); err != nil {
		return err
	}
	takeBack, committed := h.sessions.underWay.signOut(attempts) // first, so that either this sees the callback's entry or the callback sees this
	for _, a := range attempts {
		if err := h.endAttempt(r.Context(), a); err != nil {
			takeBack()
			return err
		}
	}
	forgetSpeculation(w.Header())
	if own == nil { // else two callbacks could wait for each other
		waitFor(r.Context(), committed)
	}
	h.sessions.clearAttempts(w, r, keep)
	if own == nil || own.Purpose != "" { // else the answer brings a new claim
		h.sessions.cookies.clear(w, h.sessions.cookies.name(""))
	}
	return nil
}

// endAttempt ends what a repeat of the callback could bring back. An attempt
// that was never redeemed needs no entry in the store, nor may cost one.
func (h *Handler) endAttempt(ctx context.Context, a *attempt) error {
	t, err := h.taken(ctx, a)
	if err != nil || t.txn == "" {
		return err
	}
	revoked, err := h.sessions.isRevoked(ctx, a.claimID())
	if err != nil || revoked {
		return err
	}
	return h.sessions.Revoke(ctx, a.claimID(), t.issued.Add(h.sessions.ttl+redeemWithin))
}

// endIfSignedOut ends an attempt whose visitor signed out during the callback.
// It is redeemed by then, and worth an entry in the store.
func (h *Handler) endIfSignedOut(ctx context.Context, a *attempt) error {
	if !h.sessions.underWay.signedOut(a) {
		return nil
	}
	return h.endAttempt(ctx, a)
}

// An answering is a callback that this process is answering. The context of its
// request carries it, so that a Logout in a hook knows its own callback.
type answering struct {
	sessions *Sessions
	of       []*attempt
	attempt  *attempt      // the one that is being redeemed, nil at first
	gone     chan struct{} // closed when it is answered, nil until it commits
}

type answeringKey struct{}

func answeringIn(ctx context.Context) *answering {
	c, _ := ctx.Value(answeringKey{}).(*answering)
	return c
}

// answeredBy is the attempt that the callback around ctx redeems, or nil.
func (s *Sessions) answeredBy(ctx context.Context) *attempt {
	if c := answeringIn(ctx); c != nil && c.sessions == s {
		return c.attempt
	}
	return nil
}

// enter begins a callback for one of the attempts, and returns what ends it.
func (s *Sessions) enter(r *http.Request, of []*attempt) (in *http.Request, leave func()) {
	c := &answering{sessions: s, of: of}
	s.underWay.enter(c)
	return r.WithContext(context.WithValue(r.Context(), answeringKey{}, c)), func() { s.underWay.leave(c) }
}

// underWay are the callbacks that this process is answering, by attempt. The
// store need not know: an attempt that is never redeemed must cost no entry.
type underWay struct {
	mu        sync.Mutex
	byAttempt map[string]*ongoing
}

// An ongoing counts an attempt's callbacks, and who signed out beside them.
type ongoing struct {
	callbacks, logouts int
	committed          []chan struct{} // the callbacks whose answer is final
}

func (u *underWay) enter(c *answering) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byAttempt == nil {
		u.byAttempt = make(map[string]*ongoing)
	}
	for _, a := range c.of {
		if u.byAttempt[a.ID] == nil {
			u.byAttempt[a.ID] = &ongoing{}
		}
		u.byAttempt[a.ID].callbacks++
	}
}

func (u *underWay) leave(c *answering) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.gone != nil {
		close(c.gone)
	}
	for _, a := range c.of {
		o := u.byAttempt[a.ID]
		o.committed = slices.DeleteFunc(o.committed, func(gone chan struct{}) bool { return gone == c.gone })
		if o.callbacks--; o.callbacks == 0 {
			delete(u.byAttempt, a.ID)
		}
	}
}

// commit makes the callback's answer final, and reports false if somebody
// signed out before. It is one step with signOut: a logout either is seen here,
// or sees the callback and waits for it.
func (u *underWay) commit(c *answering) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	o := u.byAttempt[c.attempt.ID]
	if o.logouts > 0 {
		return false
	}
	c.gone = make(chan struct{})
	o.committed = append(o.committed, c.gone)
	return true
}

// signOut ends the attempts' callbacks, but those that are committed, which it
// returns. What takes it back leaves what another logout ended.
func (u *underWay) signOut(of []*attempt) (takeBack func(), committed []chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var found []*ongoing
	for _, a := range of {
		if o := u.byAttempt[a.ID]; o != nil {
			o.logouts++
			found = append(found, o)
			committed = append(committed, o.committed...)
		}
	}
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		for _, o := range found {
			o.logouts--
		}
	}, committed
}

func (u *underWay) signedOut(a *attempt) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	o := u.byAttempt[a.ID]
	return o != nil && o.logouts > 0
}

// logoutWaits bounds how long a logout waits for answers that are being
// written: a SignIn that hangs must not keep anybody signed in.
const logoutWaits = 3 * time.Second

// waitFor waits until the callbacks are answered.
func waitFor(ctx context.Context, committed []chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, logoutWaits)
	defer cancel()
	for _, gone := range committed {
		select {
		case <-gone:
		case <-ctx.Done():
			return
		}
	}
}
