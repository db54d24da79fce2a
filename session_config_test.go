package certify_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

func TestSessionConfig(t *testing.T) {
	t.Parallel()
	signedIn := func(*http.Request) (string, error) { return "", nil }
	public, err := certify.ParseJWKS(testKeys(t, ed25519Line).JWKS())
	if err != nil {
		t.Fatal(err)
	}
	shared := &failingStore{Store: certify.NewMemoryStore(0, nil)}
	type config = certify.SessionConfig
	for _, tc := range []struct {
		name   string
		change func(*config)
		want   string // in the error; none if ""
	}{
		{"defaults", func(*config) {}, ""},
		{"Origin with a port", func(c *config) { c.Origin = "https://shop.example:8443" }, ""},
		{"Origin on this machine", func(c *config) { c.Origin = "http://localhost:8080" }, ""},
		{"Origin at 127.0.0.1", func(c *config) { c.Origin = "http://127.0.0.1" }, ""},
		{"Origin at ::1", func(c *config) { c.Origin = "http://[::1]:8080" }, ""},
		{"Origin missing", func(c *config) { c.Origin = "" }, "SessionConfig.Origin is missing"},
		{"Origin over http", func(c *config) { c.Origin = "http://shop.example" }, "SessionConfig.Origin is plain http"},
		{"Origin over http on the network", func(c *config) { c.Origin = "http://192.168.0.7" }, "SessionConfig.Origin is plain http"},
		{"Origin that begins like this machine", func(c *config) { c.Origin = "http://localhost.attacker.example" }, "SessionConfig.Origin is plain http"},
		{"Origin of another scheme", func(c *config) { c.Origin = "ftp://shop.example" }, "SessionConfig.Origin is neither https nor http"},
		{"Origin without a scheme", func(c *config) { c.Origin = "shop.example" }, "SessionConfig.Origin is not scheme://host"},
		{"Origin without a host", func(c *config) { c.Origin = "https://" }, "SessionConfig.Origin is not scheme://host"},
		{"Origin with a slash", func(c *config) { c.Origin = "https://shop.example/" }, "SessionConfig.Origin is not scheme://host"},
		{"Origin with a query", func(c *config) { c.Origin = "https://shop.example?a" }, "SessionConfig.Origin is not scheme://host"},
		{"Origin with a user", func(c *config) { c.Origin = "https://user@shop.example" }, "SessionConfig.Origin is not scheme://host"},
		{"Origin in capitals", func(c *config) { c.Origin = "https://Shop.example" }, "SessionConfig.Origin is not scheme://host"},
		{"Origin's scheme in capitals", func(c *config) { c.Origin = "HTTPS://shop.example" }, "SessionConfig.Origin is not scheme://host"},
		{"Origin in Korean", func(c *config) { c.Origin = "https://가게.example" }, "SessionConfig.Origin is not scheme://host"},
		{"Origin with a wildcard", func(c *config) { c.Origin = "https://*.example" }, "SessionConfig.Origin is not scheme://host"},
		{"two Origins", func(c *config) { c.Origin = "https://a.example,https://b.example" }, "SessionConfig.Origin is not scheme://host"},
		{"Origin with a line end", func(c *config) { c.Origin = "https://shop.example\n" }, "SessionConfig.Origin is not scheme://host"},
		{"Origin with an empty port", func(c *config) { c.Origin = "https://shop.example:" }, "SessionConfig.Origin is not scheme://host"},
		{"Origin with the port of https", func(c *config) { c.Origin = "https://shop.example:443" }, "SessionConfig.Origin names the scheme's own port"},
		{"Origin with the port of http", func(c *config) { c.Origin = "http://localhost:80" }, "SessionConfig.Origin names the scheme's own port"},

		{"Keys missing", func(c *config) { c.Keys = nil }, "SessionConfig.Keys are missing"},
		{"Keys empty", func(c *config) { c.Keys = &certify.Keys{} }, "SessionConfig.Keys are missing"},
		{"public Keys without a shared Store", func(c *config) { c.Keys = public }, "SessionConfig.Store must be shared"},
		{"public Keys with a shared Store", func(c *config) { c.Keys, c.Store = public, shared }, ""},
		{"public Keys that forget", func(c *config) { c.Keys, c.InsecureForgetRevocations = public, true }, ""},

		{"Store a nil pointer", func(c *config) { c.Store = (*failingStore)(nil) }, "SessionConfig.Store is a nil pointer"},
		{"Store a nil pointer of a MemoryStore", func(c *config) { c.Store = (*certify.MemoryStore)(nil) }, "SessionConfig.Store is a nil pointer"},

		{"Issuer apart, without a shared Store", func(c *config) { c.Issuer = "https://id.example" }, "SessionConfig.Store must be shared"},
		{"Issuer apart, with a memory of its own", func(c *config) { c.Issuer, c.Store = "https://id.example", certify.NewMemoryStore(0, nil) }, "SessionConfig.Store must be shared"},
		{"Issuer apart, with a shared Store", func(c *config) { c.Issuer, c.Store = "https://id.example", shared }, ""},
		{"Issuer the same", func(c *config) { c.Issuer = "https://shop.example" }, ""},
		{"Issuer with quotes", func(c *config) { c.Issuer, c.Store = `a"b`, shared }, "SessionConfig.Issuer is not"},
		{"Issuer with a line end", func(c *config) { c.Issuer, c.Store = "a\r\nSet-Cookie: x", shared }, "SessionConfig.Issuer is not"},
		{"Issuer too long", func(c *config) { c.Issuer, c.Store = strings.Repeat("i", 256), shared }, "SessionConfig.Issuer is not"},
		{"Audience apart", func(c *config) { c.Audience = "urn:company:apis" }, ""},
		{"Audience with quotes", func(c *config) { c.Audience = `a", error="x` }, "SessionConfig.Audience is not"},
		{"Audience with a backslash", func(c *config) { c.Audience = `a\` }, "SessionConfig.Audience is not"},
		{"Audience not ASCII", func(c *config) { c.Audience = "가게" }, "SessionConfig.Audience is not"},
		{"Audience of 255 bytes", func(c *config) { c.Audience = strings.Repeat("a", 255) }, ""},

		{"TTL of a day", func(c *config) { c.TTL = 24 * time.Hour }, ""},
		{"TTL of a second", func(c *config) { c.TTL = time.Second }, ""},
		{"TTL of less", func(c *config) { c.TTL = time.Second - 1 }, "SessionConfig.TTL must be at least a second"},
		{"TTL negative", func(c *config) { c.TTL = -time.Hour }, "SessionConfig.TTL must be at least a second"},
		{"TTL above a day", func(c *config) { c.TTL, c.Store = 24*time.Hour+1, shared }, "SessionConfig.TTL above 24h0m0s needs Account"},
		{"TTL above a day, forgetting", func(c *config) { c.TTL, c.InsecureForgetRevocations = 25*time.Hour, true }, "SessionConfig.TTL above 24h0m0s needs Account"},
		{"TTL above a day, with Account", func(c *config) { c.TTL, c.Account = 25*time.Hour, signedIn }, "SessionConfig.TTL above 24h0m0s needs a Store"},
		{"TTL above a day, with Account and Store", func(c *config) { c.TTL, c.Account, c.Store = 25*time.Hour, signedIn, shared }, ""},
		{"TTL above a day, with Account, forgetting", func(c *config) { c.TTL, c.Account, c.InsecureForgetRevocations = 25*time.Hour, signedIn, true }, ""},
		{"TTL of a year", func(c *config) { c.TTL, c.Account, c.Store = certify.MaxTTL, signedIn, shared }, ""},
		{"TTL above a year", func(c *config) { c.TTL, c.Account, c.Store = certify.MaxTTL+1, signedIn, shared }, "SessionConfig.TTL must be at least a second and at most 8760h0m0s"},

		{"VerifiedClaims off", func(c *config) { c.VerifiedClaims = -1 }, ""},
		{"VerifiedClaims few", func(c *config) { c.VerifiedClaims = 1 }, ""},
		{"StartURL a path", func(c *config) { c.StartURL = "/verify" }, ""},
		{"StartURL on another host", func(c *config) { c.StartURL = "https://id.example/certifications/" }, ""},
		{"StartURL on this machine", func(c *config) { c.StartURL = "http://localhost:8080/certifications/" }, ""},
		{"StartURL over http", func(c *config) { c.StartURL = "http://id.example/certifications/" }, "SessionConfig.StartURL is neither"},
		{"StartURL with a query", func(c *config) { c.StartURL = "/verify?a=1" }, "SessionConfig.StartURL is neither"},
		{"StartURL with an empty query", func(c *config) { c.StartURL = "/verify?" }, "SessionConfig.StartURL is neither"},
		{"StartURL with a fragment", func(c *config) { c.StartURL = "/verify#" }, "SessionConfig.StartURL is neither"},
		{"StartURL with a host alone", func(c *config) { c.StartURL = "//attacker.example" }, "SessionConfig.StartURL is neither"},
		{"StartURL with a backslash", func(c *config) { c.StartURL = `/\attacker.example` }, "SessionConfig.StartURL is neither"},
		{"StartURL with a user", func(c *config) { c.StartURL = "https://shop.example@attacker.example/" }, "SessionConfig.StartURL is neither"},
		{"StartURL a script", func(c *config) { c.StartURL = "javascript:alert(1)" }, "SessionConfig.StartURL is neither"},
		{"StartURL relative", func(c *config) { c.StartURL = "verify" }, "SessionConfig.StartURL is neither"},
		{"StartURL with a line end", func(c *config) { c.StartURL = "https://id.example/\r\nSet-Cookie:x" }, "SessionConfig.StartURL is neither"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := config{Origin: "https://shop.example", Keys: testKeys(t)}
			tc.change(&cfg)
			s, err := certify.NewSessions(cfg)
			if tc.want == "" && err != nil || tc.want != "" && (s != nil || err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("sessions %v, error %v; want %q", s != nil, err, tc.want)
			}
		})
	}
}

// The zero values are those that the field's documentation names.
func TestSessionDefaults(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	if a := b.get("/cellar", navigation...); !strings.HasPrefix(a.Header.Get("Location"), certify.DefaultPath+"/?") {
		t.Errorf("StartURL: sent to %q", a.Header.Get("Location"))
	}
	b.pass()
	c, err := b.sessions.Read(t.Context(), b.cookie("certify"))
	if err != nil || c.ExpiresAt.Sub(c.AuthTime) != certify.DefaultTTL {
		t.Errorf("TTL: %v, error %v", c, err)
	}
	if n := b.sessions.VerifiedLen(); n != 1 {
		t.Errorf("VerifiedClaims: %d are remembered", n)
	}
	if _, err := certify.NewSessions(certify.SessionConfig{Origin: "https://shop.example", Keys: testKeys(t)}); err != nil {
		t.Errorf("Now, Logger and Store: %v", err)
	}
}
