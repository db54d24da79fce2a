package certify

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
)

//go:embed pages
var pageFiles embed.FS

var (
	pageTemplates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))
	pageStyle     = template.CSS(mustRead("pages/style.css"))                                          // #nosec G203 -- embedded
	startScript   = template.JS(mustReadScript("pages/certify.js") + mustReadScript("pages/start.js")) // #nosec G203 -- embedded
)

func mustRead(name string) string {
	b, err := pageFiles.ReadFile(name)
	if err != nil { // embedded: a mistake of the build
		panic(err)
	}
	return string(b)
}

// A Page is what a template of [SessionConfig.Pages] shows. It holds nothing
// of the visitor's but the path they were going to.
type Page struct {
	Korean  bool   // Korean, else English
	Lang    string // "ko" or "en"
	Title   string
	Message string       // what is the matter, in a sentence or two
	Style   template.CSS // of the built-in pages
	Nonce   string       // for scripts: the page's Content-Security-Policy wants it
	Home    string       // the first page of the site: "/" behind [SessionConfig.PathPrefix]

	// Of problem.html.
	Code    string   // the [Code] of the refusal
	Reasons []string // if there are several, a sentence each: Message is one of them
	Start   string   // where to verify, "" if that would not help
	Retry   bool     // asking for the same address again may work
	// Another is where a form with ReturnTo signs this person out, so that
	// another may verify. It is "" unless a fact about the person was refused.
	Another string

	// Of start.html.
	Script   template.JS // certify.js and what drives the elements start, verify, again and status
	Path     string      // of the Handler
	ReturnTo string
	Place    string // the path of ReturnTo, shortened, to be shown
	Purpose  string // one of [HandlerConfig.Purposes], or ""
	HelpURL  string
}

func newPage(r *http.Request, code Code) Page {
	p := Page{Korean: prefersKorean(r), Lang: "en", Style: pageStyle, Nonce: rand.Text(), Code: string(code)}
	if p.Korean {
		p.Lang = "ko"
	}
	p.Title = headingOf(code).in(p.Korean)
	return p
}

// writeTemplate sends a page. The policy on content is as narrow as the provider's
// SDK bears: it opens frames, forms and hosts that are not documented. The
// opener policy lets its popup report back, and a Referer is needed for the
// page's own POSTs to carry an Origin.
func (s *Sessions) writeTemplate(w http.ResponseWriter, p Page, name string, status int) error {
	p.Home = s.home()
	templates := pageTemplates
	if s.pages != nil && s.pages.Lookup(name) != nil {
		templates = s.pages
	}
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, p); err != nil {
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
	if s.pageHeader != nil {
		s.pageHeader(h, p.Nonce)
	}
	w.WriteHeader(status)
	_, err := w.Write(body.Bytes())
	return ignore(err)
}

// writePage tells a visitor of a refusal.
func (s *Sessions) writePage(w http.ResponseWriter, r *http.Request, p problem, start string) {
	pg := newPage(r, p.code)
	pg.Message = p.detail(pg.Korean)
	if p.denial != nil {
		for _, reason := range p.denial.Reasons {
			pg.Reasons = append(pg.Reasons, problemOf(reason).detail(pg.Korean))
		}
	}
	if p.verifiable() {
		pg.Start = start
	}
	pg.Retry = p.retriable() && isSafe(r)
	if p.isAboutPerson() && isSafe(r) {
		pg.Another, pg.ReturnTo = s.signOutPath(), s.localOf(r.URL)
	}
	p.setRetryAfter(w.Header())
	if err := s.writeTemplate(w, pg, "problem.html", p.status); err != nil {
		s.emit(r.Context(), Event{Kind: EventFault, Code: CodeInternal, Detail: "SessionConfig.Pages: problem.html failed"})
		http.Error(w, p.title, p.status)
	}
}
