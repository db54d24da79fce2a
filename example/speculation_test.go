package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/certify-go/certify/sandbox"
)

// aheadPage is an app's page whose links the browser loads ahead, as CDNs make
// whole sites do, with a button of certify.js beside them.
const aheadPage = `<!doctype html><html lang="ko"><meta charset="utf-8"><title>App</title><link rel="icon" href="data:,">
<script type="speculationrules">{%q:[{"source":"list","urls":["/cellar"],"eagerness":%q}]}</script>
<a id="go" href="/cellar">와인</a>
<a id="verify" href="/certifications/?return_to=/cellar" data-certify>인증</a>
<script src="/certifications/certify.js"></script></html>`

// aheads are the ways in which Chromium loads ahead that a test can tell.
var aheads = []struct{ action, eagerness string }{
	{"prefetch", "immediate"}, {"prefetch", "moderate"}, {"prerender", "immediate"}, {"prerender", "moderate"},
}

// newAhead is a shop with that page at /app, which notes speculative requests.
func newAhead(t *testing.T, provider, action, eagerness string) *stand {
	t.Helper()
	var s *stand
	s = newStallOn(t, provider, func(cfg shopConfig) http.Handler {
		mux := shopAround(t, cfg, "GET /app", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, fmt.Sprintf(aheadPage, action, eagerness))
		})
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mux.ServeHTTP(w, r)
			if strings.HasPrefix(r.Header.Get("Sec-Purpose"), "prefetch") && s != nil {
				fmt.Fprintf(s.output, "loaded ahead: %s\n", r.URL.Path)
			}
		})
	})
	return s
}

// loadAhead waits until the browser has asked for the cellar ahead.
func (b *tab) loadAhead(eagerness string) {
	b.t.Helper()
	asked := strings.Count(b.output.String(), "loaded ahead: /cellar")
	b.open("/app")
	if eagerness == "moderate" { // the pointer stays on the link
		b.hover("#go")
	}
	b.until("document.readyState === 'complete'")
	b.eventually(func() bool { return strings.Count(b.output.String(), "loaded ahead: /cellar") > asked })
}

// TestBrowserLoadsTheGateAhead: the gate refuses what the browser loads ahead,
// and after the verification the visitor sees the wine and not the start page
// of before, which would bring a second fee.
func TestBrowserLoadsTheGateAhead(t *testing.T) {
	t.Parallel()
	for _, how := range aheads {
		t.Run(how.action+" "+how.eagerness, func(t *testing.T) {
			onBoth(t, func(t *testing.T, provider string) {
				s := newAhead(t, provider, how.action, how.eagerness)
				b := s.browse(t, desk)
				b.loadAhead(how.eagerness)
				w := b.popup(func() { b.click("#verify") })
				w.choose(sandbox.Adult)
				w.enter(right)
				b.at("/cellar", "보름")
			})
		})
	}
}

// TestBrowserSignsOutOfWhatIsLoadedAhead: a gated page that the browser loaded
// ahead is not shown after the visitor signed out.
func TestBrowserSignsOutOfWhatIsLoadedAhead(t *testing.T) {
	t.Parallel()
	for _, how := range aheads {
		t.Run(how.action+" "+how.eagerness, func(t *testing.T) {
			s := newAhead(t, v1, how.action, how.eagerness)
			b := s.browse(t, desk)
			b.verifyAs(sandbox.Adult)
			b.loadAhead(how.eagerness)
			b.evaluate(`fetch("/certifications/logout", {method: "POST"}).then(r => { document.title = "out " + r.status })`)
			b.until(`document.title === "out 204"`)
			b.click("#go")
			b.at("/certifications/", "본인인증")
		})
	}
}

// hover moves the pointer onto an element, and leaves it there.
func (b *tab) hover(css string) {
	b.t.Helper()
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(
		"(r => [r.x + r.width/2, r.y + r.height/2])(document.querySelector(%q).getClientRects()[0])", css)))
	b.must(err)
	call(b, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: at[0], Y: at[1]})
}

// eventually waits until the test's own condition holds.
func (b *tab) eventually(holds func() bool) {
	b.t.Helper()
	timeout := time.After(patience)
	for !holds() {
		select {
		case <-timeout:
			b.t.Fatalf("not within %s, at %s", patience, b.location())
		case <-time.After(25 * time.Millisecond):
		}
	}
}
