package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// requireReal makes a missing Chromium a failure, where tests are to be whole.
const requireReal = "CERTIFY_REQUIRE_REAL"

// chromiumStarts is how long Chromium may take to start, from a cold disk and
// beside other tests. All browser tests depend on it.
const chromiumStarts = 2 * time.Minute

// chromium is the one browser of all tests, nil if there is none. Each test
// has a profile of its own in it.
var chromium = sync.OnceValue(startChromium)

// stopChromium ends it, if it was started.
var stopChromium = func() {}

func startChromium() context.Context {
	path := findChromium()
	if path == "" {
		return nil
	}
	dir, err := os.MkdirTemp("", "moonlight-chromium-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "Chromium has no place for its profile:", err)
		return nil
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.NoFirstRun, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(chromiumStarts), chromedp.UserDataDir(dir), chromedp.Env("TMPDIR=" + dir), chromedp.Flag("headless", "new"),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("accept-lang", "ko-KR,ko")}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(ctx)
	stopChromium = func() {
		_ = chromedp.Cancel(ctx) // waits until it is gone
		stop()
		stopAllocator()
		_ = os.RemoveAll(dir)
	}
	if err := chromedp.Do(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "Chromium does not start:", err)
		return nil
	}
	return ctx
}

func findChromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// A device is what a visitor holds.
type device struct {
	width, height int64
	phone         bool
	dark          bool
	language      string
}

var (
	desk  = device{width: 1280, height: 900, language: "ko-KR"}
	phone = device{width: 390, height: 844, phone: true, language: "ko-KR"}
)

const phoneAgent = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36"

// A tab is a page in a real browser.
type tab struct {
	*stand
	t   testing.TB // that looks at it
	ctx context.Context
	device
}

// browse opens a tab with an empty profile of its own.
func (s *stand) browse(t testing.TB, d device) *tab {
	t.Helper()
	browser := chromium()
	if browser == nil {
		if os.Getenv(requireReal) == "1" {
			t.Fatal("no Chromium that starts (chromium, chromium-browser or google-chrome in PATH), and " + requireReal + "=1 wants one")
		}
		t.Skip("no Chromium: install chromium, chromium-browser or google-chrome to run the browser tests")
	}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &tab{s, t, ctx, d}
	b.prepare()
	t.Cleanup(b.hideCookies)
	return b
}

// unhurried makes certify.js wait for its window longer than the 8 s after which
// it takes it for lost: on a busy machine a test may need them for all that it
// does in the window. What 8 s bring is TestBrowserScriptStalled's.
const unhurried = `window.setTimeout = (real => (f, ms, ...more) => real(f, ms === 8000 ? 600000 : ms, ...more))(setTimeout)`

// prepare makes the tab the device, and watches what it complains about.
func (b *tab) prepare() {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx))
	agent := emulation.SetUserAgentOverrideParams{AcceptLanguage: b.language, UserAgent: phoneAgent}
	if !b.phone {
		var err error
		agent.UserAgent, err = chromedp.Run(b.ctx, chromedp.Evaluate[string]("navigator.userAgent"))
		b.must(err)
	}
	call(b, emulation.SetUserAgentOverride, agent)
	call(b, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: b.phone})
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: b.width, Height: b.height, DeviceScaleFactor: 1, Mobile: b.phone,
	})
	scheme := "light"
	if b.dark {
		scheme = "dark"
	}
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	call(b, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: unhurried})
	b.watch()
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	result, err := chromedp.Call(b.ctx, command, params)
	b.must(err)
	return result
}

// watch makes an error of what the browser blocks or a script throws. That a
// page was refused, or could not be served yet, is not one.
func (b *tab) watch() {
	messages := chromedp.Console(b.ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			refused := m.Source == "network" && (strings.Contains(m.Text, "a status of 40") || strings.Contains(m.Text, "a status of 503"))
			if m.IsException() || m.Type == "error" && !refused {
				b.t.Errorf("the browser complains at %s: %s", m.URL, m.Text)
			}
		}
	}()
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%v\nat %s", err, b.location())
	}
}

