package portone_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/portone"
)

func TestLookupRequest(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "danal")
	cfg := testConfig(v)
	cfg.StoreID = "store-1&a=b" // a store id is escaped, whatever it holds
	lookup(t, newProvider(t, cfg))
	got := v.sent()
	if len(got) != 1 {
		t.Fatalf("%d requests, want 1", len(got))
	}
	s := got[0]
	if s.method != "GET" || s.uri != "/identity-verifications/"+danalID+"?storeId=store-1%26a%3Db" || s.body != "" {
		t.Errorf("the record was asked for with %s %s %q", s.method, s.uri, s.body)
	}
	want := http.Header{"Accept": {"application/json"}, "Authorization": {"PortOne " + testSecret}, "User-Agent": {"certify-go/portone"}}
	for name, values := range want {
		if got := s.header[name]; len(got) != 1 || got[0] != values[0] {
			t.Errorf("%s = %q, want %q", name, got, values)
		}
	}
	if len(s.header) != len(want) {
		t.Errorf("the headers are %v", s.header)
	}
}

// wantType checks that the error wraps the API's type, or none if want is "".
func wantType(t testing.TB, err error, want portone.ErrorType) {
	t.Helper()
	var got portone.ErrorType
	errors.As(err, &got)
	if got != want {
		t.Errorf("error = %v, which wraps the type %q, want %q", err, got, want)
	}
}

