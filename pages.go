package certify

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"time"
)

//go:embed pages
var pageFiles embed.FS

var (
	pageTemplates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))
	pageStyle     = template.CSS(mustRead("pages/style.css"))
	startScript   = template.JS(mustRead("pages/start.js"))
)

func mustRead(name string) string {
	b, err := pageFiles.ReadFile(name)
	if err != nil { // embedded: a mistake of the build
		panic(err)
	}
	return string(b)
}

// A page is what the templates show. They hold no visitor's data.
type page struct {
	Korean bool
	Lang   string
	Style  template.CSS
	Nonce  string

	Code    Code
	Message string
	Start   string // where to verify, if that may help
	Retry   bool   // the same address may work now

	Script   template.JS
	Path     string // of the Handler
	ReturnTo string
	HelpURL  string
}

func newPage(r *http.Request) page {
	p := page{Korean: prefersKorean(r), Lang: "en", Style: pageStyle, Nonce: rand.Text()}
	if p.Korean {
		p.Lang = "ko"
	}
	return p
}

// write sends the page. The policy on content is as narrow as the provider's
// SDK bears: it opens frames, forms and hosts that are not documented. The
// opener policy lets its popup report back, and a Referer is needed for the
// page's own POSTs to carry an Origin.
func (p page) write(w http.ResponseWriter, name string, status int) error {
	var body bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&body, name, p); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.Lang)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
	h.Set("Content-Security-Policy", "script-src 'nonce-"+p.Nonce+"' 'strict-dynamic'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, err := w.Write(body.Bytes())
	return ignore(err)
}

// writePage tells a visitor of a refusal.
func (p problem) writePage(w http.ResponseWriter, r *http.Request, start string) {
	pg := newPage(r)
	pg.Code, pg.Message = p.code, p.detail(pg.Korean)
	if p.verifiable() {
		pg.Start = start
	}
	pg.Retry = p.next == retryNext && isSafe(r)
	if p.status == http.StatusServiceUnavailable || p.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if pg.write(w, "problem.html", p.status) != nil {
		http.Error(w, p.title, p.status)
	}
}

// serveStart shows the start page, or sends those back who need not verify.
func (h *Handler) serveStart(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	back := q.Get("return_to")
	if back != "" && !isReturnPath(back, h.path) {
		return CodeReturnPathRefused
	}
	w.Header().Add("Vary", "Cookie, Accept-Language")
	if back != "" && h.satisfied(r, Code(q.Get("reason")), q.Get("max_age")) {
		seeOther(w, back)
		return nil
	}
	pg := newPage(r)
	pg.Path, pg.ReturnTo, pg.HelpURL, pg.Script = h.path, back, h.helpURL, startScript
	pg.Message = problemOf(CodeVerificationRequired).detail(pg.Korean)
	if text, ok := problemTexts[Code(q.Get("reason"))]; ok {
		pg.Code, pg.Message = Code(q.Get("reason")), problem{problemText: text}.detail(pg.Korean)
	}
	return pg.write(w, "start.html", http.StatusOK)
}

// satisfied reports whether the visitor's claim does already, so that a second
// verification would be a fee for nothing. A policy's own refusal never is
// satisfied by the claim that it refused.
func (h *Handler) satisfied(r *http.Request, reason Code, maxAge string) bool {
	if text, ok := problemTexts[reason]; ok && text.status != http.StatusUnauthorized {
		return false
	}
	c, err := h.sessions.claimOf(r)
	if err != nil {
		return false
	}
	seconds, err := strconv.ParseInt(maxAge, 10, 32)
	if err != nil {
		return reason != CodeStale
	}
	return h.sessions.now().Sub(c.AuthTime) <= time.Duration(seconds)*time.Second
}
