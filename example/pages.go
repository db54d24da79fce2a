package main

import (
	"bytes"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

//go:embed pages
var pageFiles embed.FS

//go:embed static
var staticContent embed.FS

// errMissing is a page, or a bottle, that does not exist.
var errMissing = errors.New("there is no such page")

// korea is UTC+9 the whole year, since 1988.
var korea = time.FixedZone("KST", 9*60*60)

// A page is what a template shows.
type page struct {
	Name          string
	Lang          string
	OtherLanguage string // link that switches the language
	SandboxURL    string // "" with the real service
	Nonce         string // of the one script, "" on pages that have none
	Member        *member
	Content       any
}

// T is a text in both languages, side by side in the templates.
func (p page) T(ko, en string) string {
	if p.Lang == "en" {
		return en
	}
	return ko
}

// Day is the date of an instant in Korea.
func (p page) Day(t time.Time) string { return t.In(korea).Format(time.DateOnly) }

// Won is a price.
func (p page) Won(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if p.Lang == "en" {
		return "₩" + s
	}
	return s + "원"
}

func loadPages() (map[string]*template.Template, error) {
	layout, err := template.New("layout.html").Option("missingkey=error").ParseFS(pageFiles, "pages/layout.html", "pages/art.html")
	if err != nil {
		return nil, err
	}
	pages := make(map[string]*template.Template)
	for _, name := range []string{"shelf", "cellar", "checkout", "done", "guests", "me", "signup", "help", "missing", "trouble"} {
		clone, err := layout.Clone()
		if err != nil {
			return nil, err
		}
		if pages[name], err = clone.ParseFS(pageFiles, "pages/"+name+".html"); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// page serves a template with the content that is made for the request.
func (s *shop) page(name string, content func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := content(r)
		if err == nil {
			err = s.show(w, r, http.StatusOK, name, c)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// show writes nothing before the page is whole.
func (s *shop) show(w http.ResponseWriter, r *http.Request, status int, name string, content any) error {
	p := page{Name: name, Lang: languageOf(r), OtherLanguage: otherLanguage(r), SandboxURL: s.sandboxURL, Content: content}
	var err error
	if p.Member, err = s.member(r); err != nil {
		return err
	}
	if name == "me" && content == nil { // whoever has not verified can, on this page
		p.Nonce = rand.Text()
	}
	var body bytes.Buffer
	if err := s.pages[name].Execute(&body, p); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.Lang)
	h.Set("Cache-Control", "private, no-store")
	h.Add("Vary", "Cookie, Accept-Language")
	setSecurityHeaders(h)
	if p.Nonce != "" {
		allowVerification(h, p.Nonce)
	}
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // the visitor may be gone
	return nil
}

// setSecurityHeaders: most pages have no script, and everything else they use
// is the shop's own.
func setSecurityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// allowVerification is for a page that runs certify.js. The provider's SDK
// opens frames, forms and hosts that are not documented, and its window reports
// back to this one.
func allowVerification(h http.Header, nonce string) {
	h.Set("Content-Security-Policy", "script-src 'nonce-"+nonce+"' 'strict-dynamic'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
	h.Set("Referrer-Policy", "strict-origin")
}

// fail answers with a page that says what went wrong, if that is known.
func (s *shop) fail(w http.ResponseWriter, r *http.Request, err error) {
	name, status := "trouble", http.StatusInternalServerError
	if errors.Is(err, errMissing) {
		name, status = "missing", http.StatusNotFound
	} else {
		s.logger.ErrorContext(r.Context(), "moonlight-wine: a page failed", slog.Any("error", err))
	}
	if s.show(w, r, status, name, nil) != nil {
		http.Error(w, http.StatusText(status), status)
	}
}

// staticFiles serves the style sheet and the icon.
func staticFiles() http.Handler {
	files := http.FileServerFS(staticContent)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") { // no listings
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=300")
		setSecurityHeaders(w.Header())
		files.ServeHTTP(w, r)
	})
}