// location is for the texts of errors, which do not wait for a tab that hangs.
func (b *tab) location() string {
	ctx, cancel := context.WithTimeout(b.ctx, time.Second)
	defer cancel()
	where, _ := chromedp.Run(ctx, chromedp.Location())
	return where
}

// open goes to a page of the shop.
func (b *tab) open(path string) {
	b.t.Helper()
	b.navigate(b.shop + path)
}

func (b *tab) navigate(address string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.Navigate(address)))
}

func (b *tab) typeText(text string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(text)))
}

// until waits for a condition of the page, across navigations.
func (b *tab) until(condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	again := time.NewTicker(25 * time.Millisecond)
	defer again.Stop()
	for {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition)); err == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
			b.t.Fatalf("not within %s: %s\nat %s\n%s", patience, condition, b.location(), text)
		case <-again.C:
		}
	}
}

// at waits until the tab is on a page of the shop that says text.
func (b *tab) at(path, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("location.origin + location.pathname === %q && document.readyState === 'complete' && document.body.innerText.includes(%q)", b.shop+path, text))
}

// click presses an element as a person does: there where it is seen, with a
// finger on a phone. On a page that still loads it would be elsewhere soon.
func (b *tab) click(css string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.readyState === 'complete' && (e => e && !e.disabled && e.getClientRects().length > 0)(document.querySelector(%q))", css))
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(
		"(e => { e.scrollIntoView({block:'center',behavior:'instant'}); const r = e.getClientRects()[0]; return [r.x + r.width/2, r.y + r.height/2] })(document.querySelector(%q))", css)))
	b.must(err)
	if !b.phone {
		b.must(chromedp.Do(b.ctx, chromedp.MouseClickXY(at[0], at[1])))
		return
	}
	touch := []*input.TouchPoint{{X: at[0], Y: at[1]}}
	call(b, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchStart, TouchPoints: touch})
	call(b, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchEnd, TouchPoints: []*input.TouchPoint{}})
}

func (b *tab) text(css string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).textContent", css)))
	b.must(err)
	return strings.TrimSpace(text)
}

// popup does what opens a window, and returns the window.
func (b *tab) popup(open func()) *tab {
	b.t.Helper()
	opened := chromedp.WaitNewTarget(b.ctx, func(info *target.Info) bool {
		_, known := b.windows.Load(info.TargetID) // news of a window is no new window
		return !known && strings.HasPrefix(info.URL, b.sandbox)
	})
	open()
	select {
	case id := <-opened:
		b.windows.Store(id, true)
		ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
		b.t.Cleanup(cancel)
		w := &tab{b.stand, b.t, ctx, b.device}
		w.must(chromedp.Do(ctx))
		w.watch()
		return w
	case <-time.After(patience):
		b.t.Fatalf("no window opened from %s: %s", b.location(), b.text("body"))
		return nil
	}
}

// close closes a window by its X.
func (b *tab) close() {
	b.t.Helper()
	_, err := chromedp.CallBrowser(b.ctx, target.CloseTarget, target.CloseTargetParams{TargetID: chromedp.FromContext(b.ctx).Target.TargetID})
	b.must(err)
}

// cookies are the shop's in this browser.
func (b *tab) cookies() map[string]string {
	b.t.Helper()
	found := make(map[string]string)
	for _, c := range call(b, network.GetCookies, network.GetCookiesParams{URLs: []string{b.shop}}).Cookies {
		found[c.Name] = c.Value
	}
	return found
}

func (b *tab) hideCookies() {
	if b.ctx.Err() == nil {
		for _, value := range b.cookies() {
			b.hide(value)
		}
	}
}

// picture is what the tab shows, down to the end of the page.
func (b *tab) picture() []byte {
	b.t.Helper()
	size, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64]("[document.documentElement.clientWidth, Math.max(document.documentElement.scrollHeight, innerHeight)]"))
	b.must(err)
	beyond := true
	shot := call(b, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond, Clip: &cdppage.Viewport{Width: size[0], Height: size[1], Scale: 1},
	})
	return shot.Data
}

// query is the value of a parameter in the tab's address.
func (b *tab) query(name string) string {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(`new URLSearchParams(location.search).get(%q) || ""`, name)))
	b.must(err)
	return value
}
