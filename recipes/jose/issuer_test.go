package jose_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

var noon = time.Date(2026, 8, 10, 12, 0, 0, 0, time.FixedZone("KST", 9*3600))

// The private keys of RFC 8037, appendix A.1, and of RFC 7515, appendix A.3.1,
// and a secret.
var lines = map[string]string{
	"HS256": "hs256-secret:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
	"EdDSA": "eddsa-private:nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
	"ES256": "es256-private:jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
}

func parseKeys(t *testing.T, lines ...string) *certify.Keys {
	t.Helper()
	keys, err := certify.ParseKeys(strings.Join(lines, ","))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// person is a provider that certifies one made-up person for every attempt.
type person struct{ born certify.BirthDate }

func (person) Name() string                        { return "test" }
func (person) Begin(certify.Attempt) certify.Start { return certify.Start{IDName: "attempt"} }

func (person) CallbackID(v url.Values, a certify.Attempt) (string, error) { return a.ID, nil }

func (p person) Lookup(_ context.Context, id string) (*certify.Identity, error) {
	return &certify.Identity{ID: id, AttemptID: id, VerifiedAt: noon, BirthDate: p.born, DI: "test-di", Nationality: certify.NationalityKorean}, nil
}

// An issuer is a site that signs with one algorithm.
type issuer struct {
	*httptest.Server
	t *testing.T
}

func newIssuer(t *testing.T, alg string) issuer {
	t.Helper()
	born, err := certify.ParseBirthDate("1990-03-14", noon)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	sessions, err := certify.NewSessions(certify.SessionConfig{
		Origin: "http://" + server.Listener.Addr().String(), Keys: parseKeys(t, lines[alg]), Now: func() time.Time { return noon },
		Account: func(*http.Request) (string, error) { return "member-7", nil }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: person{born}, Pepper: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = handler
	server.Start()
	t.Cleanup(server.Close)
	return issuer{server, t}
}

// token is a claim as a visitor gets it.
func (i issuer) token() string {
	i.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		i.t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	for _, path := range []string{"/certifications/attempts", "/certifications"} {
		res, err := client.Post(i.URL+path, "application/x-www-form-urlencoded", strings.NewReader("a=b"))
		if err != nil {
			i.t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		if res.Body.Close(); res.StatusCode >= 300 {
			i.t.Fatalf("%s: status %d: %s", path, res.StatusCode, text)
		}
	}
	u, _ := url.Parse(i.URL)
	for _, c := range jar.Cookies(u) {
		if c.Name == "certify" {
			return c.Value
		}
	}
	i.t.Fatal("no claim")
	return ""
}

// jwks is what the issuer publishes, over HTTP.
func (i issuer) jwks() []byte {
	i.t.Helper()
	res, err := http.Get(i.URL + "/certifications/jwks.json")
	if err != nil {
		i.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !json.Valid(text) {
		i.t.Fatalf("status %d, error %v", res.StatusCode, err)
	}
	return text
}
