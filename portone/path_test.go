package portone_test

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
		"", ".", "..", "/", "../payments/1", "..%2fpayments%2f1", danalID + "/../x", danalID + "/cancel", danalID + `\x`, danalID + "?x", danalID + "#x",
		danalID + ";x", danalID + " ", " " + danalID, danalID + "\n", danalID[:31] + "\n", danalID + "\r\nX: y", danalID + "\x00", danalID[:31], danalID + "0",
		strings.ToUpper(danalID), danalID[:31] + "g", danalID[:31] + ".", danalID[:29] + "１", danalID[:30] + "é", danalID[:31] + "\xff", danalID[:31] + "/", danalID[:31] + "%",
		"imp_123456789012", "01234567-89ab-cdef-0123-456789abcdef", "http://192.0.2.1/", strings.Repeat("a", 10<<10), strings.Repeat(".", 32), strings.Repeat("/", 32),
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
		for _, err := range []error{
			err, p.Send(t.Context(), id, sendRequest()), p.Confirm(t.Context(), id, "123456"), p.Resend(t.Context(), id),
		} {
			wantCode(t, err, certify.CodeVerificationRefused)
			if !errors.Is(err, certify.CodeVerificationIDMalformed) {
				t.Errorf("id %.40q: %v, want one that wraps CodeVerificationIDMalformed", id, err)
			}
		}
	}
	if got := v.sent(); len(got) != 0 {
		t.Errorf("the vendor was asked %s %s", got[0].method, got[0].uri)
	}
}

// FuzzPath: whatever the id, the vendor sees its path or nothing. The path is
// read where a server reads it: from the request line.
func FuzzPath(f *testing.F) {
	for _, id := range append(hostileIDs(), danalID, attemptID) {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		for _, base := range []string{"https://api.example", "https://api.example/v2/"} {
			v := &vendor{answer: jsonAnswer(404, fixture(t, "not_found"))}
			cfg := testConfig(v)
			cfg.InsecureBaseURL = base
			p := newProvider(t, cfg)
			_, err := p.Lookup(t.Context(), id)
			_ = p.Resend(t.Context(), id)
			if errors.Is(err, certify.CodeVerificationIDMalformed) {
				if len(v.sent()) != 0 {
					t.Fatal("a malformed id was sent")
				}
				continue
			}
			if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
				t.Fatalf("id %q was accepted", id)
			}
			want := strings.TrimSuffix(strings.TrimPrefix(base, "https://api.example"), "/") + "/identity-verifications/" + id
			got := v.sent()
			if len(got) != 2 || got[0].uri != want+"?storeId=store-0001" || got[1].uri != want+"/resend?storeId=store-0001" {
				t.Fatalf("id %q: %d requests, the last to %q", id, len(got), got[len(got)-1].uri)
			}
		}
	})
}

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	const path = "/identity-verifications/" + danalID + "?storeId=store-0001"
	for _, tt := range []struct{ base, insecure, want string }{
		{"", "", "https://api.portone.io" + path},
		{"https://api.portone.io", "", "https://api.portone.io" + path},
		{"", "http://127.0.0.1:9/sandbox/", "http://127.0.0.1:9/sandbox" + path},
		{"", "http://localhost:9", "http://localhost:9" + path},
	} {
		var asked string
		cfg := testConfig(&vendor{answer: func(r *http.Request) (*http.Response, error) {
			asked = r.URL.String()
			return jsonAnswer(200, fixture(t, "danal"))(r)
		}})
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
		_, _ = io.WriteString(w, fixture(t, "danal"))
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