func TestLookupAnswers(t *testing.T) {
	t.Parallel()
	const appJSON = "application/json"
	danal := fixture(t, "danal")
	const (
		refused, pending, unavailable, invalid, misconfigured = certify.CodeVerificationRefused, certify.CodeVerificationPending,
			certify.CodeProviderUnavailable, certify.CodeProviderInvalid, certify.CodeProviderMisconfigured
	)
	tests := []struct {
		name              string
		status            int
		contentType, body string
		want              certify.Code
		wraps             portone.ErrorType
		tries             int
	}{
		{"not found", 404, appJSON, fixture(t, "not_found"), pending, portone.ErrNotFound, 1},
		{"unauthorized", 401, appJSON, fixture(t, "unauthorized"), misconfigured, portone.ErrUnauthorized, 1},
		{"forbidden", 403, appJSON, `{"type":"FORBIDDEN"}`, misconfigured, portone.ErrForbidden, 1},
		{"invalid request", 400, appJSON, `{"type":"INVALID_REQUEST","message":"x"}`, misconfigured, portone.ErrInvalidRequest, 1},
		{"a type that says more than the status", 400, appJSON, `{"type":"UNAUTHORIZED"}`, misconfigured, portone.ErrUnauthorized, 1},
		{"a type with a charset", 404, "application/json; charset=UTF-8", fixture(t, "not_found"), pending, portone.ErrNotFound, 1},

		{"401 of an unknown type", 401, appJSON, `{"type":"SECRET_EXPIRED"}`, misconfigured, "", 1},
		{"401 without a body", 401, "", ``, misconfigured, "", 1},
		{"403 of a firewall", 403, "text/html", `<h1>시험</h1>`, misconfigured, "", 1},
		{"404 of an unknown type", 404, appJSON, `{"type":"김시험"}`, refused, "", 1},
		{"404 of a proxy", 404, "text/html", `<h1>시험</h1>`, invalid, "", 1},
		{"404 of a type as HTML", 404, "text/html", fixture(t, "not_found"), invalid, "", 1},
		{"404 without a type", 404, appJSON, `{"error":"no route"}`, invalid, "", 1},
		{"404 with an empty type", 404, appJSON, `{"type":""}`, invalid, "", 1},
		{"404 with a type of another type", 404, appJSON, `{"type":["IDENTITY_VERIFICATION_NOT_FOUND"]}`, invalid, "", 1},
		{"404 with a type twice", 404, appJSON, `{"type":"UNAUTHORIZED","type":"IDENTITY_VERIFICATION_NOT_FOUND"}`, invalid, "", 1},
		{"404 with a type in two cases", 404, appJSON, `{"type":"UNAUTHORIZED","TYPE":"IDENTITY_VERIFICATION_NOT_FOUND"}`, invalid, "", 1},
		{"404 with a type in another case", 404, appJSON, `{"Type":"IDENTITY_VERIFICATION_NOT_FOUND"}`, invalid, "", 1},
		{"404 with a record", 404, appJSON, danal, invalid, "", 1},
		{"400 of an unknown type", 400, appJSON, `{"type":"TOO_EARLY"}`, invalid, "", 1},
		{"409 of an unknown type", 409, appJSON, `{"type":"IDEMPOTENCY_OUTSTANDING_REQUEST"}`, invalid, "", 1},
		{"410 without a body", 410, "", ``, invalid, "", 1},
		{"a PG's error, which no lookup has", 502, appJSON, fixture(t, "pg_provider"), unavailable, "", 3},
		{"409 of a type that no lookup has", 409, appJSON, `{"type":"IDENTITY_VERIFICATION_ALREADY_VERIFIED"}`, invalid, "", 1},
		{"too many requests", 429, appJSON, `{"type":"RATE_LIMITED"}`, unavailable, "", 1},
		{"request timeout", 408, appJSON, danal, unavailable, "", 1},
		{"server error", 500, appJSON, danal, unavailable, "", 3},
		{"bad gateway", 502, "text/html", "<h1>" + testSecret + "</h1>", unavailable, "", 3},
		{"redirect with a record", 302, appJSON, danal, invalid, "", 1},
		{"redirect with a type", 307, appJSON, fixture(t, "not_found"), invalid, "", 1},
		{"switching protocols", 101, appJSON, danal, invalid, "", 1},

		{"a type with success", 200, appJSON, fixture(t, "not_found"), invalid, "", 1},
		{"in an envelope", 200, appJSON, `{"identityVerification":` + danal + `}`, invalid, "", 1},
		{"a list", 200, appJSON, `[` + danal + `]`, invalid, "", 1},
		{"null", 200, appJSON, `null`, invalid, "", 1},
		{"empty", 200, appJSON, `{}`, invalid, "", 1},
		{"no content", 204, appJSON, "", invalid, "", 1},
		{"truncated", 200, appJSON, danal[:len(danal)/2], invalid, "", 1},
		{"trailing garbage", 200, appJSON, danal + "x", invalid, "", 1},
		{"a second value", 200, appJSON, danal + danal, invalid, "", 1},
		{"byte order mark", 200, appJSON, "\ufeff" + danal, invalid, "", 1},
		{"not UTF-8", 200, appJSON, replace(t, danal, `"MALE"`, "\"\xb0\xa1\""), invalid, "", 1},
		{"HTML", 200, "text/html", "<h1>시험</h1>", invalid, "", 1},
		{"JSON as HTML", 200, "text/html; charset=utf-8", danal, invalid, "", 1},
		{"JSON as text", 200, "text/plain", danal, invalid, "", 1},
		{"JSON of another kind", 200, "application/problem+json", danal, invalid, "", 1},
		{"no content type", 200, "", danal, invalid, "", 1},
		{"content type malformed", 200, "application/json; =", danal, invalid, "", 1},
		{"just over 1 MiB", 200, appJSON, danal + strings.Repeat(" ", 1<<20+1-len(danal)), invalid, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{answer: answer(tt.status, tt.contentType, tt.body)}
				id, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
				if id != nil {
					t.Error("an identity came with the error")
				}
				wantCode(t, err, tt.want)
				wantType(t, err, tt.wraps)
				if n := len(v.sent()); n != tt.tries {
					t.Errorf("asked %d times, want %d", n, tt.tries)
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
		{"exactly 1 MiB", "application/json", danal + strings.Repeat(" ", 1<<20-len(danal)), 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lookup(t, newProvider(t, testConfig(&vendor{answer: answer(tt.status, tt.contentType, tt.body)})))
		})
	}
}

// TestRedirectsAreNotFollowed runs over real connections, where following one
// would hand the secret to the target.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var reached bool
		target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
		defer target.Close()
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target.URL+r.URL.Path, status)
		}))
		defer api.Close()
		cfg := testConfig(nil)
		cfg.Transport, cfg.InsecureBaseURL = nil, api.URL
		p := newProvider(t, cfg)
		_, err := p.Lookup(t.Context(), danalID)
		wantCode(t, err, certify.CodeProviderInvalid)
		wantCode(t, p.Send(t.Context(), danalID, sendRequest()), certify.CodeProviderInvalid)
		if reached {
			t.Errorf("a redirect with status %d was followed", status)
		}
	}
}
