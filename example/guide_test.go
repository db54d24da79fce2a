package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

// realPart reads the file that a variable names: a part of somebody else's
// that a test needs. Without it the test skips, or fails where all are wanted.
func realPart(t *testing.T, variable, what string) []byte {
	t.Helper()
	path := os.Getenv(variable)
	switch {
	case path != "":
	case os.Getenv(requireReal) == "1":
		t.Fatalf("%s is not set, and %s=1 wants it: it is the path of %s", variable, requireReal, what)
	default:
		t.Skipf("no %s: set %s to the path of %s", filepath.Base(what), variable, what)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return text
}

// newStall is a stand on today's clock whose site the test builds itself, out
// of what the program puts around the shop.
func newStall(t *testing.T, build func(shopConfig) http.Handler) *stand {
	t.Helper()
	return newStallOn(t, v1, build)
}

func newStallOn(t *testing.T, provider string, build func(shopConfig) http.Handler) *stand {
	t.Helper()
	s := &stand{t: t, provider: provider, output: &output{written: make(chan struct{}, 1)}}
	logger := slog.New(slog.NewTextHandler(s.output, &slog.HandlerOptions{Level: slog.LevelDebug}))
	site, box := httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)
	s.shop, s.sandbox = "http://"+site.Listener.Addr().String(), "http://"+box.Listener.Addr().String()
	cfg := shopConfig{origin: s.shop, sandboxURL: s.sandbox, logger: logger, now: time.Now}
	if err := (program{logger: logger, now: time.Now}).furnishSandbox(&cfg, provider); err != nil {
		t.Fatal(err)
	}
	site.Config.Handler, box.Config.Handler = build(cfg), cfg.sandbox
	site.Start()
	box.Start()
	t.Cleanup(func() {
		site.Close()
		box.Close()
		s.noSecrets("the output", s.output.String())
	})
	return s
}

// shopAround is the shop with one page of the test's beside its own.
func shopAround(t *testing.T, cfg shopConfig, pattern string, page http.HandlerFunc) *http.ServeMux {
	t.Helper()
	var err error
	if cfg.members, err = openMembers(filepath.Join(t.TempDir(), "members.db"), cfg.pepper, cfg.now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cfg.members.close)
	shop, err := newShop(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", shop)
	mux.HandleFunc(pattern, page)
	return mux
}

// guidePage is a page as sites wrote it after the vendor's guide of SDK 1.1.4:
// jQuery, IMP.certification from a click, and imp_uid posted as a form. The
// one thing it does for certify is to take its merchant_uid from an attempt.
const guidePage = `<!doctype html>
<html lang="ko">
<meta charset="utf-8">
<title>본인인증</title>
<link rel="icon" href="data:,">
<script src="/guide/jquery.js"></script>
<script src="SANDBOX/js/iamport.payment-1.1.4.js"></script>
<button id="verify" disabled>본인인증</button>
<p id="said"></p>
<script>
$(function () {
	var attempt;
	IMP.init("CODE");
	$("#verify").click(function () {
		IMP.certification({ merchant_uid: attempt }, function (rsp) {
			if (!rsp.success) {
				$("#said").text("인증에 실패하였습니다: " + rsp.error_msg);
				return;
			}
			$.ajax({ type: "POST", url: "/certifications/confirm", dataType: "json", data: { imp_uid: rsp.imp_uid } })
				.done(function (answer) { location.href = answer.return_to; })
				.fail(function (xhr) { $("#said").text(xhr.responseText); });
		});
	});
	$.ajax({ type: "POST", url: "/certifications/attempts", dataType: "json", data: { return_to: "/cellar" } })
		.done(function (answer) {
			attempt = answer.merchant_uid;
			$("#verify").prop("disabled", false);
		});
});
</script>
`

func TestBrowserGuide(t *testing.T) {
	t.Parallel()
	jquery := realPart(t, "CERTIFY_JQUERY", "jQuery 1.12.4's jquery.min.js")
	s := newStall(t, func(cfg shopConfig) http.Handler {
		mux := shopAround(t, cfg, "GET /guide", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, filled(guidePage, "SANDBOX", cfg.sandboxURL, "CODE", sandbox.DefaultCode))
		})
		mux.HandleFunc("GET /guide/jquery.js", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			_, _ = w.Write(jquery)
		})
		return mux
	})
	b := s.browse(t, desk)
	b.open("/guide")
	b.until(`jQuery.fn.jquery === "1.12.4"`)
	w := b.popup(func() { b.click("#verify") })
	w.click(`button[form=close]`)
	b.until(`document.querySelector("#said").textContent.includes("취소")`)

	w = b.popup(func() { b.click("#verify") })
	w.choose(sandbox.Adult)
	w.enter(right)
	b.at("/cellar", "보름")
}

