package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/certify-go/certify/sandbox"
)

// prober is a page that opens an address of the shop in a window, and reads
// what a browser lets it know of that window.
const prober = `<!doctype html><title>prober</title><button id="open">open</button><script>
let opened = null, path = "", entries = 0;
document.querySelector("#open").onclick = () => { entries = history.length; opened = window.open(path); };
function observed() { return [opened.closed, opened.length, history.length - entries].join(" "); }
</script>`

// newProber serves the page on an address of another site than the shop's.
func newProber(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("no second loopback address: %v", err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, prober)
	}))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// observe opens path from the prober, and returns what the prober knows of its
// window once the page is there.
func (b *tab) observe(prober, path string) string {
	b.t.Helper()
	b.navigate(prober)
	b.evaluate(fmt.Sprintf("path = %q", b.shop+path))
	opened := chromedp.WaitNewTarget(b.ctx, func(info *target.Info) bool {
		_, known := b.windows.Load(info.TargetID)
		return !known && strings.HasPrefix(info.URL, b.shop)
	})
	b.click("#open")
	select {
	case id := <-opened:
		b.windows.Store(id, true)
		ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
		defer cancel()
		w := &tab{b.stand, b.t, ctx, b.device}
		w.until("document.readyState === 'complete'")
	case <-time.After(patience):
		b.t.Fatalf("no window opened for %s", path)
	}
	seen, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("observed()"))
	b.must(err)
	return seen
}

func (b *tab) evaluate(script string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](script))
	b.must(err)
}

// TestBrowserOpenerLearnsNothing opens gated pages and start pages from a page
// of another site. What it sees of its window is the same whether the visitor is
// nobody, a minor or an adult, and however old the verification is.
func TestBrowserOpenerLearnsNothing(t *testing.T) {
	t.Parallel()
	s := newStandAt(t, time.Now())
	addresses := []string{
		"/cellar", "/certifications/?return_to=%2F", "/certifications/?return_to=%2Fcellar",
		"/certifications/?return_to=%2F&reason=stale&max_age=60", "/certifications/?return_to=%2F&reason=stale&max_age=200",
	}
	const alike = "true 0 0" // closed as far as the opener knows, no frames, no entry of its own history
	for _, visitor := range []struct {
		name string
		who  string
	}{{"nobody", ""}, {"minor", sandbox.Minor}, {"adult", sandbox.Adult}} {
		t.Run(visitor.name, func(t *testing.T) {
			b := s.browse(t, desk)
			prober := newProber(t)
			if visitor.who != "" {
				b.verifyAs(visitor.who)
				s.pass(100 * time.Second)
			}
			for _, path := range addresses {
				if seen := b.observe(prober, path); seen != alike {
					t.Errorf("%s: another site's page sees %q, want %q", path, seen, alike)
				}
			}
		})
	}
}

// verifyAs verifies a person of the sandbox from the start page to the end.
func (b *tab) verifyAs(person string) {
	b.t.Helper()
	b.open("/certifications/?return_to=/me")
	w := b.popup(func() { b.click("#verify") })
	w.choose(person)
	w.enter(right)
	b.at("/me", "")
}
