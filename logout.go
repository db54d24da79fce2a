package certify

import (
	"context"
	"net/http"
	"net/url"
	"sync"
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
// browser. Call it from the app's own logout: until then, for as long as an
// attempt lives, going back in the browser's history repeats the callback, and
// with it Accept. A callback that this process is just answering ends without
// a claim and without the headers that Accept sets. One for an attempt never
// redeemed before does not, if another process is answering it or a native app
// began it: no request but its own carries that attempt. If something cannot be
// revoked nothing is taken, callbacks go on, and an error is returned, such as
// [CodeStoreUnavailable]: the visitor tries again.
func (h *Handler) Logout(w http.ResponseWriter, r *http.Request) error {
	if err := h.sessions.revokeHeld(r, ""); err != nil {
		return err
	}
	attempts := h.sessions.attemptsOf(r)
	takeBack := h.sessions.underWay.signOut(attempts) // first, so that either this sees the callback's entry or the callback sees this
	for _, a := range attempts {
		if err := h.endAttempt(r.Context(), a); err != nil {
			takeBack()
			return err
		}
	}
	forgetSpeculation(w.Header())
	h.sessions.clearAttempts(w, r, nil)
	h.sessions.cookies.clear(w, h.sessions.cookies.name(""))
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

// underWay are the callbacks that this process is answering, by attempt. The
// store need not know: an attempt that is never redeemed must cost no entry.
type underWay struct {
	mu        sync.Mutex
	byAttempt map[string]*ongoing
}

// An ongoing counts an attempt's callbacks, and who signed out beside them.
type ongoing struct{ callbacks, logouts int }

// enter begins a callback for one of the attempts, and returns what ends it.
func (u *underWay) enter(of []*attempt) (leave func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byAttempt == nil {
		u.byAttempt = make(map[string]*ongoing)
	}
	for _, a := range of {
		if u.byAttempt[a.ID] == nil {
			u.byAttempt[a.ID] = &ongoing{}
		}
		u.byAttempt[a.ID].callbacks++
	}
	return func() { u.leave(of) }
}

func (u *underWay) leave(of []*attempt) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, a := range of {
		if o := u.byAttempt[a.ID]; o.callbacks > 1 {
			o.callbacks--
		} else {
			delete(u.byAttempt, a.ID)
		}
	}
}

// signOut ends the attempts' callbacks. What takes it back leaves what another
// logout ended.
func (u *underWay) signOut(of []*attempt) (takeBack func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var found []*ongoing
	for _, a := range of {
		if o := u.byAttempt[a.ID]; o != nil {
			o.logouts++
			found = append(found, o)
		}
	}
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		for _, o := range found {
			o.logouts--
		}
	}
}

func (u *underWay) signedOut(a *attempt) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	o := u.byAttempt[a.ID]
	return o != nil && o.logouts > 0
}
