package iamport_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
	"github.com/certify-go/certify/iamport"
	"github.com/certify-go/certify/sandbox"
)

func TestProviderSuite(t *testing.T) {
	t.Parallel()
	certifytest.ProviderSuite(t, openSubject)
}

// openSubject is the provider with a sandbox, in which the person of KCP's
// records comes with all that a PG can give.
func openSubject(t testing.TB) certifytest.ProviderSubject {
	began := time.Now() // of the bubble, in which time passes
	now := func() time.Time { return testNow().Add(time.Since(began)) }
	server, err := sandbox.New(sandbox.Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return certifytest.ProviderSubject{
		New: func(transport http.RoundTripper) (certify.Provider, error) {
			return iamport.New(iamport.Config{
				Code: sandbox.DefaultCode, Key: sandbox.DefaultKey, Secret: sandbox.DefaultSecret,
				PGProviders: []string{sandbox.KCP, sandbox.InicisUnified}, KCPWithoutTestChannel: true,
				PG: "kcp_v2", Company: "가게", MinAge: 19, Popup: true,
				InsecureBaseURL: "http://127.0.0.1", Transport: transport, Now: now,
			})
		},
		Service: server, Now: now, Secrets: []string{sandbox.DefaultKey, sandbox.DefaultSecret, tokenOf(t, server)},
		Person: personOfRecord(t, server),
		Verify: func(a certify.Attempt, end certifytest.ProviderEnd) (url.Values, error) {
			v := sandbox.Verification{MerchantUID: a.ID, Person: sandbox.Adult, PGProvider: sandbox.KCP}
			said := url.Values{"merchant_uid": {a.ID}, "success": {"true"}}
			switch end {
			case certifytest.EndUnknown:
				said.Set("imp_uid", "imp_000000000000")
				return said, nil
			case certifytest.EndUnfinished:
				v.Person = sandbox.NeverFinishes
			case certifytest.EndFailed: // of which the record says no more
				v.Person = sandbox.NeverFinishes
				said.Set("success", "false")
			case certifytest.EndTestChannel:
				v.Person, v.PGProvider = sandbox.TestChannel, sandbox.InicisUnified
			case certifytest.EndOtherChannel:
				v.PGProvider = sandbox.Danal
			}
			result, err := server.Verify(v)
			said.Set("imp_uid", result.ImpUID)
			return said, err
		},
	}
}

// ask is a request to the sandbox; it returns the response of the envelope.
func ask(t testing.TB, server *sandbox.Server, r *http.Request) map[string]any {
	t.Helper()
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	var answer struct{ Response map[string]any }
	if err := json.NewDecoder(w.Body).Decode(&answer); err != nil || answer.Response == nil {
		t.Fatalf("the sandbox answers with HTTP %d: %v", w.Code, err)
	}
	return answer.Response
}

func tokenOf(t testing.TB, server *sandbox.Server) string {
	t.Helper()
	q := url.Values{"imp_key": {sandbox.DefaultKey}, "imp_secret": {sandbox.DefaultSecret}}
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/users/getToken", strings.NewReader(q.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return ask(t, server, r)["access_token"].(string)
}

// personOfRecord reads the sandbox's record as it goes over the wire.
func personOfRecord(t testing.TB, server *sandbox.Server) certify.Identity {
	t.Helper()
	result, err := server.Verify(sandbox.Verification{MerchantUID: "m", Person: sandbox.Adult, PGProvider: sandbox.KCP})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/certifications/"+result.ImpUID, nil)
	r.Header.Set("Authorization", "Bearer "+tokenOf(t, server))
	record := ask(t, server, r)
	text := func(name string) string { s, _ := record[name].(string); return s }
	return certify.Identity{
		Channel: "kcp_v2", Name: text("name"), BirthDate: birthDate(t, text("birthday")), Gender: "female",
		Phone: text("phone"), Carrier: text("carrier"), Nationality: certify.NationalityKorean,
		CI: text("unique_key"), DI: text("unique_in_site"),
	}
}
