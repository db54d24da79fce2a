package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

func TestGetTokenReadsJSONAndForms(t *testing.T) {
	t.Parallel()
	const (
		jsonType = "application/json"
		formType = "application/x-www-form-urlencoded; charset=UTF-8"
	)
	goodJSON := `{"imp_key":"` + sandbox.DefaultKey + `","imp_secret":"` + sandbox.DefaultSecret + `"}`
	goodForm := "imp_key=" + sandbox.DefaultKey + "&imp_secret=" + sandbox.DefaultSecret
	bad := "인증에 실패하였습니다. API키와 secret을 확인하세요."
	tests := []struct {
		name, contentType, body string
		status                  int
		message                 string
	}{
		{"json", jsonType, goodJSON, 200, ""},
		{"json with charset", jsonType + "; charset=utf-8", goodJSON, 200, ""},
		{"json without a label", "", goodJSON, 200, ""},
		{"form", formType, goodForm, 200, ""},
		{"wrong key", jsonType, `{"imp_key":"x","imp_secret":"` + sandbox.DefaultSecret + `"}`, 401, bad},
		{"wrong secret", jsonType, `{"imp_key":"` + sandbox.DefaultKey + `","imp_secret":"x"}`, 401, bad},
		{"vendor's demo key", formType, "imp_key=imp_apikey&imp_secret=x", 401, bad},
		{"nothing", jsonType, "", 400, "imp_key, imp_secret 파라메터가 누락되었습니다."},
		{"empty object", jsonType, "{}", 400, "imp_key, imp_secret 파라메터가 누락되었습니다."},
		{"no secret", formType, "imp_key=" + sandbox.DefaultKey, 400, "imp_secret 파라메터가 누락되었습니다."},
		{"no key", jsonType, `{"imp_secret":"x"}`, 400, "imp_key 파라메터가 누락되었습니다."},
		{"broken json", jsonType, `{"imp_key":`, 400, "imp_key, imp_secret 파라메터가 누락되었습니다."},
		{"broken form", formType, "imp_key=%zz", 400, "imp_key, imp_secret 파라메터가 누락되었습니다."},
		{"key of another type", jsonType, `{"imp_key":1,"imp_secret":2}`, 400, "imp_key, imp_secret 파라메터가 누락되었습니다."},
		{"too large", jsonType, strings.Repeat(" ", 16<<10) + goodJSON, 400, "request body is unreadable or too large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t, at(noon))
			w := serve(s, request("POST", "/users/getToken", tt.body, "Content-Type", tt.contentType))
			if w.Code != tt.status {
				t.Fatalf("status %d, want %d", w.Code, tt.status)
			}
			wantEnvelope(t, w, tt.message)
		})
	}
}

// wantEnvelope: a message means refusal, with code -1 and no response.
func wantEnvelope(t *testing.T, w *httptest.ResponseRecorder, message string) {
	t.Helper()
	e := decode[envelope](t, w.Body)
	if message == "" {
		if *e.Code != 0 || e.Message != nil || string(e.Response) == "null" {
			t.Error("success must be code 0, message null and a response")
		}
		return
	}
	if *e.Code != -1 || e.Message == nil || *e.Message != message || string(e.Response) != "null" {
		t.Errorf("refusal must be code -1, response null and message %q", message)
	}
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	c := at(noon)
	start := c.Now().Unix()
	s := newSandbox(t, c)
	first := token(t, s)
	if !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(first.AccessToken) {
		t.Error("a token is 40 hex digits")
	}
	steps := []struct {
		name    string
		advance time.Duration
		same    bool
		expires int64 // seconds after the start
	}{
		{"at once", 0, true, 1800},
		{"29 minutes later", 29 * time.Minute, true, 1800},
		{"one second into the last minute", time.Second, true, 2100},
		{"again, now with 5:59 left", 0, true, 2100},
		{"just before the end", 5*time.Minute + 58*time.Second, true, 2400},
		{"after the end", 5*time.Minute + time.Second, false, 2400 + 1800},
	}
	for _, step := range steps {
		c.advance(step.advance)
		got := token(t, s)
		if (got.AccessToken == first.AccessToken) != step.same {
			t.Errorf("%s: same token = %v, want %v", step.name, !step.same, step.same)
		}
		if got.ExpiredAt-start != step.expires || got.Now != c.Now().Unix() {
			t.Errorf("%s: expires at +%d, now %d off", step.name, got.ExpiredAt-start, got.Now-c.Now().Unix())
		}
	}
}

