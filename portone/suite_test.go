package portone_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
	"github.com/certify-go/certify/portone"
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
			return portone.New(portone.Config{
				StoreID: sandbox.DefaultStoreID, Secret: sandbox.DefaultAPISecret,
				ChannelKeys: []string{sandbox.ChannelKeyKCP, sandbox.ChannelKeyInicis, sandbox.ChannelKeyKCPTest},
				WindowType:  portone.WindowType{PC: "POPUP"}, Company: "가게", MinAge: 19,
				InsecureBaseURL: "http://127.0.0.1", Transport: transport, Now: now,
			})
		},
		Service: server, Now: now, Secrets: []string{sandbox.DefaultAPISecret},
		Person: personOfRecord(t, server),
		Verify: func(a certify.Attempt, end certifytest.ProviderEnd) (url.Values, error) {
			v := sandbox.IdentityVerification{ID: a.ID, Person: sandbox.Adult, ChannelKey: sandbox.ChannelKeyKCP}
			switch end {
			case certifytest.EndUnknown:
				return url.Values{"identityVerificationId": {a.ID}}, nil
			case certifytest.EndUnfinished:
				v.Person = sandbox.NeverFinishes
			case certifytest.EndFailed:
				v.Fail = true
			case certifytest.EndTestChannel:
				v.ChannelKey = sandbox.ChannelKeyKCPTest
			case certifytest.EndOtherChannel:
				v.ChannelKey = sandbox.ChannelKeyDanal
			}
			result, err := server.VerifyIdentity(v)
			return queryOf(t, result), err
		},
	}
}

// queryOf is what redirectUrl gets: the members of the result.
func queryOf(t testing.TB, result any) url.Values {
	t.Helper()
	text, err := json.Marshal(result)
	var members map[string]string
	if err := errors.Join(err, json.Unmarshal(text, &members)); err != nil {
		t.Fatal(err)
	}
	query := url.Values{}
	for name, value := range members {
		query.Set(name, value)
	}
	return query
}

// personOfRecord reads the sandbox's record as it goes over the wire.
func personOfRecord(t testing.TB, server *sandbox.Server) certify.Identity {
	t.Helper()
	const id = "feed0000000000000000000000000000"
	if _, err := server.VerifyIdentity(sandbox.IdentityVerification{ID: id, Person: sandbox.Adult, ChannelKey: sandbox.ChannelKeyKCP}); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/identity-verifications/"+id, nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Authorization", "PortOne "+sandbox.DefaultAPISecret)
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	var record struct{ VerifiedCustomer map[string]any }
	if err := json.NewDecoder(w.Body).Decode(&record); err != nil {
		t.Fatal(err)
	}
	text := func(name string) string { s, _ := record.VerifiedCustomer[name].(string); return s }
	return certify.Identity{
		Channel: "kcp_v2", Name: text("name"), BirthDate: birthDate(t, text("birthDate")), Gender: "female",
		Phone: text("phoneNumber"), Carrier: text("operator"), Nationality: certify.NationalityKorean, CI: text("ci"), DI: text("di"),
	}
}
