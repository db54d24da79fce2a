package certify

import (
	"context"
	"net/http"
	"sync"
)

// serveLogout signs out a page's visitor, or an app by its bearer token.
func (h *Handler) serveLogout(w http.ResponseWriter, r *http.Request) error {
	if err := h.Logout(w, r); err != nil {
		return err
	}
	if isNavigation(r) {
		seeOther(w, "/")
		return nil
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Logout revokes the request's claim and takes it, and all attempts, from the
// browser. Call it from the app's own logout: until then, for as long as an
// attempt lives, going back in the browser's history repeats the callback, and
// with it Accept. A callback that this process is just answering ends without
// a claim and without the headers that Accept sets; one that another process
// is answering, for an attempt never redeemed before, does not. If something
// cannot be revoked nothing is taken and an error is returned, such as
// [CodeStoreUnavailable]: the visitor tries again.
func (h *Handler) Logout(w http.ResponseWriter, r *http.Request) error {
	if err := h.sessions.revokeHeld(r, ""); err != nil {
		return err
	}
	for _, a := range h.sessions.attemptsOf(r) {
		h.underWay.signOut(a) // first, so that either this sees the callback's entry or the callback sees this
		if err := h.endAttempt(r.Context(), a); err != nil {
			return err
		}
	}
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
	if !h.underWay.signedOut(a) {
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

// An ongoing counts an attempt's callbacks.
type ongoing struct {
	callbacks int
	signedOut bool
}

// enter begins a callback for one of the attempts, and returns what ends it.
func (u *underWay) enter(of []*attempt) (leave func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
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

func (u *underWay) signOut(a *attempt) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if o := u.byAttempt[a.ID]; o != nil {
		o.signedOut = true
	}
}

func (u *underWay) signedOut(a *attempt) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	o := u.byAttempt[a.ID]
	return o != nil && o.signedOut
}
