package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A visitor is a browser without scripts: it keeps cookies, and follows
// redirects only where it is told to.
type visitor struct {
	*stand
	client *http.Client
}

func (s *stand) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &visitor{s, &http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// An answer is a response, read.
type answer struct {
	*http.Response
	body string
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("status %d, not JSON: %q", a.StatusCode, a.body)
	}
	return m
}

// code is the problem's.
func (a answer) code() string {
	var m struct{ Code string }
	_ = json.Unmarshal([]byte(a.body), &m)
	return m.Code
}

func (v *visitor) do(method, path, contentType, body string, header ...string) answer {
	v.t.Helper()
	a, err := v.try(method, path, contentType, body, header...)
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

func (v *visitor) try(method, path, contentType, body string, header ...string) (answer, error) {
	req, err := http.NewRequest(method, v.shop+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := v.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	for _, c := range res.Cookies() {
		if c.Name != languageCookie {
			v.hide(c.Value)
		}
	}
	if !strings.HasPrefix(path, "/sandbox") {
		v.noSecrets(method+" "+path, string(text))
	}
	return answer{res, string(text)}, err
}

var navigation = []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Accept", "text/html"}

// open goes to a page as a browser does.
func (v *visitor) open(path string, header ...string) answer {
	v.t.Helper()
	return v.do(http.MethodGet, path, "", "", append(slices.Clone(navigation), header...)...)
}

// send posts a form of a page.
func (v *visitor) send(path, form string) answer {
	v.t.Helper()
	return v.do(http.MethodPost, path, "application/x-www-form-urlencoded", form, navigation...)
}

func (v *visitor) post(path, body string) answer {
	v.t.Helper()
	return v.do(http.MethodPost, path, "application/json", body)
}

// begin begins an attempt and returns its id.
func (v *visitor) begin(purpose string) string {
	v.t.Helper()
	a := v.post("/certifications/attempts", `{"return_to":"/cellar","purpose":"`+purpose+`"}`)
	if a.StatusCode != http.StatusCreated {
		v.t.Fatalf("begin: status %d: %s", a.StatusCode, a.body)
	}
	id, ok := a.json(v.t)[v.words().attempt].(string)
	if !ok {
		v.t.Fatalf("begin: no %s: %s", v.words().attempt, a.body)
	}
	return id
}

// words are what the APIs call the same things.
type words struct {
	attempt, verification string // ids
	byHand                string // path of the sandbox at which somebody is verified
}

func (s *stand) words() words {
	if s.provider == v2 {
		return words{"identityVerificationId", "identityVerificationId", "/sandbox/identity-verifications"}
	}
	return words{"merchant_uid", "imp_uid", "/sandbox/verifications"}
}

// verify is what happens in the provider's window. It returns the
// verification's id.
func (v *visitor) verify(attempt, person string) string {
	v.t.Helper()
	a := v.post(v.words().byHand, `{"`+v.words().attempt+`":"`+attempt+`","person":"`+person+`"}`)
	if a.StatusCode != http.StatusCreated {
		v.t.Fatalf("verify: status %d: %s", a.StatusCode, a.body)
	}
	id := a.json(v.t)[v.words().verification].(string)
	v.learn(id)
	return id
}

func (v *visitor) confirm(id string) answer {
	v.t.Helper()
	return v.post("/certifications", `{"`+v.words().verification+`":"`+id+`"}`)
}

// become verifies as a person, from start to end.
func (v *visitor) become(person, purpose string) answer {
	v.t.Helper()
	return v.confirm(v.verify(v.begin(purpose), person))
}

// mustBecome is become for those whom nothing stands in the way of.
func (v *visitor) mustBecome(person, purpose string) {
	v.t.Helper()
	if a := v.become(person, purpose); a.StatusCode != http.StatusOK {
		v.t.Fatalf("%s: status %d: %s", person, a.StatusCode, a.body)
	}
}

func (v *visitor) cookie(name string) string {
	u, _ := url.Parse(v.shop)
	for _, c := range v.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// claimPayload is what the visitor's claim says, "{}" without one.
func (v *visitor) claimPayload() []byte {
	v.t.Helper()
	parts := strings.Split(v.cookie("certify"), ".")
	if len(parts) != 3 {
		return []byte("{}")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		v.t.Fatal(err)
	}
	return payload
}

// claimID is the jti of the claim that the visitor holds, "" without one.
func (v *visitor) claimID() string {
	v.t.Helper()
	var claims struct{ Jti string }
	if err := json.Unmarshal(v.claimPayload(), &claims); err != nil {
		v.t.Fatal(err)
	}
	return claims.Jti
}

func want(t testing.TB, what string, a answer, status int, parts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s: status %d, want %d: %.300s", what, a.StatusCode, status, a.body)
	}
	for _, part := range parts {
		if !strings.Contains(a.body, part) {
			t.Errorf("%s: %q is not in the answer: %.300s", what, part, a.body)
		}
	}
}
