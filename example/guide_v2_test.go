package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/certify-go/certify/sandbox"
)

// guidePageV2 is around the script of docs/portone-v2.md.
const guidePageV2 = `<!doctype html>
<html lang="ko">
<meta charset="utf-8">
<title>본인인증</title>
<link rel="icon" href="data:,">
<script src="SANDBOX/v2/browser-sdk.js"></script>
<button id="verify" disabled>본인인증</button>
<p id="said"></p>
<script type="module">
const button = document.querySelector("#verify");
const show = text => { document.querySelector("#said").textContent = text; };
SCRIPT
button.disabled = false;
</script>
`

// guideScript is the JavaScript of the guide, which both languages share but
// for the comments.
func guideScript(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/" + file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```js\n")
	script, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("%s has no block of JavaScript", file)
	}
	return script
}

func TestBrowserGuideV2(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, guide string
		device      device
	}{
		{"desk", "portone-v2.md", desk},
		{"phone", "portone-v2.ko.md", phone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			script := strings.ReplaceAll(guideScript(t, tt.guide), `"/wine"`, `"/cellar"`)
			s := newStallOn(t, v2, func(cfg shopConfig) http.Handler {
				return shopAround(t, cfg, "GET /guide", func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, filled(guidePageV2, "SANDBOX", cfg.sandboxURL, "SCRIPT", script))
				})
			})
			b := s.browse(t, tt.device)
			b.open("/guide")
			if tt.device.phone {
				b.click("#verify")
				b.choose(sandbox.Adult)
				b.enter(right)
				b.at("/cellar", "보름")
				return
			}
			w := b.popup(func() { b.click("#verify") })
			w.click(`button[form=close]`)
			b.until(`document.querySelector("#said").textContent === ""`) // the visitor knows
			w = b.popup(func() { b.click("#verify") })
			w.choose(sandbox.Adult)
			w.enter(right)
			b.at("/cellar", "보름")
		})
	}
}
