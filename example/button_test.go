package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

// meButton is the shop's own button that opens the provider's window.
const meButton = "a[data-certify]"

// windowsOpened counts the windows that the sandbox was asked for.
func (s *stand) windowsOpened() int {
	said := s.output.String()
	return strings.Count(said, `route="GET /sandbox/window"`) + strings.Count(said, `route="POST /sandbox/identity-windows"`)
}

func TestBrowserButton(t *testing.T) {
	t.Parallel()
	onBoth(t, browserButton)
}

func browserButton(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Adult)
	b := s.browse(t, desk)
	b.open("/me")
	for _, leave := range []func(*tab){
		func(w *tab) { w.click(`button[form=close]`) },
		func(w *tab) { w.close() },
	} {
		w := b.popup(func() { b.click(meButton) })
		b.until(`document.querySelector("a[data-certify]").dataset.certifyState === "waiting" && document.querySelector("#said").textContent.includes("열린 인증 창")`)
		leave(w)
		b.until(`document.querySelector("#said").textContent.includes("완료되지 않았습니다") && document.querySelector("#said").dataset.certifyState === "cancelled"`)
		if b.claimID() != "" {
			t.Fatal("a cancelled verification brought a claim")
		}
	}
	opened := s.windowsOpened()
	w := b.popup(func() { b.click(meButton); b.front(); b.click(meButton) }) // a double click
	w.choose(sandbox.Adult)
	w.enter(right)
	b.at("/me", "본인인증이 남긴 것")
	if n := s.windowsOpened() - opened; n != 1 {
		t.Errorf("two clicks opened %d windows", n)
	}
	if b.text("body") == "" || b.claimID() == "" {
		t.Error("no claim")
	}
}

func TestBrowserButtonOnAPhone(t *testing.T) {
	t.Parallel()
	onBoth(t, browserButtonOnAPhone)
}

func browserButtonOnAPhone(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Adult)
	b := s.browse(t, phone)
	b.open("/me")
	b.click(meButton)
	b.until(fmt.Sprintf("location.href.startsWith(%q)", s.sandbox))
	b.back() // by the phone's own button: the page must work as before
	b.at("/me", "아무것도 모릅니다")
	b.click(meButton)
	b.choose(sandbox.Adult)
	b.enter(right)
	b.at("/me", "본인인증이 남긴 것")
}

// Without scripts the button is what it says it is: a link to the start page.
func TestBrowserButtonWithoutScripts(t *testing.T) {
	t.Parallel()
	b := newStreet(t).browse(t, desk)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.open("/me")
	b.click(meButton)
	b.at("/certifications/", "자바스크립트가 필요합니다")
}

// The page with the button lets in no script but that one, and may be framed
// by nobody.
func TestButtonPageIsGuarded(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	first, second := v.open("/me"), v.open("/me")
	policy := first.Header.Get("Content-Security-Policy")
	for _, part := range []string{"script-src 'nonce-", "'strict-dynamic'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("no %s in %q", part, policy)
		}
	}
	if policy == second.Header.Get("Content-Security-Policy") {
		t.Error("the nonce is used twice")
	}
	if strings.Count(first.body, "<script") != 1 || !strings.Contains(first.body, `<script src="/certifications/certify.js"`) {
		t.Errorf("the scripts of the page: %s", first.body)
	}
	want(t, "the script", v.open("/certifications/certify.js"), http.StatusOK, "window.certify")
	v.mustBecome(sandbox.Adult, "")
	if verified := v.open("/me"); strings.Contains(verified.body, "<script") {
		t.Error("a page without the button has a script")
	}
}

