package iamport_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

// hostileIDs are ids that would reach another resource, or none, if they were
// put into a path.
func hostileIDs() []string {
	return []string{
		"", ".", "..", "/", "../payments/imp_1", "..%2fpayments%2fimp_1", "imp_1/../x", "imp_1/cancel", `imp_1\..\x`, "imp_%2e%2e", "imp_..", "imp_1%2f..", "imp_1?x", "imp_1?_token=x", "imp_1#x",
		"imp_1;x", "imp_1&x", "imp_1 ", " imp_1", "imp_1\n", "imp_1\r\nTier: x", "imp_1\x00", "\x00", "imp_1\x7f", "imp_１", "imp_é", "imp_\xff",
		"otp/request", "imp-1", "imp_", "_1", "imp__1", "imp_1_2", "1_imp", "http://192.0.2.1/imp_1", "imp_" + strings.Repeat("9", 10<<10), strings.Repeat("a", 64) + "_1",
	}
}

func TestHostileIDsReachNothing(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "danal")
	p := newProvider(t, testConfig(v))
	for _, id := range hostileIDs() {
		got, err := p.Lookup(t.Context(), id)
		if got != nil {
			t.Errorf("Lookup(%.40q) brought an identity", id)
		}
		wantCode(t, err, certify.CodeVerificationRefused)
		if !errors.Is(err, certify.CodeVerificationIDMalformed) {
			t.Errorf("Lookup(%.40q) = %v, want one that wraps CodeVerificationIDMalformed", id, err)
		}
		wantCode(t, p.Erase(t.Context(), id), certify.CodeVerificationRefused)
	}
	if got := v.sent(); len(got) != 0 {
		t.Errorf("the vendor was asked %s %s", got[0].method, got[0].uri)
	}
}

// FuzzPath: whatever the id, the vendor sees /certifications/<id> or nothing.
// The path is read where a server reads it: from the request line.
func FuzzPath(f *testing.F) {
	for _, id := range append(hostileIDs(), danalID, "imp_1", "abc_XYZ09") {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		for _, base := range []string{"https://api.example", "https://api.example/v1/"} {
			v := newVendor(t, "not_found")
			cfg := testConfig(v)
			cfg.InsecureBaseURL = base
			_, err := newProvider(t, cfg).Lookup(t.Context(), id)
			if errors.Is(err, certify.CodeVerificationIDMalformed) {
				if len(v.sent()) != 0 {
					t.Fatal("a malformed id was sent")
				}
				continue
			}
			if strings.ContainsAny(id, "/?#%.") {
				t.Fatalf("id %q was accepted", id)
			}
			want := strings.TrimSuffix(strings.TrimPrefix(base, "https://api.example"), "/") + "/certifications/" + id
			if n := v.count("GET " + want); n != 1 || len(v.sent()) != 2 || v.sent()[1].uri != want {
				t.Fatalf("id %q: %d requests, the last to %q", id, len(v.sent()), v.sent()[len(v.sent())-1].uri)
			}
		}
	})
}

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ base, insecure, want string }{
		{"", "", "https://api.iamport.kr/users/getToken"},
		{"https://api.iamport.kr", "", "https://api.iamport.kr/users/getToken"},
		{"https://static-api.iamport.kr", "", "https://static-api.iamport.kr/users/getToken"},
		{"", "http://127.0.0.1:9/sandbox/", "http://127.0.0.1:9/sandbox/users/getToken"},
		{"", "http://localhost:9", "http://localhost:9/users/getToken"},
	} {
		var asked string
		v := newVendor(t, "danal")
		ok := v.token
		v.token = func(r *http.Request) (*http.Response, error) {
			asked = r.URL.String()
			return ok(r)
		}
		cfg := testConfig(v)
		cfg.BaseURL, cfg.InsecureBaseURL = tt.base, tt.insecure
		lookup(t, newProvider(t, cfg))
		if asked != tt.want {
			t.Errorf("asked %s, want %s", asked, tt.want)
		}
	}
}

// TestDefaultTransport runs over real connections: it works, and it refuses a
// certificate that nobody vouches for.
func TestDefaultTransport(t *testing.T) {
	t.Parallel()
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		name := "danal"
		if r.URL.Path == "/users/getToken" {
			name = "token"
		}
		_, _ = io.WriteString(w, fixture(t, name))
	})
	plain := httptest.NewServer(api)
	defer plain.Close()
	cfg := testConfig(nil)
	cfg.Transport, cfg.InsecureBaseURL = nil, plain.URL
	lookup(t, newProvider(t, cfg))

	secure := httptest.NewUnstartedServer(api)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	cfg.InsecureBaseURL = secure.URL
	_, err := newProvider(t, cfg).Lookup(t.Context(), danalID)
	wantCode(t, err, certify.CodeProviderUnavailable)
	if !strings.HasSuffix(err.Error(), "TLS certificate not trusted") {
		t.Errorf("error = %v", err)
	}
	cfg.Transport = secure.Client().Transport
	lookup(t, newProvider(t, cfg))
}
