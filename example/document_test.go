package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/certify-go/certify/sandbox"
)

// clobbered are names that a page's users can take away from document and
// window with HTML that sanitizers leave alone.
const clobbered = `<img name="currentScript" src="/app/evil/certify.js">
<img name="head"><img name="body"><img name="documentElement"><img name="cookie"><img name="hidden"><img name="prerendering"><img name="readyState">
<img name="createElement"><img name="addEventListener"><img name="querySelector"><img name="querySelectorAll"><img name="activeElement"><img name="getElementById">
<form id="certify"><input name="verify"></form><form id="IMP"><input name="init"><input name="certification"></form>
<form id="PortOne"><input name="requestIdentityVerification"></form><a id="trustedTypes"></a>`

// What a page's users write into it does not steer the script.
func TestBrowserClobberedDocument(t *testing.T) {
	t.Parallel()
	onBoth(t, browserClobberedDocument)
}

func browserClobberedDocument(t *testing.T, provider string) {
	b := newFront(t, provider, map[string]string{"nonced": strings.Replace(nonced, "USERS", clobbered, 1)}).browse(t, desk)
	b.open("/app/nonced")
	b.until(`document.cookie instanceof Element && PortOne instanceof Element`) // else this shows nothing
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](`(r => [r.x + r.width / 2, r.y + r.height / 2])(go.getBoundingClientRect())`))
	b.must(err)
	w := b.popup(func() { b.must(chromedp.Do(b.ctx, chromedp.MouseClickXY(at[0], at[1]))) }) // click asks document
	w.choose(sandbox.Adult)
	w.enter(right)
	b.at("/cellar", "보름")
}

// A consent manager's own document.cookie is not the browser's refusal, and an
// old SDK is not one that can verify.
func TestBrowserConsentManagerAndOldSDK(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, provider string) {
		b := newFront(t, provider, nil).browse(t, desk)
		b.first(`if (self === top) Object.defineProperty(Document.prototype, "cookie", { get: () => "", set() {} }); window.IMP = { init() {}, request_pay() {} };`)
		b.open("/certifications/?return_to=/cellar")
		w := b.popup(func() { b.click("#verify") })
		w.choose(sandbox.Adult)
		w.enter(right)
		b.at("/cellar", "보름")
	})
}

// The fragment is where an app with a hash router is.
func TestBrowserKeepsTheFragment(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, provider string) {
		for name, d := range map[string]device{"desk": desk, "phone": phone} {
			t.Run(name, func(t *testing.T) {
				b := newFront(t, provider, nil).browse(t, d)
				b.open("/cellar#/red/17")
				b.at("/certifications/", "본인인증")
				w := b
				if d.phone {
					b.click("#verify")
				} else {
					w = b.popup(func() { b.click("#verify") })
				}
				w.choose(sandbox.Adult)
				w.enter(right)
				b.at("/cellar", "보름")
				b.until(`location.hash === "#/red/17"`)
			})
		}
	})
}

// A second tab at the start page goes straight back once the first has a claim.
func TestBrowserSecondTabLooksAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, provider string) {
		f := newFront(t, provider, nil)
		first := f.browse(t, desk)
		second := first.another()
		second.front()
		second.open("/certifications/?return_to=/cellar")
		second.until(`!document.querySelector("#verify").disabled`)
		first.front()
		first.open("/certifications/?return_to=/cellar")
		w := first.popup(func() { first.click("#verify") })
		w.choose(sandbox.Adult)
		w.enter(right)
		first.at("/cellar", "보름")
		second.front()
		second.click("#verify")
		second.at("/cellar", "보름")
		if n := f.windowsOpened(); n != 1 {
			t.Errorf("%d windows were opened", n)
		}
	})
}

// A service worker that answers the return with the app's shell costs nothing
// where the shell loads certify.js.
func TestBrowserShellAtTheReturn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, provider string) {
		f := newFront(t, provider, map[string]string{
			"shell": `<!doctype html><html lang="ko"><meta charset="utf-8"><title>Shell</title><div id="root"></div>
<script src="/certifications/certify.js" defer></script></html>`,
			"enter": `<!doctype html><html lang="ko"><meta charset="utf-8"><title>App</title><button id="go" data-certify data-return-to="/cellar">Go</button>
<script src="/certifications/certify.js"></script><script>navigator.serviceWorker.register("/app/worker.js", { scope: "/" });
navigator.serviceWorker.addEventListener("controllerchange", () => { window.isControlled = true; });</script></html>`,
			"worker.js": `addEventListener("install", e => skipWaiting()); addEventListener("activate", e => e.waitUntil(clients.claim()));
addEventListener("fetch", e => { if (e.request.mode === "navigate" && /^\/certifications/.test(new URL(e.request.url).pathname)) e.respondWith(fetch("/app/shell")); });`,
		})
		b := f.browse(t, phone)
		b.open("/app/enter")
		b.until(`window.isControlled === true`)
		b.click("#go")
		b.until(fmt.Sprintf("location.href.startsWith(%q)", f.sandbox))
		b.choose(sandbox.Adult)
		f.set(1, "") // and the first answer fails
		b.enter(right)
		b.says("[data-certify-says]", unconfirmed)
		b.click("button[data-certify]")
		b.at("/cellar", "보름")
	})
}
