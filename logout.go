package certify

import (
	"context"
	"net/http"
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
// with it Accept. If something cannot be revoked nothing is taken and an error
// is returned, such as [CodeStoreUnavailable]: the visitor tries again.
func (h *Handler) Logout(w http.ResponseWriter, r *http.Request) error {
	if err := h.sessions.revokeHeld(r, ""); err != nil {
		return err
	}
	for _, a := range h.sessions.attemptsOf(r) {
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
