package iamport_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/certify-go/certify"
)

func TestLookupRequests(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "danal")
	cfg := testConfig(v)
	cfg.Tier = "A1b"
	if _, err := newProvider(t, cfg).Lookup(t.Context(), danalID); err != nil {
		t.Fatal(err)
	}
	got := v.sent()
	if len(got) != 2 {
		t.Fatalf("%d requests, want 2", len(got))
	}
	token, record := got[0], got[1]
	if token.method != "POST" || token.uri != "/users/getToken" || token.body != `{"imp_key":"1111222233334444","imp_secret":"s3cret-of-the-shop"}` ||
		token.header.Get("Content-Type") != "application/json" || token.header.Get("Authorization") != "" {
		t.Errorf("getToken was asked with %s %s %v", token.method, token.uri, token.header)
	}
	if record.method != "GET" || record.uri != "/certifications/imp_100000000001" || record.body != "" ||
		record.header.Get("Authorization") != "Bearer tok-1" {
		t.Errorf("the record was asked for with %s %s %v", record.method, record.uri, record.header)
	}
	for _, s := range got {
		if s.header.Get("Tier") != "A1b" || s.header.Get("User-Agent") != "certify-go/iamport" || s.header.Get("Accept") != "application/json" {
			t.Errorf("%s %s carries the headers %v", s.method, s.uri, s.header)
		}
	}
}

func TestNoTierHeaderWithoutTier(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "danal")
	if _, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID); err != nil {
		t.Fatal(err)
	}
	for _, s := range v.sent() {
		if _, there := s.header["Tier"]; there {
			t.Errorf("%s %s carries a Tier header", s.method, s.uri)
		}
	}
}

// TestAnswers gives every wrong answer for a record and for a token: both go
// through the same checks, and some mean something else for the token.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const appJSON = "application/json"
	danal := fixture(t, "danal")
	const (
		refused, unavailable, invalid, misconfigured = certify.CodeVerificationRefused, certify.CodeProviderUnavailable,
			certify.CodeProviderInvalid, certify.CodeProviderMisconfigured
	)
	tests := []struct {
		name                    string
		status                  int
		contentType, body       string
		forRecord, forToken     certify.Code
		recordTries, tokenTries int
	}{
		{"not found", 404, appJSON, fixture(t, "not_found"), refused, invalid, 1, 1},
		{"404 of a proxy", 404, "text/html", "<h1>시험</h1>", invalid, invalid, 1, 1},
		{"404 with code 0", 404, appJSON, danal, invalid, invalid, 1, 1},
		{"404 without an envelope", 404, appJSON, `{"error":"no route"}`, invalid, invalid, 1, 1},
		{"missing parameters", 400, appJSON, fixture(t, "missing_params"), invalid, invalid, 1, 1},
		{"forbidden", 403, appJSON, fixture(t, "bad_credentials"), misconfigured, misconfigured, 1, 1},
		{"too many requests", 429, appJSON, danal, unavailable, unavailable, 1, 1},
		{"request timeout", 408, appJSON, danal, unavailable, unavailable, 1, 1},
		{"server error", 500, appJSON, danal, unavailable, unavailable, 3, 3},
		{"bad gateway", 502, "text/html", "<h1>" + testSecret + "</h1>", unavailable, unavailable, 3, 3},
		{"redirect with a result", 302, appJSON, danal, invalid, invalid, 1, 1},
		{"permanent redirect", 308, appJSON, danal, invalid, invalid, 1, 1},

		{"code 1", 200, appJSON, replace(t, danal, `"code":0`, `"code":1`), invalid, invalid, 1, 1},
		{"code -1", 200, appJSON, fixture(t, "not_found"), invalid, invalid, 1, 1},
		{"code a string", 200, appJSON, replace(t, danal, `"code":0`, `"code":"0"`), invalid, invalid, 1, 1},
		{"code twice", 200, appJSON, replace(t, danal, `"code":0`, `"code":1,"code":0`), invalid, invalid, 1, 1},
		{"code in two cases", 200, appJSON, replace(t, danal, `"code":0`, `"code":1,"Code":0`), invalid, invalid, 1, 1},
		{"response in another case", 200, appJSON, replace(t, danal, `"response"`, `"Response"`), invalid, invalid, 1, 1},
		{"404 with code twice", 404, appJSON, `{"code":0,"code":-1,"response":null}`, invalid, invalid, 1, 1},
		{"code null", 200, appJSON, replace(t, danal, `"code":0`, `"code":null`), invalid, invalid, 1, 1},
		{"code absent", 200, appJSON, replace(t, danal, `"code":0,`, ``), invalid, invalid, 1, 1},
		{"response null", 200, appJSON, `{"code":0,"message":null,"response":null}`, invalid, invalid, 1, 1},
		{"response absent", 200, appJSON, `{"code":0,"message":null}`, invalid, invalid, 1, 1},
		{"response a list", 200, appJSON, `{"code":0,"response":[` + danal + `]}`, invalid, invalid, 1, 1},
		{"response empty", 200, appJSON, `{"code":0,"response":{}}`, invalid, invalid, 1, 1},
		{"no content", 204, appJSON, "", invalid, invalid, 1, 1},
		{"truncated", 200, appJSON, danal[:len(danal)/2], invalid, invalid, 1, 1},
		{"trailing garbage", 200, appJSON, danal + "x", invalid, invalid, 1, 1},
		{"a second value", 200, appJSON, danal + danal, invalid, invalid, 1, 1},
		{"byte order mark", 200, appJSON, "\ufeff" + danal, invalid, invalid, 1, 1},
		{"not UTF-8", 200, appJSON, replace(t, danal, `"male"`, "\"\xb0\xa1\""), invalid, invalid, 1, 1},
		{"HTML", 200, "text/html", "<h1>시험</h1>", invalid, invalid, 1, 1},
		{"JSON as HTML", 200, "text/html; charset=utf-8", danal, invalid, invalid, 1, 1},
		{"JSON as text", 200, "text/plain", danal, invalid, invalid, 1, 1},
		{"JSON of another kind", 200, "application/problem+json", danal, invalid, invalid, 1, 1},
		{"no content type", 200, "", danal, invalid, invalid, 1, 1},
		{"content type malformed", 200, "application/json; =", danal, invalid, invalid, 1, 1},
		{"just over 1 MiB", 200, appJSON, danal + strings.Repeat(" ", 1<<20+1-len(danal)), invalid, invalid, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wrong := answer(tt.status, tt.contentType, tt.body)
				v := newVendor(t, "danal")
				v.other = wrong
				_, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
				wantCode(t, err, tt.forRecord)
				if n := v.count("GET /certifications/"); n != tt.recordTries {
					t.Errorf("the record was asked for %d times, want %d", n, tt.recordTries)
				}
				v = newVendor(t, "danal")
				v.token = wrong
				_, err = newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
				wantCode(t, err, tt.forToken)
				if n := v.count("POST /users/getToken"); n != tt.tokenTries {
					t.Errorf("a token was asked for %d times, want %d", n, tt.tokenTries)
				}
				if n := v.count("GET"); n != 0 {
					t.Error("the record was asked for without a token")
				}
			})
		})
	}
}

