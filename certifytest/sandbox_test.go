package certifytest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
	"github.com/certify-go/certify/sandbox"
)

// Each provider's people come out as claims.
func TestSandbox(t *testing.T) {
	t.Parallel()
	clock := certifytest.NewClock(time.Date(2026, 8, 10, 12, 0, 0, 0, korea))
	sb := certifytest.NewSandbox(t, clock.Now)
	for _, tc := range []struct {
		provider certify.Provider
		idName   string
		verify   func(id string) (callback string, err error)
	}{
		{sb.IAMPort, "merchant_uid", func(id string) (string, error) {
			done, err := sb.Verify(sandbox.Verification{MerchantUID: id, Person: sandbox.Adult})
			return `{"imp_uid":"` + done.ImpUID + `"}`, err
		}},
		{sb.PortOne, "identityVerificationId", func(id string) (string, error) {
			_, err := sb.VerifyIdentity(sandbox.IdentityVerification{ID: id, Person: sandbox.Adult})
			return `{"identityVerificationId":"` + id + `"}`, err
		}},
	} {
		t.Run(tc.provider.Name(), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(nil)
			sessions := certifytest.NewSessions(t, certify.SessionConfig{Origin: "http://" + server.Listener.Addr().String(), Now: clock.Now})
			handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: tc.provider, Pepper: make([]byte, 32)})
			if err != nil {
				t.Fatal(err)
			}
			server.Config.Handler = handler
			server.Start()
			t.Cleanup(server.Close)
			jar, _ := cookiejar.New(nil)
			client := &http.Client{Jar: jar}
			begun := post(t, client, server.URL+"/certifications/attempts", "{}")
			if script, _ := begun["script"].(string); !strings.HasPrefix(script, sb.URL+"/v") {
				t.Errorf("the script is %q", script)
			}
			callback, err := tc.verify(begun[tc.idName].(string))
			if err != nil {
				t.Fatal(err)
			}
			claim, _ := post(t, client, server.URL+"/certifications", callback)["claim"].(map[string]any)
			if claim["age"] != 36.0 || claim["auth_time"] != float64(clock.Now().Unix()) {
				t.Errorf("claim %v", claim)
			}
		})
	}
}

func post(t *testing.T, client *http.Client, url, body string) (doc map[string]any) {
	t.Helper()
	res, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || json.Unmarshal(text, &doc) != nil || res.StatusCode >= 300 {
		t.Fatalf("status %d, error %v", res.StatusCode, err)
	}
	return doc
}

// Without a clock the sandbox goes by the time of day.
func TestSandboxWithoutClock(t *testing.T) {
	t.Parallel()
	sb := certifytest.NewSandbox(t, nil)
	if _, err := sb.Verify(sandbox.Verification{MerchantUID: "m", Person: sandbox.Adult}); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(sb.URL + "/sandbox/people")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}
