package main

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

// openPaths are what anybody may see, and what refuses them.
var openPaths = []string{"/", "/me", "/signup", "/help", "/nothing-here", "/static/shop.css", "/certifications/?return_to=/cellar"}

// Nothing of the wine may be seen before the check: no name, no picture, no
// price (Youth Protection Act, art. 14).
func TestOpenPagesShowNoWine(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	minor := s.visitor()
	minor.mustBecome(sandbox.Minor, "")
	for _, language := range []string{"ko", "en"} {
		var shown []string
		for _, path := range openPaths {
			shown = append(shown, s.visitor().open(path, "Accept-Language", language).body)
		}
		for _, path := range []string{"/cellar", "/checkout", "/checkout?wine=eclipse", "/checkout/done"} {
			shown = append(shown, s.visitor().open(path, "Accept-Language", language).body, minor.open(path, "Accept-Language", language).body)
		}
		for _, text := range shown {
			for _, w := range wines() {
				for _, part := range []string{w.KO, w.EN, w.NoteKO, w.NoteEN, w.KindKO, w.KindEN, `class="bottle"`} {
					if strings.Contains(text, part) {
						t.Errorf("%q is shown to everybody: %.200s", part, text)
					}
				}
			}
		}
	}
}

func TestPagesAreWhole(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	v.mustBecome(sandbox.Foreigner, "")
	v.mustBecome(sandbox.Foreigner, signUp)
	for _, path := range []string{"/", "/me", "/signup", "/help", "/nothing-here", "/cellar", "/checkout", "/checkout/done?wine=eclipse", "/guests"} {
		for _, language := range []string{"ko", "en"} {
			page := v.open(path, "Accept-Language", language)
			checkPage(t, path, language, page)
			for _, link := range regexp.MustCompile(`(?:href|src|action)="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
				if strings.Contains(link[1], "//") && link[1] != s.sandbox+"/sandbox#people" {
					t.Errorf("%s links to %q", path, link[1])
				}
			}
		}
	}
}

func checkPage(t *testing.T, path, language string, page answer) {
	t.Helper()
	for name, value := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Content-Language": language, "Cache-Control": "private, no-store",
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	} {
		if got := page.Header.Get(name); got != value {
			t.Errorf("%s: %s is %q", path, name, got)
		}
	}
	if vary := strings.Join(page.Header["Vary"], ", "); !strings.Contains(vary, "Cookie") || !strings.Contains(vary, "Accept-Language") {
		t.Errorf("%s: Vary is %q", path, vary)
	}
	for _, needed := range []string{`<html lang="` + language + `">`, `<main id="main"`, `href="#main"`, `name="viewport"`, "</html>"} {
		if !strings.Contains(page.body, needed) {
			t.Errorf("%s: no %s", path, needed)
		}
	}
	if n := strings.Count(page.body, "<h1"); n != 1 {
		t.Errorf("%s: %d headings of the first level", path, n)
	}
	for _, forbidden := range []string{"<script", "style=", "onclick", "ZgotmplZ"} {
		if strings.Contains(page.body, forbidden) {
			t.Errorf("%s: the page has %s", path, forbidden)
		}
	}
	if hangul := regexp.MustCompile(`[가-힣]+`).FindAllString(page.body, -1); language == "en" && !slices.Equal(hangul, koreanInEnglish(path)) {
		t.Errorf("%s: Korean in the English page: %q", path, hangul)
	}
}

// koreanInEnglish is the language switch, and the term that the law uses.
func koreanInEnglish(path string) []string {
	if path == "/me" {
		return []string{"한국어", "만", "나이"}
	}
	return []string{"한국어"}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	for header, language := range map[string]string{
		"": "ko", "ko-KR,ko;q=0.9": "ko", "en-US,en;q=0.9,ko;q=0.1": "en", "en-GB": "en", "ko;q=0.2,en;q=0.8": "en", "nonsense;;": "ko",
	} {
		if got := v.open("/", "Accept-Language", header).Header.Get("Content-Language"); got != language {
			t.Errorf("Accept-Language %q brings %q", header, got)
		}
	}
	want(t, "the switch", v.open("/checkout?wine=eclipse", "Accept-Language", "ko"), http.StatusSeeOther)
	v.mustBecome(sandbox.Adult, "")
	want(t, "the switch keeps the query", v.open("/checkout?wine=eclipse"), http.StatusOK, `href="?lang=en&amp;wine=eclipse"`)

	chosen := v.open("/checkout?wine=eclipse&lang=en")
	want(t, "choosing", chosen, http.StatusSeeOther)
	if to := chosen.Header.Get("Location"); to != "/checkout?wine=eclipse" {
		t.Errorf("choosing a language leads to %q", to)
	}
	want(t, "remembered", v.open("/", "Accept-Language", "ko"), http.StatusOK, `<html lang="en">`)
	want(t, "and by the verification's pages", v.open("/certifications/?return_to=/me&reason=stale", "Accept-Language", "ko"), http.StatusOK, `<html lang="en">`)
	want(t, "an unknown language", v.open("/?lang=fr"), http.StatusOK)
	if to := v.open("//evil.example/?lang=ko").Header.Get("Location"); to != "/evil.example/" {
		t.Errorf("the switch leads to %q", to)
	}
}

func TestTheSandboxIsOnTheShopToo(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	want(t, "the banner", v.open("/"), http.StatusOK, "테스트 환경입니다", s.sandbox+"/sandbox#people")
	want(t, "the people", v.do(http.MethodGet, "/sandbox/people", "", ""), http.StatusOK, sandbox.Adult)
	want(t, "a page of another site", v.do(http.MethodPost, "/sandbox/verifications", "application/json",
		`{"merchant_uid":"x","person":"adult"}`, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden)
	want(t, "another host's name", v.do(http.MethodGet, "/sandbox/people", "", "", "Accept", "application/json"), http.StatusOK)
}

// Cookies belong to one name of the machine, and phones come back to the origin:
// so that is where one verifies.
func TestOneNameForTheShop(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	req, err := http.NewRequest(http.MethodGet, s.shop+"/certifications/?return_to=/cellar", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = strings.Replace(strings.TrimPrefix(s.shop, "http://"), "127.0.0.1", "localhost", 1)
	for mode, status := range map[string]int{"navigate": http.StatusSeeOther, "cors": http.StatusOK} {
		req.Header.Set("Sec-Fetch-Mode", mode)
		res, err := v.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if to := res.Header.Get("Location"); res.StatusCode != status || mode == "navigate" && to != s.shop+"/certifications/?return_to=%2Fcellar" {
			t.Errorf("%s: status %d, to %q", mode, res.StatusCode, to)
		}
	}
}

func TestStaticFilesAreNotListed(t *testing.T) {
	t.Parallel()
	v := newStand(t).visitor()
	want(t, "the style sheet", v.open("/static/shop.css"), http.StatusOK)
	want(t, "the icon", v.open("/static/icon.svg"), http.StatusOK)
	want(t, "the folder", v.open("/static/"), http.StatusNotFound)
}

// newTestShop is the shop's own part, with nobody to verify.
func newTestShop(t testing.TB, origin string) *shop {
	t.Helper()
	pages, err := loadPages()
	if err != nil {
		t.Fatal(err)
	}
	return &shop{
		origin: origin, members: newTestMembers(t, time.Now), logger: slog.New(slog.DiscardHandler), now: time.Now, pages: pages,
		endVerification: func(http.ResponseWriter, *http.Request) error { return nil },
	}
}

func TestTroubleIsNotExplained(t *testing.T) {
	t.Parallel()
	s := newTestShop(t, "http://127.0.0.1:8080")
	broken := s.page("shelf", func(*http.Request) (any, error) { return nil, errors.New("disk on fire") })
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	w := httptest.NewRecorder()
	broken.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "fire") || !strings.Contains(w.Body.String(), "</html>") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}

	w = httptest.NewRecorder()
	s.end(w, r, func(string) error { return errors.New("disk full") }) // the verification has ended by then
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "바뀐 것은 없습니다") || len(w.Result().Cookies()) != 0 {
		t.Errorf("half signed out: status %d, cookies %v: %s", w.Code, w.Result().Cookies(), w.Body)
	}

	s.members.close() // now not even the page that says so can be shown
	r.AddCookie(&http.Cookie{Name: "moonlight", Value: "x"})
	w = httptest.NewRecorder()
	s.page("help", nothing).ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "database") {
		t.Errorf("without the members: status %d: %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	s.signOut(w, r)
	if w.Code != http.StatusInternalServerError || len(w.Result().Cookies()) != 0 {
		t.Errorf("signing out without the members: status %d, cookies %v", w.Code, w.Result().Cookies())
	}
}
