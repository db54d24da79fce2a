package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

const (
	withSecret = "PortOne " + sandbox.DefaultAPISecret
	identityID = "0123456789abcdef0123456789abcdef"
	v2Path     = "/identity-verifications/" + identityID
)

// api calls the V2 API the way the vendor's own SDK does: JSON as text.
func api(s *sandbox.Server, method, target, body string) *httptest.ResponseRecorder {
	return serve(s, request(method, target, body, "Authorization", withSecret, "Content-Type", "text/plain;charset=UTF-8"))
}

// wantAPI checks status and type; kind "" is a success. It returns the content.
func wantAPI(t testing.TB, w *httptest.ResponseRecorder, status int, kind string) map[string]any {
	t.Helper()
	content := decode[map[string]any](t, w.Body)
	got, _ := content["type"].(string)
	if w.Code != status || got != kind || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		t.Fatalf("status %d, type %q; want %d and %q", w.Code, got, status, kind)
	}
	if _, has := content["message"].(string); kind != "" && !has {
		t.Error("the error has no message")
	}
	return content
}

func verifyIdentity(t testing.TB, s *sandbox.Server, v sandbox.IdentityVerification) sandbox.IdentityResult {
	t.Helper()
	if v.ID == "" {
		v.ID = identityID
	}
	result, err := s.VerifyIdentity(v)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// identity reads a verification by the V2 API.
func identity(t testing.TB, s *sandbox.Server, id string) map[string]any {
	t.Helper()
	return wantAPI(t, api(s, "GET", "/identity-verifications/"+id, ""), 200, "")
}

// required are the members that each shape of the schema has, and those that
// only the others have.
func required(status string) (always, never []string) {
	always = []string{"status", "id", "requestedAt", "updatedAt", "statusChangedAt", "version", "channel"}
	switch status {
	case "VERIFIED":
		return append(always, "verifiedCustomer", "verifiedAt", "pgTxId", "pgRawResponse"), []string{"requestedCustomer", "failure"}
	case "FAILED":
		return append(always, "requestedCustomer", "failure"), []string{"verifiedCustomer", "verifiedAt", "pgRawResponse"}
	}
	return append(always, "requestedCustomer"), []string{"verifiedCustomer", "verifiedAt", "pgRawResponse", "failure"}
}

func wantShape(t testing.TB, v map[string]any, id, status string) {
	t.Helper()
	if v["status"] != status || v["id"] != id || v["version"] != "V2" {
		t.Fatalf("status %v, id %v, version %v; want %s", v["status"], v["id"], v["version"], status)
	}
	always, never := required(status)
	for _, name := range always {
		if v[name] == nil {
			t.Errorf("%s lacks %s", status, name)
		}
	}
	for _, name := range never {
		if _, has := v[name]; has {
			t.Errorf("%s has %s", status, name)
		}
	}
	for _, name := range []string{"requestedAt", "updatedAt", "statusChangedAt"} {
		if _, err := time.Parse(time.RFC3339Nano, v[name].(string)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestIdentityOfEveryPerson meets everybody through every channel.
func TestIdentityOfEveryPerson(t *testing.T) {
	t.Parallel()
	for _, p := range sandbox.People() {
		for _, c := range []struct {
			key, provider, kind string
		}{
			{sandbox.ChannelKeyDanal, sandbox.Danal, "LIVE"}, {sandbox.ChannelKeyInicis, sandbox.InicisUnified, "LIVE"}, {sandbox.ChannelKeyKCP, sandbox.KCP, "LIVE"},
			{sandbox.ChannelKeyInicisTest, sandbox.InicisUnified, "TEST"}, {sandbox.ChannelKeyKCPTest, sandbox.KCP, "TEST"},
		} {
			t.Run(p.ID+" "+c.key, func(t *testing.T) {
				t.Parallel()
				s := newSandbox(t, at(noon))
				met := slices.Contains(p.Providers, c.provider) && (p.ID != sandbox.TestChannel || c.kind == "TEST")
				_, err := s.VerifyIdentity(sandbox.IdentityVerification{ID: identityID, Person: p.ID, ChannelKey: c.key})
				if (err == nil) != met {
					t.Fatalf("error %v; met through it: %t", err, met)
				}
				if err != nil {
					return
				}
				v := identity(t, s, identityID)
				if p.ID == sandbox.NeverFinishes || p.ID == sandbox.FinishesLate {
					wantShape(t, v, identityID, "READY")
					return
				}
				wantShape(t, v, identityID, "VERIFIED")
				channel := v["channel"].(map[string]any)
				if channel["key"] != c.key || channel["type"] != c.kind || channel["pgProvider"] != strings.ToUpper(c.provider) || channel["pgMerchantId"] == "" {
					t.Errorf("channel %v", channel)
				}
				wantCustomer(t, s, p, c.provider, v["verifiedCustomer"].(map[string]any))
			})
		}
	}
}

// wantCustomer compares with the record that V1 gives of the same person
// through the same gateway, member by member.
func wantCustomer(t *testing.T, s *sandbox.Server, p sandbox.Person, provider string, got map[string]any) {
	t.Helper()
	v1 := lookup(t, s, verify(t, s, sandbox.Verification{Person: p.ID, PGProvider: provider}).ImpUID)
	want := map[string]any{
		"name": v1["name"], "birthDate": v1["birthday"], "gender": strings.ToUpper(v1["gender"].(string)),
		"isForeigner": v1["foreigner_v2"], "ci": v1["unique_key"], "di": v1["unique_in_site"], "phoneNumber": v1["phone"], "operator": v1["carrier"],
	}
	for name, value := range want {
		has, present := got[name]
		if absent := value == nil || value == ""; absent == present || present && has != value {
			t.Errorf("%s does not say what V1's record says", name)
		}
	}
	if len(got) > len(want) {
		t.Errorf("the customer has more members than documented")
	}
}

func TestIdentityFinishesLate(t *testing.T) {
	t.Parallel()
	c := at(noon)
	s := newSandbox(t, c)
	verifyIdentity(t, s, sandbox.IdentityVerification{Person: sandbox.FinishesLate})
	verifyIdentity(t, s, sandbox.IdentityVerification{ID: "later", Person: sandbox.Adult, After: time.Minute})
	v1 := verify(t, s, sandbox.Verification{Person: sandbox.FinishesLate}).ImpUID
	wantShape(t, identity(t, s, identityID), identityID, "READY")
	if lookup(t, s, v1)["certified"] != false {
		t.Error("V1: certified at once")
	}
	c.advance(2 * time.Second)
	wantShape(t, identity(t, s, identityID), identityID, "VERIFIED")
	if lookup(t, s, v1)["certified"] != true {
		t.Error("V1: not certified after two seconds")
	}
	wantShape(t, identity(t, s, "later"), "later", "READY")
	c.advance(58 * time.Second)
	wantShape(t, identity(t, s, "later"), "later", "VERIFIED")
}

func TestIdentityFailedMayBecomeVerified(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	failed := verifyIdentity(t, s, sandbox.IdentityVerification{Person: sandbox.Adult, Fail: true})
	if failed.Code == "" || failed.PGCode == "" || failed.IdentityVerificationID != identityID || failed.IdentityVerificationTxID == "" {
		t.Errorf("result %+v", failed)
	}
	wantShape(t, identity(t, s, identityID), identityID, "FAILED")
	done := verifyIdentity(t, s, sandbox.IdentityVerification{Person: sandbox.Adult})
	if done.Code != "" || done.TransactionType != "IDENTITY_VERIFICATION" || done.IdentityVerificationTxID == failed.IdentityVerificationTxID {
		t.Errorf("result %+v", done)
	}
	wantShape(t, identity(t, s, identityID), identityID, "VERIFIED")
	for _, again := range []bool{false, true} {
		if _, err := s.VerifyIdentity(sandbox.IdentityVerification{ID: identityID, Person: sandbox.Minor, Fail: again}); err == nil || !strings.Contains(err.Error(), "ALREADY_VERIFIED") {
			t.Errorf("a verified one took another try: %v", err)
		}
	}
	wantShape(t, identity(t, s, identityID), identityID, "VERIFIED")
}

func TestIdentityAuthorization(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	verifyIdentity(t, s, sandbox.IdentityVerification{Person: sandbox.Adult})
	for header, status := range map[string]int{
		withSecret: 200, "portone " + sandbox.DefaultAPISecret: 200,
		"": 401, "PortOne": 401, "PortOne ": 401, "PortOne x": 401, "Bearer " + sandbox.DefaultAPISecret: 401, sandbox.DefaultAPISecret: 401,
		"PortOne " + sandbox.DefaultSecret: 401, "PortOne  " + sandbox.DefaultAPISecret: 401,
	} {
		for _, route := range []string{"GET " + v2Path, "GET /identity-verifications", "POST " + v2Path + "/send", "POST " + v2Path + "/confirm", "POST " + v2Path + "/resend"} {
			method, path, _ := strings.Cut(route, " ")
			w := serve(s, request(method, path, "{}", "Authorization", header))
			if refused := w.Code == 401; refused != (status == 401) {
				t.Errorf("%s with %q: status %d", route, header, w.Code)
			}
		}
	}
}

func TestIdentityStore(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	verifyIdentity(t, s, sandbox.IdentityVerification{Person: sandbox.Adult})
	identity(t, s, identityID+"?storeId="+sandbox.DefaultStoreID)
	for route, body := range map[string]string{
		"GET " + v2Path + "?storeId=x": "", "POST " + v2Path + "/resend?storeId=x": "",
		"POST " + v2Path + "/send": `{"storeId":"x"}`, "POST " + v2Path + "/confirm": `{"storeId":"x"}`,
		"GET /identity-verifications?requestBody=" + url.QueryEscape(`{"filter":{"storeId":"x"}}`): "",
	} {
		method, path, _ := strings.Cut(route, " ")
		wantAPI(t, api(s, method, path, body), 403, "FORBIDDEN")
	}
}

func TestIdentityUnknown(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	wantAPI(t, api(s, "GET", v2Path, ""), 404, "IDENTITY_VERIFICATION_NOT_FOUND")
	wantAPI(t, api(s, "POST", v2Path+"/confirm", "{}"), 404, "IDENTITY_VERIFICATION_NOT_FOUND")
	wantAPI(t, api(s, "POST", v2Path+"/resend", ""), 404, "IDENTITY_VERIFICATION_NOT_FOUND")
	wantAPI(t, api(s, "GET", v2Path+"/other", ""), 400, "INVALID_REQUEST")
	wantAPI(t, api(s, "DELETE", v2Path, ""), 400, "INVALID_REQUEST")
	v1 := verify(t, s, sandbox.Verification{Person: sandbox.Adult}).ImpUID
	wantAPI(t, api(s, "GET", "/identity-verifications/"+v1, ""), 404, "IDENTITY_VERIFICATION_NOT_FOUND")
	verifyIdentity(t, s, sandbox.IdentityVerification{ID: "a/b c", Person: sandbox.Adult})
	wantShape(t, identity(t, s, "a%2Fb%20c"), "a/b c", "VERIFIED")
}

func TestVerifyIdentityRefuses(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	for _, tt := range []struct {
		name string
		v    sandbox.IdentityVerification
		want string
	}{
		{"no id", sandbox.IdentityVerification{Person: sandbox.Adult}, "1 to 255"},
		{"overlong id", sandbox.IdentityVerification{ID: strings.Repeat("a", 256), Person: sandbox.Adult}, "1 to 255"},
		{"id not text", sandbox.IdentityVerification{ID: "\xff", Person: sandbox.Adult}, "1 to 255"},
		{"id not for KCP", sandbox.IdentityVerification{ID: "a-b", Person: sandbox.Adult, ChannelKey: sandbox.ChannelKeyKCP}, "letters and digits"},
		{"id too long for KCP", sandbox.IdentityVerification{ID: strings.Repeat("a", 41), Person: sandbox.Adult, ChannelKey: sandbox.ChannelKeyKCP}, "at most 40"},
		{"nobody", sandbox.IdentityVerification{ID: "a", Person: "nobody"}, "use one of adult"},
		{"no such channel", sandbox.IdentityVerification{ID: "a", Person: sandbox.Adult, ChannelKey: "x"}, "channelKey"},
		{"a channel of others", sandbox.IdentityVerification{ID: "a", Person: sandbox.NoDI, ChannelKey: sandbox.ChannelKeyDanal}, "channelKey"},
	} {
		if _, err := s.VerifyIdentity(tt.v); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error about %q", tt.name, err, tt.want)
		}
	}
	if w := api(s, "GET", "/identity-verifications/a", ""); w.Code != 404 {
		t.Error("a refusal left a record")
	}
}

func TestCreateIdentity(t *testing.T) {
	t.Parallel()
	c := at(noon)
	s := newSandbox(t, c)
	for _, tt := range []struct {
		body   string
		status int
		says   string
	}{
		{`{"identityVerificationId":"a","person":"adult","ago":"36h"}`, 201, `"identityVerificationId": "a"`},
		{`{"identityVerificationId":"b","person":"adult","channelKey":"` + sandbox.ChannelKeyKCPTest + `"}`, 201, `"identityVerificationTxId"`},
		{`{"identityVerificationId":"c","person":"adult","fail":true}`, 201, `"pgCode"`},
		{`{"identityVerificationId":"d","person":"adult","after":"2s"}`, 201, `"IDENTITY_VERIFICATION"`},
		{`{"identityVerificationId":"a","person":"adult"}`, 400, "ALREADY_VERIFIED"},
		{`{"identityVerificationId":"e","person":"nobody"}`, 404, "unknown_person"},
		{`{"identityVerificationId":"e","person":"adult","ago":"x"}`, 400, "bad_ago"},
		{`{"identityVerificationId":"e","person":"adult","after":"-2s"}`, 400, "bad_after"},
		{`{"identityVerificationId":"e","person":"adult","after":"x"}`, 400, "bad_after"},
		{`{"identityVerificationId":"e","person":"adult","channelKey":"x"}`, 400, "bad_channel_key"},
		{`{"identityVerificationId":"e","persons":"adult"}`, 400, "bad_body"},
		{`{"identityVerificationId":"e","person":"adult"} {}`, 400, "bad_body"},
		{`{`, 400, "bad_body"},
		{`{"identityVerificationId":"` + strings.Repeat("e", 17<<10) + `"}`, 400, "bad_body"},
	} {
		w := serve(s, request("POST", "/sandbox/identity-verifications", tt.body))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%.70s: status %d without %q", tt.body, w.Code, tt.says)
		}
	}
	if got, want := identity(t, s, "a")["verifiedAt"], c.Now().Add(-36*time.Hour).UTC().Format(time.RFC3339); got != want {
		t.Errorf("verifiedAt %v, want %v", got, want)
	}
	wantShape(t, identity(t, s, "c"), "c", "FAILED")
	wantShape(t, identity(t, s, "d"), "d", "READY")
	if w := serve(s, request("POST", "/sandbox/identity-verifications", `{}`, "Sec-Fetch-Site", "cross-site")); w.Code != 403 {
		t.Errorf("a page of another origin: status %d", w.Code)
	}
}

func TestIdentityTries(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	for range 5 {
		verifyIdentity(t, s, sandbox.IdentityVerification{Person: sandbox.Adult, Fail: true})
	}
	if _, err := s.VerifyIdentity(sandbox.IdentityVerification{ID: identityID, Person: sandbox.Adult}); err == nil || !strings.Contains(err.Error(), "MAX_TRANSACTION_COUNT_REACHED") {
		t.Errorf("the sixth try: %v", err)
	}
}

// TestRawResponse: what the vendor calls raw is full of personal data, so that
// whoever logs it notices.
func TestRawResponse(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	verifyIdentity(t, s, sandbox.IdentityVerification{Person: sandbox.Adult})
	v := identity(t, s, identityID)
	raw := v["pgRawResponse"].(string)
	name := v["verifiedCustomer"].(map[string]any)["name"].(string)
	if !strings.Contains(raw, name) || !json.Valid([]byte(raw)) {
		t.Error("pgRawResponse holds nothing of the person")
	}
}

func TestIdentityBodyIsBounded(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	long := `{"otp":"` + strings.Repeat("1", 17<<10) + `"}`
	wantAPI(t, api(s, http.MethodPost, v2Path+"/confirm", long), 400, "INVALID_REQUEST")
	wantAPI(t, api(s, http.MethodPost, v2Path+"/send", `{"customer":[]}`), 400, "INVALID_REQUEST")
}

// FuzzIdentityBodies: whatever a client sends, the answer is JSON of the API's,
// and no fault of the sandbox's.
func FuzzIdentityBodies(f *testing.F) {
	s := newSandbox(f, at(noon))
	for _, body := range []string{
		sendBody(f, s, sandbox.Adult), startRequest(f), `{"otp":"123456"}`, `{"identityVerificationId":"a","person":"adult","after":"2s"}`,
		`{"page":{"number":1,"size":2},"sort":{"by":"VERIFIED_AT"},"filter":{"statuses":["READY"],"from":"2026-01-01T00:00:00Z"}}`,
		`{"page":{"number":9223372036854775807,"size":1000}}`, `null`, `[]`, ``, "\xff",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := newSandbox(t, at(noon))
		verifyIdentity(t, s, sandbox.IdentityVerification{ID: "ready", Person: sandbox.NeverFinishes})
		answers := []*httptest.ResponseRecorder{
			api(s, "POST", v2Path+"/send", body), api(s, "POST", v2Path+"/confirm", body), api(s, "GET", "/identity-verifications", body),
			api(s, "GET", "/identity-verifications?requestBody="+url.QueryEscape(body), ""),
			serve(s, request("POST", "/sandbox/identity-windows", body)), serve(s, request("POST", "/sandbox/identity-verifications", body)),
			api(s, "GET", "/identity-verifications", "{}"),
		}
		for i, w := range answers {
			if w.Code >= 500 && w.Code != http.StatusBadGateway || !json.Valid(w.Body.Bytes()) {
				t.Errorf("answer %d: status %d", i, w.Code)
			}
		}
	})
}
