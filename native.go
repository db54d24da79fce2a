package certify

import (
	"net/http"
	"strings"
)

// serveNativeAttempts begins an attempt for an app without a browser's
// cookies: the app keeps the signed attempt itself.
func (h *Handler) serveNativeAttempts(w http.ResponseWriter, r *http.Request) error {
	if err := h.checkNative(r); err != nil {
		return err
	}
	a, err := h.begin(w, r)
	if err != nil {
		return err
	}
	a.native = true
	token, err := a.sign()
	if err != nil {
		return err
	}
	answer := h.startOf(a)
	answer["attempt"] = token
	return writeJSON(w, http.StatusCreated, answer)
}

// serveNativeConfirm completes an attempt that an app kept, and gives the
// claim to the app.
func (h *Handler) serveNativeConfirm(w http.ResponseWriter, r *http.Request) error {
	if err := h.checkNative(r); err != nil {
		return err
	}
	values, err := readBody(w, r)
	if err != nil {
		return err
	}
	a, err := h.sessions.keys.Load().openAttempt(values.Get("attempt"))
	if err != nil || !a.native {
		return CodeAttemptMissing
	}
	attempts := []*attempt{a}
	r, leave := h.sessions.enter(r, attempts)
	defer leave()
	done, err := h.complete(w, r, values, attempts, h.sessions.revokeBearer)
	if err != nil {
		return err
	}
	answer := map[string]any{"return_to": done.back}
	if done.claim != nil {
		answer["claim"], answer["token"] = done.claim, done.token
	}
	return writeJSON(w, http.StatusOK, answer)
}

// checkNative keeps browsers out, where another site's page could make the
// request and a script could read the token: browsers say who they are by
// Origin, or by Fetch Metadata on every request.
func (h *Handler) checkNative(r *http.Request) error {
	if !h.native {
		return CodeNotFound
	}
	for name := range r.Header {
		if name == "Origin" || strings.HasPrefix(name, "Sec-Fetch-") {
			return CodeBrowserRefused
		}
	}
	return nil
}