func TestTokenLifeOnTheWire(t *testing.T) {
	t.Parallel()
	c := at(noon)
	s := newSandbox(t, c)
	result := verify(t, s, sandbox.Verification{Person: sandbox.Adult})
	bearer := "Bearer " + token(t, s).AccessToken
	get := func() int {
		return serve(s, request("GET", "/certifications/"+result.ImpUID, "", "Authorization", bearer)).Code
	}
	c.advance(30*time.Minute - time.Second)
	if got := get(); got != 200 {
		t.Errorf("a second before expiry: %d", got)
	}
	c.advance(time.Second)
	if got := get(); got != 401 {
		t.Errorf("at expiry: %d, want 401", got)
	}
	token(t, s)
	if got := get(); got != 401 {
		t.Errorf("the expired token after a new one was issued: %d, want 401", got)
	}
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	good := token(t, s).AccessToken
	impUID := verify(t, s, sandbox.Verification{Person: sandbox.Adult}).ImpUID
	tests := []struct {
		name    string
		headers []string
		status  int
	}{
		{"bearer", []string{"Authorization", "Bearer " + good}, 200},
		{"bearer in lower case", []string{"Authorization", "bearer " + good}, 200},
		{"raw", []string{"Authorization", good}, 200},
		{"old header", []string{"X-ImpTokenHeader", good}, 200},
		{"authorization wins over a bad old header", []string{"Authorization", good, "X-ImpTokenHeader", "x"}, 200},
		{"authorization wins over a good old header", []string{"Authorization", "x", "X-ImpTokenHeader", good}, 401},
		{"none", nil, 401},
		{"empty bearer", []string{"Authorization", "Bearer "}, 401},
		{"another token", []string{"Authorization", "Bearer " + strings.Repeat("0", 40)}, 401},
		{"basic", []string{"Authorization", "Basic " + good}, 401},
		{"a prefix", []string{"Authorization", good[:39]}, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := serve(s, request("GET", "/certifications/"+impUID, "", tt.headers...))
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
		})
	}
	fresh := newSandbox(t, at(noon))
	if w := serve(fresh, request("GET", "/certifications/"+impUID, "", "Authorization", "Bearer ")); w.Code != 401 {
		t.Errorf("before any token was issued, an empty one got %d, want 401", w.Code)
	}
}

func TestCertificationLifeOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	web := httptest.NewServer(s)
	defer web.Close()
	impUID := verify(t, s, sandbox.Verification{Person: sandbox.Adult}).ImpUID
	bearer := "Bearer " + token(t, s).AccessToken
	notFound := "인증결과가 존재하지 않습니다."
	steps := []struct {
		name, method, path string
		status             int
		message            string
	}{
		{"present", "GET", "/certifications/" + impUID, 200, ""},
		{"deleted", "DELETE", "/certifications/" + impUID, 200, ""},
		{"gone", "GET", "/certifications/" + impUID, 404, notFound},
		{"deleted twice", "DELETE", "/certifications/" + impUID, 404, notFound},
		{"never was", "GET", "/certifications/imp_000000000000", 404, notFound},
	}
	for _, step := range steps {
		r, err := http.NewRequestWithContext(t.Context(), step.method, web.URL+step.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", bearer)
		resp, err := web.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		e := decode[envelope](t, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != step.status || (step.status == 200) != (*e.Code == 0) {
			t.Errorf("%s: status %d, want %d", step.name, resp.StatusCode, step.status)
		}
		if step.message != "" && *e.Message != step.message {
			t.Errorf("%s: wrong message", step.name)
		}
	}
}

func TestUnknownRoutes(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	for _, target := range []struct{ method, path string }{
		{"GET", "/users/getToken"},
		{"GET", "/certifications"},
		{"POST", "/certifications/imp_000000000000"},
		{"GET", "/payments/imp_000000000000"},
		{"POST", "/certifications/otp/cancel"},
	} {
		w := serve(s, request(target.method, target.path, ""))
		if w.Code != 404 {
			t.Errorf("%s %s: status %d, want 404", target.method, target.path, w.Code)
		}
		if e := decode[envelope](t, w.Body); *e.Code != -1 || e.Message == nil {
			t.Errorf("%s %s: no envelope", target.method, target.path)
		}
	}
}

// The vendor's PHP writes "/" as "\/", everything beyond ASCII as \uXXXX, and
// keys in order.
func TestWireText(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	result := verify(t, s, sandbox.Verification{
		MerchantUID: "주문 1/2 😀 <&>", Person: sandbox.Adult, Origin: "https://shop.example/join",
	})
	w := serve(s, request("GET", "/certifications/"+result.ImpUID, "", "Authorization", token(t, s).AccessToken))
	text := w.Body.String()
	for _, want := range []string{
		`"merchant_uid":"\uc8fc\ubb38 1\/2 \ud83d\ude00 <&>"`,
		`"origin":"https:\/\/shop.example\/join"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the wire text lacks %s", want)
		}
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r > 126 }) {
		t.Error("the wire text is not ASCII")
	}
	if !strings.HasPrefix(text, `{"code":0,"message":null,"response":{"birth":`) {
		t.Error("the envelope's keys are out of order")
	}
	keys := regexp.MustCompile(`[{,]"([a-z_0-9]+)":`).FindAllStringSubmatch(text[strings.Index(text, `"birth"`)-1:], -1)
	for i := 1; i < len(keys); i++ {
		if keys[i-1][1] >= keys[i][1] {
			t.Errorf("key %s comes before %s", keys[i-1][1], keys[i][1])
		}
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/json; charset=UTF-8" {
		t.Errorf("Content-Type %q", ct)
	}
}
