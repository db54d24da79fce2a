package sandbox

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
)

//go:embed static
var static embed.FS

// pages holds the parsed templates and the texts in both languages.
type pages struct {
	templates map[string]*template.Template
	texts     map[string]map[string]string
}

func loadPages() (*pages, error) {
	p := &pages{templates: map[string]*template.Template{}, texts: map[string]map[string]string{}}
	for _, name := range []string{"choose", "code", "failed", "ended", "refused", "home"} {
		t, err := template.New("layout.html").Option("missingkey=error").
			ParseFS(static, "static/layout.html", "static/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("sandbox: page %s: %w", name, err)
		}
		p.templates[name] = t
	}
	p.templates[string(succeeded)], p.templates[string(cancelled)] = p.templates["ended"], p.templates["ended"]
	for _, lang := range []string{"ko", "en"} {
		raw, err := static.ReadFile("static/" + lang + ".json")
		if err != nil {
			return nil, fmt.Errorf("sandbox: texts: %w", err)
		}
		texts := map[string]string{}
		if err := json.Unmarshal(raw, &texts); err != nil {
			return nil, fmt.Errorf("sandbox: texts %s: %w", lang, err)
		}
		p.texts[lang] = texts
	}
	return p, nil
}

// view is what every page needs.
type view struct {
	Lang, OtherLang string
	OtherLink       string            // this page in the other language; "" after a POST
	T               map[string]string // texts by key
	Page            string            // name of the template
	Content         any
}

func (v view) Korean() bool { return v.Lang == "ko" }

// render writes a page. formTargets are the sources that the page's forms may
// end up at by redirect, or "".
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, page string, content any, formTargets string) {
	v := view{Lang: preferredLanguage(r), OtherLang: "en", Page: page, Content: content}
	if v.Lang == "en" {
		v.OtherLang = "ko"
	}
	v.T = s.pages.texts[v.Lang]
	if r.Method == http.MethodGet {
		q := r.URL.Query()
		q.Set("lang", v.OtherLang)
		v.OtherLink = "?" + q.Encode()
	}
	var out bytes.Buffer
	if err := s.pages.templates[page].Execute(&out, v); err != nil {
		s.log.Error("sandbox: a page could not be rendered", slog.Any("error", err))
		http.Error(w, "the sandbox failed to render this page", http.StatusInternalServerError)
		return
	}
	setPageHeaders(w.Header(), formTargets)
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

// setPageHeaders: everything a page uses is its own file. There is no
// Cross-Origin-Opener-Policy, because the window has to reach its opener.
func setPageHeaders(h http.Header, formTargets string) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", strings.TrimSpace("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+formTargets))
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Vary", "Accept-Language")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// asset serves the pages' own files.
func asset(w http.ResponseWriter, r *http.Request) {
	types := map[string]string{
		"sandbox.css": "text/css; charset=utf-8",
		"window.js":   "text/javascript; charset=utf-8",
		"home.js":     "text/javascript; charset=utf-8",
		"icon.svg":    "image/svg+xml",
	}
	name := r.PathValue("file")
	contentType, ok := types[name]
	if !ok {
		unknownPage(w, r)
		return
	}
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	serveStatic(w, name, contentType)
}

// sdkScript may be loaded by pages of any origin, as the vendor's is.
func sdkScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	serveStatic(w, "iamport.js", "text/javascript; charset=utf-8")
}

// identitySDKScript is the same for V2.
func identitySDKScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	serveStatic(w, "browser-sdk.js", "text/javascript; charset=utf-8")
}

// oldSDKScript answers under the file names of 1.1.4 to 1.2.1. Those needed
// jQuery; this one does not mind it.
func oldSDKScript(w http.ResponseWriter, r *http.Request) {
	if !regexp.MustCompile(`^iamport\.payment-1\.(1\.[4-9]|2\.[01])\.js$`).MatchString(r.PathValue("file")) {
		unknownPage(w, r)
		return
	}
	sdkScript(w, r)
}

func serveStatic(w http.ResponseWriter, name, contentType string) {
	text, err := static.ReadFile("static/" + name)
	if err != nil {
		http.Error(w, "the sandbox has lost a file", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(text)
}

// showRefusal is the page for a window that cannot work; it says why to both
// the developer and, through window.js, the page that opened it.
func (s *Server) showRefusal(w http.ResponseWriter, r *http.Request, err error) {
	var input *inputError
	if !errors.As(err, &input) {
		s.log.Error("sandbox: a window failed", slog.Any("error", err))
		input = &inputError{code: "internal", message: "the sandbox failed; its log says more"}
	}
	opener := r.URL.Query().Get("opener")
	if !isOpener(opener) {
		opener = ""
	}
	code, message := "SANDBOX_"+strings.ToUpper(input.code), input.message
	s.render(w, r, input.status(), "refused", refusalView{
		Message: input.message,
		ending:  ending{Opener: opener, Result: jsonText(Result{ErrorCode: &code, ErrorMsg: &message})},
	}, "")
}
