package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

// Texts of certify's pages that these tests wait for.
const (
	notCompleted = "완료되지 않았습니다"
	stillPending = "아직 인증 결과를 확인하고 있습니다"
)

// another opens a second tab of the same profile.
func (b *tab) another() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	other := &tab{b.stand, b.t, ctx, b.device}
	other.prepare()
	return other
}

// front brings a tab before the others, where it can be clicked.
func (b *tab) front() {
	b.t.Helper()
	call(b, cdppage.BringToFront, cdp.Empty{})
}

// claimID is the jti of the claim that the browser holds, "" without one.
func (b *tab) claimID() string {
	b.t.Helper()
	parts := strings.Split(b.cookies()["certify"], ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	b.must(err)
	var claims struct{ Jti string }
	b.must(json.Unmarshal(payload, &claims))
	return claims.Jti
}

// said waits until the start page's status has the text, and its button can be
// clicked.
func (b *tab) said(text, button string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelector("#status").textContent.includes(%q) && !document.querySelector(%q).disabled && !document.querySelector(%q).hidden`, text, button, button))
}

// callback is the address that the phone's window goes back to, as the window
// knows it.
func (b *tab) callback() string {
	b.t.Helper()
	b.until(`!!document.querySelector("#main[data-result]")`)
	result, err := chromedp.Run(b.ctx, chromedp.Evaluate[map[string]any](`JSON.parse(document.querySelector("#main").dataset.result)`))
	b.must(err)
	q := url.Values{}
	for _, name := range []string{"imp_uid", "merchant_uid", "transactionType", "identityVerificationId", "identityVerificationTxId"} {
		if value, ok := result[name].(string); ok {
			q.Set(name, value)
		}
	}
	if b.provider != v2 {
		q.Set("success", "true")
	}
	return "/certifications/redirect?" + q.Encode()
}

// verifyByPhone goes from the start page to the cellar on one tab, and returns
// the address of the callback.
func (b *tab) verifyByPhone() string {
	b.t.Helper()
	b.open("/certifications/?return_to=/cellar")
	b.click("#verify")
	callback := b.callback()
	b.choose(sandbox.Adult)
	b.enter(right)
	b.at("/cellar", "보름")
	return callback
}

func (b *tab) back() {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.NavigateBack()))
}

func TestBrowserTwoTabs(t *testing.T) {
	t.Parallel()
	onBoth(t, browserTwoTabs)
}

func browserTwoTabs(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Adult)
	first := s.browse(t, desk)
	second := first.another()
	var windows []*tab
	for _, b := range []*tab{first, second} {
		b.front()
		b.open("/certifications/?return_to=/cellar")
		w := b.popup(func() { b.click("#verify") })
		w.choose(sandbox.Adult)
		windows = append(windows, w)
	}
	var claims []string
	for _, i := range []int{1, 0} { // the one that began last ends first
		windows[i].front()
		windows[i].enter(right)
		[]*tab{first, second}[i].at("/cellar", "보름")
		claims = append(claims, first.claimID())
	}
	if claims[0] == "" || claims[1] == "" || claims[0] == claims[1] {
		t.Errorf("the claims are %q", claims)
	}
	for _, b := range []*tab{first, second} {
		b.front()
		b.open("/cellar")
		b.at("/cellar", "보름")
	}
}

func TestBrowserCallbackAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, browserCallbackAgain)
}

func browserCallbackAgain(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Adult)
	b := s.browse(t, phone)
	callback := b.verifyByPhone()
	claim := b.claimID()
	if claim == "" {
		t.Fatal("no claim")
	}
	for _, again := range []struct {
		name string
		do   func()
	}{
		{"back to the window, which returns by the callback", b.back},
		{"the callback, opened once more", func() { b.open(callback) }},
		{"reloaded", func() { b.must(chromedp.Do(b.ctx, chromedp.Reload())) }},
		{"the callback, after another page", func() { b.open("/me"); b.open(callback) }},
	} {
		again.do()
		b.at("/cellar", "보름")
		if now := b.claimID(); now != claim {
			t.Errorf("%s: the claim is %q, and was %q", again.name, now, claim)
		}
	}
}

func TestBrowserBackAfterLogout(t *testing.T) {
	t.Parallel()
	s := newStreet(t, sandbox.Adult)
	b := s.browse(t, phone)
	callback := b.verifyByPhone()
	b.open("/me")
	b.click(`form[action="/certifications/logout"] button`)
	b.at("/", "저장고")

	b.back() // to /me
	b.at("/me", "아무것도 모릅니다")
	b.back() // to the cellar, which the browser may not have kept
	b.at("/certifications/", "본인인증")
	if text := b.text("body"); strings.Contains(text, "보름") {
		t.Errorf("the cellar is shown after logging out: %s", text)
	}
	for range 2 {
		b.open(callback)
		b.until(fmt.Sprintf("document.readyState === 'complete' && document.body.innerText.includes(%q)", string(certify.CodeAttemptMissing)))
		if b.claimID() != "" {
			t.Fatal("the callback brought a claim back")
		}
	}
	b.open("/cellar")
	b.at("/certifications/", "본인인증")
}

// browseWithoutCookies starts a Chromium of its own, as to refuse cookies is a
// setting of the whole browser.
func (s *stand) browseWithoutCookies(t *testing.T, d device) *tab {
	t.Helper()
	s.browse(t, d) // skips or fails if there is no Chromium
	dir := t.TempDir()
	settings := `{"profile":{"default_content_setting_values":{"cookies":2}}}` // 2 is "block"
	if err := os.Mkdir(filepath.Join(dir, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Default", "Preferences"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(findChromium()), chromedp.NoFirstRun,
		chromedp.WSURLReadTimeout(chromiumStarts), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(dir), chromedp.Env("TMPDIR="+dir), chromedp.Flag("headless", "new"),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-dev-shm-usage", true))
	ctx, stop := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until it is gone
		stop()
		stopAllocator()
	})
	b := &tab{s, t, ctx, d}
	b.prepare()
	return b
}

func TestBrowserWithoutCookies(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	for name, d := range map[string]device{"desk": desk, "phone": phone} {
		t.Run(name, func(t *testing.T) {
			b := s.browseWithoutCookies(t, d)
			b.open("/certifications/?return_to=/cellar")
			b.until(`document.querySelector("#status").textContent.includes("쿠키를 막고 있어")`)
			pressed, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`(() => {
				let opened = false;
				window.open = () => { opened = true; return null; };
				const button = document.querySelector("#verify");
				button.click();
				return !button.disabled || opened || !!window.IMP;
			})()`))
			b.must(err)
			if pressed {
				t.Error("the start page lets them begin what cannot end")
			}
			b.open("/certifications/redirect?imp_uid=imp_000000000001&success=true")
			b.until(fmt.Sprintf("document.body.innerText.includes(%q)", string(certify.CodeAttemptMissing)))
			if held := b.cookies(); len(held) != 0 {
				t.Errorf("the browser took %d cookies: this test tests nothing", len(held))
			}
		})
	}
	if strings.Contains(s.output.String(), "/sandbox/window") {
		t.Error("a window was opened")
	}
}

func TestBrowserWithoutScripts(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	for language, text := range map[string]string{"ko": "본인인증에는 자바스크립트가 필요합니다", "en": "Verification needs JavaScript"} {
		d := phone
		d.language = language
		b := s.browse(t, d)
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		b.open("/certifications/?return_to=/cellar")
		b.until(fmt.Sprintf(`(e => e && e.getClientRects().length > 0 && e.innerText.includes(%q))(document.querySelector("noscript p"))`, text))
		b.until(`document.querySelector("#verify").disabled`)
	}
}

// Browsers let only a click open a window, and a script's click is none.
func TestBrowserPopupBlocked(t *testing.T) {
	t.Parallel()
	onBoth(t, browserPopupBlocked)
}

func browserPopupBlocked(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Adult)
	b := s.browse(t, desk)
	b.open("/certifications/?return_to=/cellar")
	for range 2 {
		b.until(`!document.querySelector("#verify").disabled`)
		_, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.querySelector("#verify").click(); true`))
		b.must(err)
		b.said("팝업을 허용", "#verify")
	}
	w := b.popup(func() { b.click("#verify") })
	w.choose(sandbox.Adult)
	w.enter(right)
	b.at("/cellar", "보름")
}
