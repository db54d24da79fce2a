package main

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/certify-go/certify/sandbox"
)

func quote(text string) string { return strconv.QuoteToASCII(text) }

// unconfirmed is what a visitor reads whose verification is paid for and only
// has to be confirmed.
const unconfirmed = "본인인증은 완료되었습니다"

// buttonPage is a page of an app's with a button and a place for its texts.
const buttonPage = `<!doctype html><html lang="ko"><meta charset="utf-8"><title>App</title>
<button id="go" data-certify data-return-to="/cellar" data-certify-status="#said">Go</button><p id="said"></p>
<script src="/certifications/certify.js" defer></script></html>`

// What the window said outlives a reload at every moment between the window
// and the site's answer: one fee, one claim.
func TestBrowserReload(t *testing.T) {
	t.Parallel()
	onBoth(t, browserReload)
}

func browserReload(t *testing.T, provider string) {
	f := newFront(t, provider, map[string]string{"button": buttonPage})
	for _, page := range []struct{ name, path, open, said string }{
		{"start page", "/certifications/?return_to=/cellar", "#verify", "#status"},
		{"button", "/app/button", "#go", "#said"},
	} {
		for fails := range 4 {
			t.Run(fmt.Sprintf("%s, %d failures", page.name, fails), func(t *testing.T) {
				b := f.browse(t, desk)
				opened := f.windowsOpened()
				if f.set(fails, ""); fails == 0 { // the answer is on its way
					f.set(0, "/certifications")
				}
				b.open(page.path)
				w := b.popup(func() { b.click(page.open) })
				w.choose(sandbox.Adult)
				w.enter(right)
				if fails == 0 {
					b.says(page.said, "확인하고 있습니다")
					f.set(0, "")
				}
				for range fails {
					b.says(page.said, unconfirmed)
					b.reload()
				}
				if fails == 0 {
					b.reload()
				}
				b.at("/cellar", "보름")
				if n := f.windowsOpened() - opened; n != 1 || b.claimID() == "" {
					t.Errorf("%d windows were paid for; the claim is %q", n, b.claimID())
				}
				b.script(`for (const name of Object.keys(sessionStorage)) if (name.startsWith("certify:result:")) throw new Error("it is kept still")`)
			})
		}
	}
}