// appPage is a single-page app on an origin of its own, whose API is the site.
const appPage = `<!doctype html>
<html lang="ko">
<meta charset="utf-8">
<title>App</title>
<link rel="icon" href="data:,">
<script src="SANDBOX/v1/iamport.js"></script>
<script src="SITE/certifications/certify.js"></script>
<button id="verify" disabled>본인인증</button>
<a id="scripted" data-certify data-certify-status="#said" href="SITE/certifications/">본인인증</a>
<p id="wine"></p>
<p id="said"></p>
<script>
const api = (path, body) => fetch("SITE" + path, {
	method: body ? "POST" : "GET", credentials: "include",
	headers: body ? {"Content-Type": "application/json"} : {}, body: body && JSON.stringify(body)
});
const say = text => { document.querySelector("#said").textContent = text; };
(async () => {
	const wine = await api("/wine");
	document.querySelector("#wine").textContent = wine.status + " " + (wine.ok ? await wine.text() : (await wine.json()).code);
	const begun = await api("/certifications/attempts", {return_to: location.origin + "/done?wine=full"});
	if (!begun.ok) { say((await begun.json()).code); return; }
	const attempt = await begun.json();
	const [init, certification] = attempt.calls;
	IMP.init(...init.args);
	const button = document.querySelector("#verify");
	button.onclick = () => IMP.certification(certification.args[0], async rsp => {
		const done = await api("/certifications/confirm", {imp_uid: rsp.imp_uid});
		const answer = await done.json();
		if (done.ok) location.href = answer.return_to; else say(answer.code);
	});
	button.disabled = false;
})();
</script>
`

// allowing is the CORS of a site whose API one other origin may use.
func allowing(origin string, site http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") == origin {
			w.Header().Add("Vary", "Origin")
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Credentials", "true")
			w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		site.ServeHTTP(w, r)
	})
}

// newApp is a stand whose site trusts an app on another origin, or only lets
// it through CORS. It returns the app's URL.
func newApp(t *testing.T, trusted bool) (s *stand, app string) {
	t.Helper()
	var text string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }))
	t.Cleanup(server.Close)
	s = newStall(t, func(cfg shopConfig) http.Handler {
		text = filled(appPage, "SANDBOX", cfg.sandboxURL, "SITE", cfg.origin)
		var origins []string
		if trusted {
			origins = append(origins, server.URL)
		}
		return allowing(server.URL, bareSite(t, cfg, origins...))
	})
	return s, server.URL
}

func TestBrowserAppOfAnotherOrigin(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]device{"desk": desk, "phone": phone} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, app := newApp(t, true)
			b := s.browse(t, d)
			b.navigate(app)
			b.until(`document.querySelector("#wine").textContent === "401 verification_required"`)
			w := b
			if d.phone {
				b.click("#verify")
			} else {
				w = b.popup(func() { b.click("#verify") })
			}
			w.choose(sandbox.Adult)
			w.enter(right)
			b.until(fmt.Sprintf(`location.href === %q && document.querySelector("#wine").textContent === "200 보름"`, app+"/done?wine=full"))
		})
	}
}

// certify.js does the same from there, and comes back to the page it is on.
func TestBrowserScriptOfAnotherOrigin(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]device{"desk": desk, "phone": phone} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, app := newApp(t, true)
			b := s.browse(t, d)
			b.navigate(app + "/here?wine=full")
			w := b
			if d.phone {
				b.click("#scripted")
			} else {
				w = b.popup(func() { b.click("#scripted") })
			}
			w.choose(sandbox.Adult)
			w.enter(right)
			b.until(fmt.Sprintf(`location.href === %q && document.querySelector("#wine").textContent === "200 보름"`, app+"/here?wine=full"))
		})
	}
}

func TestBrowserAppThatIsNotTrusted(t *testing.T) {
	t.Parallel()
	s, app := newApp(t, false)
	b := s.browse(t, desk)
	b.navigate(app)
	b.until(fmt.Sprintf(`document.querySelector("#said").textContent === %q`, string(certify.CodeCrossOrigin)))
	if held := b.cookies(); len(held) != 0 {
		t.Errorf("it got %d cookies", len(held))
	}
}
