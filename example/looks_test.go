package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/certify-go/certify/sandbox"
)

// screenshots names a directory for pictures of every page, for people to look at.
const screenshots = "CERTIFY_SCREENSHOTS"

// audit lists what is wrong with the page that is shown: text that needs
// sideways scrolling (WCAG 1.4.10), contrast below AA (1.4.3), targets smaller
// than 24 pixels that are no part of a sentence (2.5.8), and things without a name.
const audit = `(() => {
  const wrong = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) wrong.push("the page is " + document.documentElement.scrollWidth + " wide on " + width);
  const parse = c => { const n = c.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const luminance = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement, text = texts.currentNode.textContent.trim();
    if (!text || e.closest(".hidden, .skip, [hidden], noscript, script, style, svg")) continue;
    const range = document.createRange(); range.selectNodeContents(texts.currentNode);
    for (const r of range.getClientRects()) if (r.width && (r.right > width + 1 || r.left < -1)) wrong.push("out of sight: " + text);
    const style = getComputedStyle(e), size = parseFloat(style.fontSize), a = luminance(parse(style.color)), b = luminance(behind(e));
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const large = size >= 24 || size >= 18.66 && parseInt(style.fontWeight) >= 700;
    if (contrast < (large ? 3 : 4.5)) wrong.push("contrast " + contrast.toFixed(2) + ": " + text);
    if (size < 11) wrong.push("tiny, " + size + ": " + text);
  }
  for (const e of document.querySelectorAll("a, button, input:not([type=hidden])")) {
    const r = e.getBoundingClientRect();
    if (!r.width || e.closest(".skip, [hidden]")) continue;
    if (!(e.textContent.trim() || e.getAttribute("aria-label"))) wrong.push("no name: " + e.outerHTML);
    if (getComputedStyle(e).display !== "inline" && (r.height < 24 || r.width < 24)) wrong.push("small target: " + e.textContent);
  }
  for (const e of document.querySelectorAll("svg")) if (!e.closest("[aria-hidden=true]") && !e.getAttribute("aria-label")) wrong.push("a drawing without a name");
  const levels = [...document.querySelectorAll("h1,h2,h3")].map(e => +e.tagName[1]);
  if (levels.some((l, i) => i && l > levels[i - 1] + 1)) wrong.push("headings skip a level: " + levels);
  return wrong;
})()`

// looks are the pages, by who sees them.
var looks = []struct{ name, who, path string }{
	{"shelf", "", "/"},
	{"signup", "", "/signup"},
	{"help", "", "/help"},
	{"me-stranger", "", "/me"},
	{"missing", "", "/nothing-here"},
	{"start", "", "/certifications/?return_to=/cellar"},
	{"start-signup", "", "/certifications/?purpose=signup&return_to=/me"},
	{"refused", sandbox.Adult, "/guests"},
	{"cellar", sandbox.Foreigner, "/cellar"},
	{"checkout", sandbox.Foreigner, "/checkout?wine=first-quarter"},
	{"done", sandbox.Foreigner, "/checkout/done?wine=first-quarter"},
	{"guests", sandbox.Foreigner, "/guests"},
	{"me", sandbox.Foreigner, "/me"},
	{"signup-member", sandbox.Foreigner, "/signup"},
}

func TestBrowserLooks(t *testing.T) {
	t.Parallel()
	s, bare := newStreet(t), newStall(t, func(cfg shopConfig) http.Handler { return bareSite(t, cfg) })
	devices := []device{
		{width: 320, height: 640, phone: true, language: "ko"},
		{width: 320, height: 640, phone: true, language: "en"},
		{width: 320, height: 640, phone: true, dark: true, language: "ko"},
		{width: 768, height: 1024, language: "en"},
		{width: 1280, height: 900, dark: true, language: "en"},
		{width: 1280, height: 900, language: "ko"},
	}
	if os.Getenv(screenshots) != "" { // what is missing of phone and desk, light and dark, Korean and English
		devices = append(devices,
			device{width: 320, height: 640, phone: true, dark: true, language: "en"},
			device{width: 390, height: 844, phone: true, language: "ko"},
			device{width: 390, height: 844, phone: true, language: "en"},
			device{width: 390, height: 844, phone: true, dark: true, language: "ko"},
			device{width: 390, height: 844, phone: true, dark: true, language: "en"},
			device{width: 1280, height: 900, dark: true, language: "ko"},
			device{width: 1280, height: 900, language: "en"})
	}
	for _, d := range devices {
		t.Run(fmt.Sprintf("%d-%s-%s", d.width, shade(d.dark), d.language), func(t *testing.T) {
			t.Parallel()
			s.look(t, d)
			s.lookAtTrouble(t, d)
			bare.lookAtProblems(t, d)
		})
	}
}

func shade(dark bool) string {
	if dark {
		return "dark"
	}
	return "light"
}

// look goes through all pages with one device.
func (s *stand) look(t *testing.T, d device) {
	b := s.browse(t, d)
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
		b.audit(l.name)
	}
	if d.phone && os.Getenv(screenshots) != "" {
		b.open("/certifications/?purpose=signup&return_to=/me")
		b.click("#verify")
		b.until(`!!document.querySelector("input[name=person]")`)
		b.keep("window-1")
		b.choose(sandbox.Adult)
		b.until(`!!document.querySelector("#sms.arrived #sent-code")`)
		b.keep("window-2")
	}
}

