package sandbox_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/certify-go/certify/sandbox"
)

// visitor drives one window the way a browser without JavaScript would.
type visitor struct {
	t    *testing.T
	s    *sandbox.Server
	path string // of the window
	page *httptest.ResponseRecorder
}

func params(changes ...string) url.Values {
	q := url.Values{"code": {sandbox.DefaultCode}, "merchant_uid": {"order-1"}, "opener": {"https://shop.example"}}
	for i := 0; i < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
	}
	return q
}

func openWindow(t *testing.T, s *sandbox.Server, q url.Values) *visitor {
	t.Helper()
	w := serve(s, request("GET", "/sandbox/window?"+q.Encode(), ""))
	if w.Code != http.StatusSeeOther {
		t.Fatalf("the window does not open: status %d", w.Code)
	}
	v := &visitor{t: t, s: s, path: w.Header().Get("Location")}
	v.look()
	return v
}

func (v *visitor) look() {
	v.page = serve(v.s, request("GET", v.path, ""))
}

// post takes a step and follows the redirect back to the window.
func (v *visitor) post(action string, form url.Values) {
	v.t.Helper()
	path, _, _ := strings.Cut(v.path, "?")
	w := serve(v.s, request("POST", path+"/"+action, form.Encode(), "Content-Type", "application/x-www-form-urlencoded"))
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), path) {
		v.t.Fatalf("%s: status %d, to %q", action, w.Code, w.Header().Get("Location"))
	}
	v.look()
}

func (v *visitor) choose(person string) {
	v.t.Helper()
	v.post("choose", url.Values{"carrier": {"SKT"}, "person": {person}})
}

func (v *visitor) enter(code string) {
	v.t.Helper()
	v.post("code", url.Values{"code": {code}})
}

// sent is the code in the "message".
func (v *visitor) sent() string {
	v.t.Helper()
	m := regexp.MustCompile(`id="sent-code">(\d{6})<`).FindStringSubmatch(v.page.Body.String())
	if m == nil {
		v.t.Fatal("the page shows no code")
	}
	return m[1]
}

func (v *visitor) wrong() string {
	if v.sent() == "000000" {
		return "111111"
	}
	return "000000"
}

func (v *visitor) attribute(name string) string {
	m := regexp.MustCompile(`data-` + name + `="([^"]*)"`).FindStringSubmatch(v.page.Body.String())
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

func (v *visitor) done() bool { return v.attribute("done") == "true" }

// told is what the window tells the page that opened it.
func (v *visitor) told() map[string]any {
	v.t.Helper()
	var rsp map[string]any
	if err := json.Unmarshal([]byte(v.attribute("result")), &rsp); err != nil {
		v.t.Fatalf("the page carries no result: %v", err)
	}
	return rsp
}

func (v *visitor) sees(text string) {
	v.t.Helper()
	if !strings.Contains(v.page.Body.String(), text) {
		v.t.Errorf("the page lacks %q", text)
	}
}
