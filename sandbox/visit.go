package sandbox

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// visitorRoutes adds what a browser sees: the SDK, the window and the page
// that explains the sandbox. The forms take same-origin posts only.
func (s *Server) visitorRoutes(mux *http.ServeMux) {
	sameOrigin := func(h http.HandlerFunc) http.Handler {
		guard := http.NewCrossOriginProtection()
		guard.SetDenyHandler(http.HandlerFunc(denyCrossOrigin))
		return guard.Handler(h)
	}
	mux.Handle("POST /sandbox/verifications", sameOrigin(s.createVerification))
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /sandbox", s.home)
	mux.HandleFunc("GET /sandbox/{$}", s.home)
	mux.HandleFunc("GET /v1/iamport.js", sdkScript)
	mux.HandleFunc("GET /sandbox/v1/iamport.js", sdkScript)
	mux.HandleFunc("GET /v2/browser-sdk.js", identitySDKScript)
	mux.HandleFunc("GET /sandbox/v2/browser-sdk.js", identitySDKScript)
	mux.HandleFunc("POST /sandbox/identity-windows", s.startIdentity)
	mux.HandleFunc("POST /sandbox/identity-windows/{key}/close", s.closeIdentity)
	mux.Handle("POST /sandbox/identity-verifications", sameOrigin(s.createIdentity))
	mux.HandleFunc("GET /js/{file}", oldSDKScript)
	mux.HandleFunc("GET /sandbox/js/{file}", oldSDKScript)
	mux.HandleFunc("GET /sandbox/assets/{file}", asset)
	mux.HandleFunc("GET /sandbox/window", s.openWindow)
	mux.HandleFunc("GET /sandbox/window/{key}", s.showWindow)
	mux.Handle("POST /sandbox/window/{key}/{action}", sameOrigin(s.changeWindow))
}

func denyCrossOrigin(w http.ResponseWriter, _ *http.Request) {
	writeProblem(w, &inputError{code: "cross_origin",
		message: "a page of another origin may not do this; call it from the server side or from a test"})
}

// openWindow starts a verification and moves on to a URL that a reload does
// not start again, and in which nothing the page passed along remains.
func (s *Server) openWindow(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	win, err := parseWindow(q, s.code)
	if err == nil {
		win.attempt, err = s.open(win.attempt)
	}
	if err != nil {
		s.showRefusal(w, r, err)
		return
	}
	key := newToken()
	s.windows.add(key, win)
	http.Redirect(w, r, windowPath(key, q.Get("lang")), http.StatusSeeOther)
}

func windowPath(key, lang string) string {
	path := "/sandbox/window/" + key
	if lang == "ko" || lang == "en" {
		path += "?lang=" + lang
	}
	return path
}

func (s *Server) showWindow(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	win, ok := s.windows.get(key)
	if !ok {
		s.showRefusal(w, r, errUnknownWindow())
		return
	}
	if win.redirect != "" && win.ended() {
		http.Redirect(w, r, win.redirectURL(), http.StatusSeeOther)
		return
	}
	formTargets := "" // a site may send its visitors on to an app of another origin, and form-action binds every redirect
	if win.redirect != "" {
		formTargets = "http: https:"
	}
	s.render(w, r, http.StatusOK, string(win.step), s.windowView(key, win), formTargets)
}

func errUnknownWindow() error {
	return &inputError{code: "unknown_window",
		message: "this window is no longer open; close it and start again"}
}

// changeWindow takes one step and shows the window again by GET, so that
// neither a reload nor the back button repeats the step.
func (s *Server) changeWindow(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		s.showRefusal(w, r, &inputError{code: "bad_form", message: "the form is unreadable or too large"})
		return
	}
	change, err := s.windowChange(r.PathValue("action"), r.PostForm)
	if err != nil {
		s.showRefusal(w, r, err)
		return
	}
	key := r.PathValue("key")
	if _, ok := s.windows.update(key, change); !ok {
		s.showRefusal(w, r, errUnknownWindow())
		return
	}
	http.Redirect(w, r, windowPath(key, r.URL.Query().Get("lang")), http.StatusSeeOther)
}

func (s *Server) windowChange(action string, form url.Values) (func(window) window, error) {
	code, err := randomDigits(6)
	if err != nil {
		return nil, err
	}
	today := dateOf(s.now())
	switch action {
	case "choose":
		return func(w window) window {
			return s.settle(w, w.choose(form.Get("carrier"), form.Get("person"), code, today))
		}, nil
	case "code":
		return func(w window) window { return s.enter(w, form.Get("code")) }, nil
	case "resend":
		return func(w window) window { return w.resend(code) }, nil
	case "back":
		return window.back, nil
	case "close":
		return func(w window) window { return s.settle(w, w.close()) }, nil
	}
	return nil, &inputError{code: "not_found", message: "the window has no such step"}
}

// enter stores the person's record in the same breath as the success, which
// the next GET announces to the page.
func (s *Server) enter(w window, typed string) window {
	next := w.enter(typed)
	if w.identity != nil {
		return s.settle(w, next)
	}
	if w.step == next.step || next.step != succeeded {
		return next
	}
	person, err := findPerson(next.person)
	if err == nil {
		_, err = s.certify(next.attempt, person, s.now())
	}
	if err != nil {
		return s.fault(w, err)
	}
	return next
}

// fault leaves the window as it was, with an excuse.
func (s *Server) fault(w window, err error) window {
	s.log.Error("sandbox: a verification could not be stored", slog.Any("error", err))
	w.notice = "internal"
	return w
}

// preferredLanguage: ?lang first, then the browser's list, then Korean.
func preferredLanguage(r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); lang == "ko" || lang == "en" {
		return lang
	}
	for _, item := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(item, ";")
		switch primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-"); primary {
		case "ko", "en":
			return primary
		}
	}
	return "ko"
}