func TestAnswersThatCount(t *testing.T) {
	t.Parallel()
	danal := fixture(t, "danal")
	for _, tt := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"plain", "application/json", danal, 200},
		{"charset", "application/json;charset=UTF-8", danal, 200},
		{"upper case", "Application/JSON", danal, 200},
		{"another 2xx", "application/json", danal, 203},
		{"message not null", "application/json", replace(t, danal, `"message":null`, `"message":"ok"`), 200},
		{"exactly 1 MiB", "application/json", danal + strings.Repeat(" ", 1<<20-len(danal)), 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, "danal")
			v.other = answer(tt.status, tt.contentType, tt.body)
			if _, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEmptySuccessIsNamed(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"code":0,"response":null}`, `{"code":0}`} {
		v := newVendor(t, "danal")
		v.other = jsonAnswer(200, body)
		_, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
		wantCode(t, err, certify.CodeProviderInvalid)
		if !strings.HasSuffix(err.Error(), "HTTP 200 with code 0 and no result") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestRedirectsAreNotFollowed runs over real connections, where following one
// would hand token or credentials to the target.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var reached bool
		target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
		defer target.Close()
		for _, path := range []string{"/users/getToken", "/certifications/" + danalID} {
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == path {
					http.Redirect(w, r, target.URL+path, status)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, fixture(t, "token"))
			}))
			defer api.Close()
			cfg := testConfig(nil)
			cfg.Transport, cfg.InsecureBaseURL = nil, api.URL
			_, err := newProvider(t, cfg).Lookup(t.Context(), danalID)
			wantCode(t, err, certify.CodeProviderInvalid)
		}
		if reached {
			t.Errorf("a redirect with status %d was followed", status)
		}
	}
}
