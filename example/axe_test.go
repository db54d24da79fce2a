package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

// axeDevices pair the narrowest phone and a desk, light and dark, Korean and
// English, each with each.
var axeDevices = []device{
	{width: 320, height: 640, phone: true, language: "ko"},
	{width: 320, height: 640, phone: true, dark: true, language: "en"},
	{width: 1280, height: 900, language: "en"},
	{width: 1280, height: 900, dark: true, language: "ko"},
}

// axeRun runs all rules but the experimental ones, and waits for what fades in.
const axeRun = `(async () => {
	await Promise.all(document.getAnimations().map(a => a.finished.catch(() => {})));
	const result = await axe.run(document, {resultTypes: ["violations"]});
	if (result.passes.length === 0) return ["axe looked at nothing"];
	return result.violations.flatMap(v => v.nodes.map(n => v.id + " (" + v.impact + ") at " + n.target.join(" ")));
})()`

// An axeTab is a tab whose pages axe-core judges.
type axeTab struct {
	*tab
	axe string
}

// judge wants no violation on the page that is shown, which must say text.
func (b axeTab) judge(name, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.readyState === 'complete' && document.documentElement.textContent.includes(%q)", text))
	// By the protocol, as the pages' own policies let no such script in.
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](b.axe+"; true"))
	b.must(err)
	violations, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](axeRun, chromedp.EvalAwaitPromise))
	b.must(err)
	for _, v := range violations {
		b.t.Errorf("%s: %s", name, v)
	}
}

func TestBrowserAxe(t *testing.T) {
	t.Parallel()
	axe := string(realPart(t, "CERTIFY_AXE", "axe-core's axe.min.js"))
	shop, bare := newStreet(t), newStall(t, func(cfg shopConfig) http.Handler { return bareSite(t, cfg) })
	for _, d := range axeDevices {
		t.Run(fmt.Sprintf("%d-%s-%s", d.width, shade(d.dark), d.language), func(t *testing.T) {
			t.Parallel()
			b := axeTab{shop.browse(t, d), axe}
			b.judgeShop()
			b.judgeWindow()
			axeTab{bare.browse(t, d), axe}.judgeProblems()
		})
	}
}

// judgeShop goes through the shop's pages, those of refusals among them.
func (b axeTab) judgeShop() {
	b.t.Helper()
	b.open("/certifications/redirect?imp_uid=imp_000000000001")
	b.judge("a callback of another browser's", string(certify.CodeAttemptMissing))
	who := ""
	for _, l := range looks {
		if l.who != who {
			who = l.who
			b.become(who)
		}
		b.open(l.path)
		if strings.HasPrefix(l.name, "start") {
			b.until(`!document.querySelector("#verify").disabled`)
		}
		b.judge(l.name, "")
	}
	b.become(sandbox.Minor)
	b.open("/cellar")
	b.judge("too young", string(certify.CodeUnderage))
	b.open(b.unfinished())
	b.judge("pending", string(certify.CodeVerificationPending))
}

// unfinished is the callback of a verification that stays uncertified.
func (b *tab) unfinished() string {
	b.t.Helper()
	b.open("/certifications/?purpose=signup")
	id, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](filled(`(async () => {
		const post = async (url, body) => (await fetch(url, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)})).json();
		const attempt = await post("/certifications/attempts", {return_to: "/cellar"});
		return (await post("/sandbox/verifications", {merchant_uid: attempt.merchant_uid, person: "PERSON"})).imp_uid;
	})()`, "PERSON", sandbox.NeverFinishes), chromedp.EvalAwaitPromise))
	b.must(err)
	return "/certifications/redirect?imp_uid=" + id
}

// judgeWindow goes through the provider's window, and the sandbox's own page.
func (b axeTab) judgeWindow() {
	b.t.Helper()
	b.navigate(b.sandbox + "/sandbox")
	b.judge("the sandbox", sandbox.DefaultCode)
	b.navigate(b.sandbox + "/sandbox/window")
	b.judge("a window opened wrongly", "")
	open := url.Values{"code": {sandbox.DefaultCode}, "merchant_uid": {"axe"}, "company": {"Moonlight Wine"}, "opener": {"null"}}
	b.navigate(b.sandbox + "/sandbox/window?" + open.Encode())
	b.judge("the window's first step", "Moonlight Wine")
	b.click(`button[form=step]`)
	b.until(`!!document.querySelector("#notice")`)
	b.judge("the first step, nothing chosen", "")
	b.choose(sandbox.Adult)
	b.until(`!!document.querySelector("#sms.arrived #sent-code")`)
	b.judge("the second step", "")
	for _, name := range []string{"a wrong code", "and another", "one too many"} {
		b.enter(wrong)
		b.until(`!document.querySelector("#code") || document.querySelector("#notice") && document.querySelector("#code").value === ""`)
		b.judge(name, "")
		if name == "one too many" {
			break
		}
		b.until(`!!document.querySelector("#sms.arrived #sent-code")`)
	}
	b.click(`button[form=close]`)
	b.until(`!document.querySelector("button[form=close]")`)
	b.judge("the window's end", "")
}

// judgeProblems goes through certify's own pages of refusals.
func (b axeTab) judgeProblems() {
	b.t.Helper()
	b.open("/certifications/redirect?imp_uid=imp_000000000001")
	b.judge("certify's page of a callback of another browser's", string(certify.CodeAttemptMissing))
	b.become(sandbox.Minor)
	b.open("/reasons")
	b.until(`document.querySelectorAll(".reasons li").length === 2`)
	b.judge("certify's page with reasons", "")
	b.open(b.unfinished())
	b.until(`document.querySelectorAll("a.button").length >= 2`)
	b.judge("certify's page of a pending verification", string(certify.CodeVerificationPending))
}

// bareSite is a site with nothing but certify's own pages, and two gates.
func bareSite(t *testing.T, cfg shopConfig, trusted ...string) http.Handler {
	t.Helper()
	sessions, err := certify.NewSessions(certify.SessionConfig{Origin: cfg.origin, Keys: cfg.keys, Logger: cfg.logger, Now: cfg.now})
	if err != nil {
		t.Fatal(err)
	}
	verification, err := certify.NewHandler(certify.HandlerConfig{
		Sessions: sessions, Provider: cfg.provider, Pepper: cfg.pepper, Purposes: []string{signUp}, TrustedOrigins: trusted,
		Accept: func(*http.Request, *certify.Identity) (string, error) { return "", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	wine := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "보름") })
	mux := http.NewServeMux()
	mux.Handle("/certifications", verification)
	mux.Handle("/certifications/", verification)
	mux.Handle("/sandbox/", cfg.sandbox)
	mux.Handle("GET /wine", certify.Require(certify.YouthProtection())(wine))
	mux.Handle("GET /reasons", certify.Require(certify.Any(certify.YouthProtection(), certify.Foreigner()))(wine))
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return sessions.Load(mux)
}

// filled puts values in place of the words of a text.
func filled(text string, wordsAndValues ...string) string {
	return strings.NewReplacer(wordsAndValues...).Replace(text)
}