// audit lists what is wrong with the page that is shown, and keeps a picture.
func (b *tab) audit(name string) {
	b.t.Helper()
	wrong, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](audit))
	b.must(err)
	for _, w := range wrong {
		b.t.Errorf("%s: %s", name, w)
	}
	b.keep(name)
}

// lookAtTrouble looks at the start page where it cannot go on, and at the
// shop's refusals.
func (s *stand) lookAtTrouble(t *testing.T, d device) {
	for name, script := range map[string]string{
		"start-cookies": `Object.defineProperty(Document.prototype, "cookie", { get() { return ""; }, set() {} })`,
		"start-offline": `window.fetch = () => Promise.reject(new TypeError("offline"))`,
	} {
		b := s.browse(t, d)
		call(b, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		b.open("/certifications/?return_to=/cellar")
		b.until(`document.querySelector("#status.bad").textContent !== ""`)
		b.audit(name)
	}
	b := s.browse(t, d)
	b.open("/certifications/redirect?imp_uid=imp_000000000001")
	b.audit("again")
	b.become(sandbox.Minor)
	b.open("/cellar")
	b.audit("underage")
	b.open(b.unfinished())
	b.audit("pending")
}

// lookAtProblems looks at certify's own pages.
func (s *stand) lookAtProblems(t *testing.T, d device) {
	b := s.browse(t, d)
	b.open("/certifications/redirect?imp_uid=imp_000000000001")
	b.audit("own-again")
	b.become(sandbox.Minor)
	b.open("/wine")
	b.audit("own-underage")
	b.open("/reasons")
	b.audit("own-reasons")
	b.open(b.unfinished())
	b.audit("own-pending")
}

// keep keeps a picture of the page that is shown, if pictures are wanted.
func (b *tab) keep(name string) {
	b.t.Helper()
	if dir := os.Getenv(screenshots); dir != "" {
		b.until(`document.getAnimations().length === 0`)
		file := fmt.Sprintf("%s-%d-%s-%s.png", name, b.width, shade(b.dark), b.language)
		b.must(os.WriteFile(filepath.Join(dir, file), b.picture(), 0o600))
	}
}

// become verifies and signs up without a window, by the page's own fetch.
func (b *tab) become(person string) {
	b.t.Helper()
	b.open("/certifications/?purpose=signup") // a page that may run scripts
	script := `(async () => {
		const post = async (url, body) => (await fetch(url, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)})).json();
		for (const purpose of ["", "signup"]) {
			const attempt = await post("/certifications/attempts", {purpose});
			const done = await post("/sandbox/verifications", {merchant_uid: attempt.merchant_uid, person: "PERSON"});
			const said = await post("/certifications", {imp_uid: done.imp_uid});
			if (said.code) return said.code;
		}
		return "";
	})()`
	refused, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](strings.ReplaceAll(script, "PERSON", person), chromedp.EvalAwaitPromise))
	b.must(err)
	if refused != "" {
		b.t.Fatalf("%s: %s", person, refused)
	}
}

// readmePictures names the directory of the READMEs' pictures, to take them anew.
const readmePictures = "CERTIFY_README"

func TestBrowserReadmePictures(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(readmePictures)
	if dir == "" {
		t.Skipf("set %s to docs/images to take the READMEs' pictures anew", readmePictures)
	}
	s := newStreet(t)
	for language, suffix := range map[string]string{"en": ".png", "ko": ".ko.png"} {
		b := s.browse(t, device{width: 390, height: 844, phone: true, language: language})
		b.open("/certifications/?return_to=/cellar")
		b.until(`!document.querySelector("#verify").disabled`)
		b.take(filepath.Join(dir, "start"+suffix), 2)
		b.click("#verify")
		b.choose(sandbox.Adult)
		b.until(`!!document.querySelector("#sms.arrived #sent-code") && document.getAnimations().length === 0`)
		b.take(filepath.Join(dir, "window"+suffix), 2)
		b = s.browse(t, device{width: 1280, height: 900, language: language})
		b.become(sandbox.Adult)
		b.open("/cellar")
		b.take(filepath.Join(dir, "shop"+suffix), 1)
	}
}

// take keeps a picture of what is seen without scrolling.
func (b *tab) take(file string, scale float64) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: b.width, Height: b.height, DeviceScaleFactor: scale, Mobile: b.phone,
	})
	shot := call(b, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{})
	b.must(os.WriteFile(file, shot.Data, 0o600))
}

func TestBrowserKeyboard(t *testing.T) {
	t.Parallel()
	b := newStreet(t).browse(t, desk)
	b.open("/")
	b.typeText("\t")
	b.until(`document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().top >= 0`)
	b.typeText("\r")
	b.until(`document.activeElement.id === "main"`)
	b.typeText("\t")
	b.until(`document.activeElement.textContent === "저장고 들어가기" && getComputedStyle(document.activeElement).outlineStyle === "solid"`)
	b.typeText("\r")
	b.at("/certifications/", "본인인증")
}
