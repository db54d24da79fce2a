package main

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	cdppage "github.com/chromedp/cdproto/page"
)

// A front stands before the shop, and fails as sites and networks do.
type front struct {
	*stand

	mu    sync.Mutex
	fails int    // callbacks that are still to be answered with 503
	hangs string // path that is never answered
	heads []int  // bytes of the request heads that arrived
	backs []int  // bytes of the redirects' heads
}

// newFront starts the shop behind one, with pages of the test's own.
func newFront(t *testing.T, provider string, pages map[string]string) *front {
	t.Helper()
	f := &front{}
	f.stand = newStallOn(t, provider, func(cfg shopConfig) http.Handler {
		mux := shopAround(t, cfg, "GET /app/{page}", func(w http.ResponseWriter, r *http.Request) {
			page := strings.ReplaceAll(pages[r.PathValue("page")], "SANDBOX", cfg.sandboxURL)
			switch {
			case strings.HasSuffix(r.URL.Path, ".js"):
				w.Header().Set("Service-Worker-Allowed", "/")
				w.Header().Set("Content-Type", "text/javascript")
			case strings.Contains(page, `nonce="n0nce"`):
				w.Header().Set("Content-Security-Policy", "script-src 'nonce-n0nce' 'strict-dynamic'; require-trusted-types-for 'script'; trusted-types certify")
				fallthrough
			default:
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
			}
			_, _ = io.WriteString(w, page)
		})
		return f.before(mux)
	})
	return f
}

func (f *front) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		f.mu.Lock()
		fails := r.Method == http.MethodPost && r.URL.Path == "/certifications" && f.fails > 0
		if fails {
			f.fails--
		}
		hangs := f.hangs != "" && r.URL.Path == f.hangs && r.Method != http.MethodHead
		f.heads = append(f.heads, headBytes(r.Header)+len(r.RequestURI))
		f.mu.Unlock()
		switch {
		case hangs:
			_, _ = io.Copy(io.Discard, r.Body) // so that the end of the connection is seen
			select {
			case <-r.Context().Done():
			case <-time.After(patience): // the end of the test need not wait for the browser
			}
		case fails:
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"status":503,"code":"store_unavailable","detail":"연결이 원활하지 않습니다."}`)
		default:
			next.ServeHTTP(w, r)
			if w.Header().Get("Location") != "" {
				f.mu.Lock()
				f.backs = append(f.backs, headBytes(w.Header()))
				f.mu.Unlock()
			}
		}
	})
}

func headBytes(h http.Header) (n int) {
	for name, values := range h {
		for _, value := range values {
			n += len(name) + len(value) + len(": \r\n")
		}
	}
	return n
}

func (f *front) set(fails int, hangs string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails, f.hangs = fails, hangs
}

func (b *tab) reload() {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.Reload()))
}

// first runs a script before those of every page that the tab opens.
func (b *tab) first(source string) {
	b.t.Helper()
	call(b, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: source})
}

// says waits until an element says a text.
func (b *tab) says(css, text string) {
	b.t.Helper()
	b.until("(e => !!e && e.textContent.includes(" + quote(text) + "))(document.querySelector(" + quote(css) + "))")
}