// ownPage is an app's page under a policy that names hosts, and ownScript what
// it does with certify.js. It keeps what it was told.
const (
	ownPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>App</title><link rel="icon" href="data:,">
<button id="go">Go</button><p id="said"></p>
<script src="/certifications/certify.js"></script><script src="/app.js"></script></html>`

	ownScript = `var seen = [], ended = [], wanted = { returnTo: "/me", onState: function (now) {
	seen.push(now.error ? now.state + ":" + now.error.code : now.state);
	document.querySelector("#said").textContent = now.text;
} };
document.querySelector("#go").onclick = function () {
	certify.verify(wanted).then(function (answer) { ended.push(answer.return_to + " " + typeof (answer.claim || {}).age); },
		function (error) { ended.push(error.name + " " + error.code + " " + error.remedy); });
};`
)

// newOwnApp is a stand with that page at /app.
func newOwnApp(t *testing.T) *stand {
	t.Helper()
	return newStall(t, func(cfg shopConfig) http.Handler {
		mux := shopAround(t, cfg, "GET /app", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self' "+cfg.sandboxURL+"; connect-src 'self'; img-src data:; base-uri 'none'")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, ownPage)
		})
		mux.HandleFunc("GET /app.js", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = io.WriteString(w, ownScript)
		})
		mux.HandleFunc("GET /gone.js", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			w.WriteHeader(http.StatusNotFound)
		})
		return mux
	})
}

// script runs a piece of script in the page, without a click.
func (b *tab) script(text string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](text+"; true"))
	b.must(err)
}

// told compares what the page was told since the last time, when verify has
// ended as often as ended says.
func (b *tab) told(ended []string, seen ...string) {
	b.t.Helper()
	b.until(fmt.Sprintf("ended.length >= %d", len(ended)))
	for _, list := range []struct {
		name string
		want []string
	}{{"ended", ended}, {"seen", seen}} {
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](list.name))
		b.must(err)
		if !slices.Equal(got, list.want) {
			b.t.Errorf("%s: %q, not %q", list.name, got, list.want)
		}
	}
	b.script("seen.length = ended.length = 0")
}

const doneAtMe = "/me number" // the claim has an age

func TestBrowserScript(t *testing.T) {
	t.Parallel()
	s := newOwnApp(t)
	b := s.browse(t, desk)

	b.open("/app")
	w := b.popup(func() { b.click("#go") })
	w.choose(sandbox.Adult)
	w.enter(right)
	b.told([]string{doneAtMe}, "preparing", "ready", "waiting", "checking", "done")

	// Once more, as to step up: with a window of its own.
	b.script(`certify.prepare(wanted)`)
	b.until(`seen.includes("ready")`)
	w = b.popup(func() { b.click("#go") })
	w.click(`button[form=close]`)
	b.told([]string{"CertifyError cancelled "}, "preparing", "ready", "waiting", "cancelled:cancelled")
	w = b.popup(func() { b.click("#go") })
	w.choose(sandbox.Adult)
	w.enter(right)
	b.told([]string{doneAtMe}, "waiting", "checking", "done")
}

func TestBrowserScriptFailures(t *testing.T) {
	t.Parallel()
	b := newOwnApp(t).browse(t, desk)
	for _, tt := range []struct {
		name, before, code, text string
	}{
		{"the site is not reached", `window.fetch = function () { return Promise.reject(new TypeError("offline")); }`, "network", "connection failed"},
		{"the SDK is blocked", `window.fetch = (function (real) { return function (url, init) {
			return real(url, init).then(function (r) { return r.json(); }).then(function (answer) {
				answer.script = "/gone.js";
				return new Response(JSON.stringify(answer), { status: 201 });
			});
		}; })(fetch)`, "script_blocked", "blockers"},
		{"the site refuses", `wanted.returnTo = "//elsewhere.example/"`, string(certify.CodeReturnPathRefused), "돌아갈 주소"},
		{"the click came too long ago", `Object.defineProperty(navigator, "userActivation", { value: { isActive: false } })`, "click_again", "press once more"},
		{"no answer that can be read", `window.fetch = function () { return Promise.resolve(new Response("<html>", { status: 502 })); }`, "network", "connection failed"},
	} {
		b.open("/app")
		b.until(`!!window.certify`)
		b.script(tt.before)
		b.click("#go")
		state := "failed:"
		if tt.code == "click_again" {
			state = "ready:"
			b.until("ended.length > 0")
			b.script(`seen.splice(seen.indexOf("ready"), 1)`) // it was ready before it was too late
		}
		b.told([]string{"CertifyError " + tt.code + " "}, "preparing", state+tt.code)
		if said := b.text("#said"); !strings.Contains(said, tt.text) {
			t.Errorf("%s: the visitor is told %q", tt.name, said)
		}
	}
}

// Browsers let only a click open a window; a second one then does.
func TestBrowserScriptPopupBlocked(t *testing.T) {
	t.Parallel()
	b := newOwnApp(t).browse(t, desk)
	b.open("/app")
	b.script(`certify.prepare(wanted)`)
	b.until(`seen.includes("ready")`)
	b.script(`document.querySelector("#go").click()`)
	b.told([]string{"CertifyError popup_blocked "}, "preparing", "ready", "waiting", "cancelled:popup_blocked")
	w := b.popup(func() { b.click("#go") })
	w.choose(sandbox.Adult)
	w.enter(right)
	b.told([]string{doneAtMe}, "waiting", "checking", "done")
}

// A result that cannot be confirmed yet is asked for again, and no second
// window is opened.
func TestBrowserScriptPending(t *testing.T) {
	t.Parallel()
	s := newOwnApp(t)
	b := s.browse(t, desk)
	b.open("/app")
	w := b.popup(func() { b.click("#go") })
	w.choose(sandbox.NeverFinishes)
	w.enter(right)
	b.told([]string{"CertifyError verification_pending "}, "preparing", "ready", "waiting", "checking", "pending:verification_pending")
	opened, asked := s.windowsOpened(), s.lookups()
	b.click("#go")
	b.told([]string{"CertifyError verification_pending "}, "checking", "pending:verification_pending")
	if s.windowsOpened() != opened || s.lookups() <= asked {
		t.Errorf("windows %d, then %d; lookups %d, then %d", opened, s.windowsOpened(), asked, s.lookups())
	}
}

// What the site refuses for good is told, and another window may be opened.
func TestBrowserScriptRefused(t *testing.T) {
	t.Parallel()
	b := newOwnApp(t).browse(t, desk)
	b.open("/app")
	b.script(`wanted.purpose = "signup"`)
	w := b.popup(func() { b.click("#go") })
	w.choose(sandbox.NoCI)
	w.enter(right)
	b.until("ended.length > 0")
	if said := b.text("#said"); !strings.Contains(said, "(CI)") {
		t.Errorf("the visitor is told %q", said)
	}
	b.script("seen.length = ended.length = 0")
	w = b.popup(func() { b.click("#go") })
	w.choose(sandbox.Foreigner)
	w.enter(right)
	b.told([]string{"/me undefined"}, "waiting", "checking", "done") // a purpose brings no claim
}

// A window that says nothing may be lost: another click opens another. That
// the first one then ends is no failure.
func TestBrowserScriptStalled(t *testing.T) {
	t.Parallel()
	b := newOwnApp(t).browse(t, desk)
	b.open("/app")
	b.until(`!!window.certify`)
	b.script(`window.setTimeout = (function (real) { return function (f, ms) { return real(f, ms === 8000 ? 200 : ms); }; })(setTimeout)`)
	lost := b.popup(func() { b.click("#go") })
	lost.until(`document.readyState === "complete" && !!document.querySelector("#main")`)
	b.until(`seen.at(-1) === "stalled"`)
	b.front()
	lost = b.popup(func() { b.click("#go") })
	lost.until(`document.readyState === "complete" && !!document.querySelector("#main")`)
	b.until(`seen.at(-1) === "stalled" && seen.length === 6`)
	b.script(`Date.now = (function (real) { return function () { return real() + 26 * 60 * 1000; }; })(Date.now)`) // the attempt is over
	b.front()
	w := b.popup(func() { b.click("#go") })
	b.until(`seen.at(-1) === "stalled"`)
	w.choose(sandbox.Adult)
	w.enter(right)
	b.told([]string{doneAtMe, doneAtMe, doneAtMe}, "preparing", "ready", "waiting", "stalled", "waiting", "stalled",
		"preparing", "ready", "waiting", "stalled", "checking", "done")
}
