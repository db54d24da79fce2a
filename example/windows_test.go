package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/certify-go/certify/sandbox"
)

// soon is when a visitor must know what is the matter.
const soon = 10 * time.Second

// saysSoon is says, for what begins at that time.
func (b *tab) saysSoon(since time.Time, css, text string) {
	b.t.Helper()
	b.says(css, text)
	if took := time.Since(since); took > soon {
		b.t.Errorf("%q took %s", text, took)
	}
}

// A window that does not come is told by its name, soon, and can be tried
// again.
func TestBrowserWindowsThatDoNotCome(t *testing.T) {
	t.Parallel()
	onBoth(t, browserWindowsThatDoNotCome)
}

func browserWindowsThatDoNotCome(t *testing.T, provider string) {
	f := newFront(t, provider, nil)
	const (
		blocked = `window.open = () => null;`
		hanging = `window.fetch = (real => (url, init) => real(url, init).then(answer => !url.endsWith("/attempts") ? answer :
			answer.json().then(start => new Response(JSON.stringify(Object.assign(start, { script: "/app/hang" })), { status: 201 }))))(fetch);`
		heard = `window.heard = []; console.warn = (...words) => heard.push(words.join(" ")); console.error = console.warn;`
	)
	for _, tt := range []struct {
		name, before, hangs string
		pressed             bool   // or it is seen before
		text, log           string // what the visitor reads, and the developer
	}{
		{"blocked", blocked, "", true, "팝업을 허용", ""},
		{"blocked, and the SDK says nothing", blocked + `window.certifySandbox = { silent: true };`, "", true, "팝업을 허용", ""},
		{"the SDK has an error of its own", `window.certifySandbox = { error: "PG_TROUBLE" };`, "", true, notCompleted, "PG_TROUBLE"},
		{"the SDK throws", `window.certifySandbox = { throws: true };`, "", true, "예상하지 못한 오류", "TypeError"},
		{"the script hangs", hanging, "/app/hang", false, "인증 창을 불러오지 못했습니다", ""},
		{"the answer hangs", "", "/certifications/attempts", false, "연결이 원활하지", ""},
		{"an exception", `Array.prototype.every = () => { throw new RangeError("of the page's"); };`, "", false, "예상하지 못한 오류", "RangeError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := f.browse(t, desk)
			f.set(0, tt.hangs)
			defer f.set(0, "")
			b.first(heard + tt.before)
			b.open("/certifications/?return_to=/cellar")
			since := time.Now()
			if tt.pressed {
				b.until(`!document.querySelector("#verify").disabled`)
				b.click("#verify")
				since = time.Now()
			}
			b.saysSoon(since, "#status", tt.text)
			b.until(`!document.querySelector("#verify").disabled`) // to try again
			logged, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`heard`))
			b.must(err)
			if !strings.Contains(strings.Join(logged, "\n"), tt.log) || len(logged) > 1 {
				t.Errorf("the console has %q", logged)
			}
			if shown := b.text("main"); tt.log != "" && strings.Contains(shown, tt.log) {
				t.Errorf("the visitor reads %q", shown)
			}
		})
	}
}

// The site's own answer to a paid verification that does not come is asked for
// again, at no second fee.
func TestBrowserCallbackHangs(t *testing.T) {
	t.Parallel()
	onBoth(t, browserCallbackHangs)
}

func browserCallbackHangs(t *testing.T, provider string) {
	f := newFront(t, provider, nil)
	b := f.browse(t, desk)
	b.open("/certifications/?return_to=/cellar")
	w := b.popup(func() { b.click("#verify") })
	w.choose(sandbox.Adult)
	f.set(0, "/certifications")
	w.enter(right)
	b.says("#status", "확인하고 있습니다")
	b.saysSoon(time.Now(), "#status", unconfirmed)
	f.set(0, "")
	b.click("#again")
	b.at("/cellar", "보름")
	if n := f.windowsOpened(); n != 1 {
		t.Errorf("%d windows were opened", n)
	}
}

const nonced = `<!doctype html><html lang="ko"><meta charset="utf-8"><title>App</title>USERS
<button id="go" data-certify data-return-to="/cellar">Go</button>
<script src="/certifications/certify.js" nonce="n0nce"></script></html>`

// A page may want Trusted Types, and let in scripts by a nonce alone.
func TestBrowserTrustedTypes(t *testing.T) {
	t.Parallel()
	onBoth(t, browserTrustedTypes)
}

func browserTrustedTypes(t *testing.T, provider string) {
	b := newFront(t, provider, map[string]string{"nonced": strings.Replace(nonced, "USERS", "", 1)}).browse(t, desk)
	b.open("/app/nonced")
	w := b.popup(func() { b.click("#go") })
	w.choose(sandbox.Adult)
	w.enter(right)
	b.at("/cellar", "보름")
}

// The layer that the SDK leaves behind is gone when the page is shown again.
func TestBrowserLayerAfterBack(t *testing.T) {
	t.Parallel()
	onBoth(t, browserLayerAfterBack)
}

func browserLayerAfterBack(t *testing.T, provider string) {
	f := newFront(t, provider, map[string]string{"button": buttonPage})
	b := f.browse(t, phone)
	b.first(`window.certifySandbox = { layer: true }; addEventListener("pageshow", e => { if (e.persisted) window.wasKept = true; });`)
	b.open("/app/button")
	b.click("#go")
	b.until(fmt.Sprintf("location.href.startsWith(%q)", f.sandbox))
	_, _ = chromedp.Run(b.ctx, chromedp.Evaluate[bool](`history.back(), true`)) // chromedp's own waits for a load, which there is none of
	b.at("/app/button", "Go")
	b.until(`window.wasKept === true`) // else the browser loaded it anew, and this shows nothing
	b.until(`!document.querySelector("#sandbox-layer") && document.elementFromPoint(...(r => [r.x + 5, r.y + 5])(document.querySelector("#go").getBoundingClientRect())).id === "go"`)
	b.click("#go")
	b.choose(sandbox.Adult)
	b.enter(right)
	b.at("/cellar", "보름")
}
