package certify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// Two instances change keys one after the other, as a deployment does:
// [old,new], [new,old], [new]. Nobody is dropped on the way, and at its end
// the old key opens nothing.
func TestRotation(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, old, new string }{
		{"a secret for a secret", testKey, secretLine},
		{"from a secret to a key pair", secretLine, ed25519Line},
		{"from one algorithm to another", ed25519Line, p256Line},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rotate(t, tc.old, tc.new)
		})
	}
}

func rotate(t *testing.T, old, new string) {
	first := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Keys = testKeys(t, old) }})
	second := twin(t, first, testKeys(t, old))
	visitor, later := first.browser(), first.browser()
	visitor.pass()
	begun := later.begin("/cellar")
	hash := readClaim(t, first.sessions, visitor).DIHash
	served := func(stage string, who *browser, want int) {
		t.Helper()
		cookie := "certify=" + who.cookie("certify")
		for i, s := range []*certify.Sessions{first.sessions, second} {
			if w := serve(loaded(s), "Cookie", cookie); w.Code != want {
				t.Errorf("%s: instance %d answers %d: %s", stage, i+1, w.Code, w.Body)
			}
		}
	}
	served("before", visitor, http.StatusOK)
	for _, stage := range []string{old + "," + new, new + "," + old} {
		for i, s := range []*certify.Sessions{first.sessions, second} {
			if err := s.SetKeys(testKeys(t, stage)); err != nil {
				t.Fatal(err)
			}
			fresh := first.browser()
			fresh.pass()
			served(fmt.Sprintf("stage %.8s, instance %d", stage, i+1), fresh, http.StatusOK)
			served("an old claim", visitor, http.StatusOK)
			if got := readClaim(t, first.sessions, fresh).DIHash; got != hash {
				t.Error("the DI's hash has changed")
			}
		}
	}
	id := first.provider.verify("imp_later", begun)
	if a := later.post("/certifications", `{"imp_uid":"`+id+`"}`); a.StatusCode != http.StatusOK {
		t.Errorf("an attempt begun before: status %d: %s", a.StatusCode, a.body)
	}
	served("a claim of an attempt begun before", later, http.StatusOK)
	last := first.browser()
	begunNow := last.begin("/cellar")
	for _, s := range []*certify.Sessions{first.sessions, second} {
		if err := s.SetKeys(testKeys(t, new)); err != nil {
			t.Fatal(err)
		}
	}
	served("the old key's claim at the end", visitor, http.StatusUnauthorized)
	served("the new key's claim at the end", later, http.StatusOK)
	id = first.provider.verify("imp_last", begunNow)
	if a := last.post("/certifications", `{"imp_uid":"`+id+`"}`); a.StatusCode != http.StatusOK {
		t.Errorf("an attempt begun under the new key: status %d: %s", a.StatusCode, a.body)
	}
	if got := readClaim(t, first.sessions, last).DIHash; got != hash {
		t.Error("the DI's hash has changed")
	}
}

// twin is another instance of the site.
func twin(t *testing.T, s *site, keys *certify.Keys) *certify.Sessions {
	t.Helper()
	two, err := certify.NewSessions(certify.SessionConfig{Origin: s.URL, Keys: keys, Now: s.now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return two
}

func loaded(s *certify.Sessions) http.Handler {
	return s.Load(certify.Require(certify.YouthProtection())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
}

func readClaim(t *testing.T, s *certify.Sessions, b *browser) *certify.Claim {
	t.Helper()
	c, err := s.Read(t.Context(), b.cookie("certify"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// An attempt is hashed and signed with one key, even if the keys are swapped
// in between: else its account would not be its own.
func TestAttemptsWhileKeysAreSwapped(t *testing.T) {
	t.Parallel()
	orders := []*certify.Keys{testKeys(t, testKey, secretLine), testKeys(t, secretLine, testKey)}
	var sessions *certify.Sessions
	swaps := 0
	swap := func() {
		swaps++
		if err := sessions.SetKeys(orders[swaps%2]); err != nil {
			t.Error(err)
		}
	}
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
		c.Keys = orders[0]
		c.Event = func(_ context.Context, e certify.Event) {
			if e.Kind == certify.EventStarted { // told between the hash and the signature
				swap()
			}
		}
		c.Account = func(r *http.Request) (string, error) {
			swap()
			return loginCookie(r)
		}
	}})
	sessions = b.sessions
	for i := range 4 {
		visitor, login := b.browser(), fmt.Sprintf("login=member-%d", i)
		a := visitor.post("/certifications/attempts", "", "Cookie", login)
		attempt, _ := a.json(t)["merchant_uid"].(string)
		id := b.provider.verify("imp_"+attempt, attempt)
		cookies := login + "; " + visitor.attemptCookies()
		if a := visitor.post("/certifications", `{"imp_uid":"`+id+`"}`, "Cookie", cookies); a.StatusCode != http.StatusOK {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	}
	if swaps < 16 {
		t.Errorf("the keys were swapped %d times", swaps)
	}
}

// A service of its own, with nothing but the issuer's public keys, fetched
// over HTTP, gates its own routes with the issuer's tokens.
func TestSecondService(t *testing.T) {
	t.Parallel()
	store := &countingStore{Store: certify.NewMemoryStore(0, nil)} // as if outside the process
	shop := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
		c.Keys, c.Store = testKeys(t, ed25519Line, secretLine), store
	}})
	visitor := shop.browser()
	visitor.pass()
	token := visitor.cookie("certify")

	keys := fetchKeys(t, shop.URL)
	tickets, err := certify.NewSessions(certify.SessionConfig{
		Origin: "https://tickets.example", Issuer: shop.URL, Audience: shop.URL, Keys: keys, Store: store,
		Bearer: true, StartURL: shop.URL + "/certifications/", Now: shop.now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(loaded(tickets))
	t.Cleanup(service.Close)
	ask := func(header ...string) answer {
		t.Helper()
		elsewhere := &browser{site: &site{Server: service, t: t}, client: visitor.client}
		return elsewhere.get("/", header...)
	}
	bearer := []string{"Authorization", "Bearer " + token}
	if a := ask(bearer...); a.StatusCode != http.StatusOK {
		t.Fatalf("with the shop's token: status %d: %s", a.StatusCode, a.body)
	}
	if a := ask("Authorization", "Bearer "+hs256Forger(t, secretLine).claim("iss", quoted(shop.URL), "aud", quoted(shop.URL))); a.code() != "claim_wrong_key" {
		t.Errorf("a key that is not published: status %d: %s", a.StatusCode, a.body)
	}
	if a := ask("Cookie", "__Host-certify="+token); a.StatusCode != http.StatusOK {
		t.Errorf("as this host's own cookie: status %d: %s", a.StatusCode, a.body)
	}
	if a := ask(navigation...); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), shop.URL+"/certifications/?") {
		t.Errorf("a navigation is sent to %q with %d", a.Header.Get("Location"), a.StatusCode)
	}
	if a := ask(append(bearer, navigation...)...); a.StatusCode != http.StatusOK {
		t.Errorf("a navigation with a token: status %d", a.StatusCode)
	}
	visitor.post("/certifications/logout", "")
	if a := ask(bearer...); a.code() != "claim_revoked" {
		t.Errorf("signed out at the shop: status %d: %s", a.StatusCode, a.body)
	}
}

func fetchKeys(t *testing.T, issuer string) *certify.Keys {
	t.Helper()
	res, err := http.Get(issuer + "/certifications/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !json.Valid(body) {
		t.Fatalf("status %d, error %v", res.StatusCode, err)
	}
	keys, err := certify.ParseJWKS(body)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// One that names no issuer apart is not fooled by the other's keys.
func TestIssuerAndAudienceApart(t *testing.T) {
	t.Parallel()
	f := newForgers(t).ed
	for _, tc := range []struct {
		name             string
		issuer, audience string
		iss, aud         string
		want             certify.Code
	}{
		{"both the same", "", "", "https://shop.example", `"https://shop.example"`, ""},
		{"issuer apart", "https://id.example", "", "https://id.example", `"https://shop.example"`, ""},
		{"issuer apart, own token", "https://id.example", "", "https://shop.example", `"https://shop.example"`, certify.CodeClaimWrongAudience},
		{"audience apart", "", "urn:apis", "https://shop.example", `["https://shop.example","urn:apis"]`, ""},
		{"audience apart, token for the site", "", "urn:apis", "https://shop.example", `"https://shop.example"`, certify.CodeClaimWrongAudience},
		{"audience within another", "", "urn:apis", "https://shop.example", `"urn:apis2"`, certify.CodeClaimWrongAudience},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newReader(t, func(c *certify.SessionConfig) {
				c.Issuer, c.Audience, c.InsecureForgetRevocations = tc.issuer, tc.audience, true
			})
			if code := r.verdict(f.claim("iss", quoted(tc.iss), "aud", tc.aud)); code != tc.want {
				t.Errorf("%q, want %q", code, tc.want)
			}
		})
	}
}

func ExampleParseJWKS() {
	published := []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}]}`)
	keys, err := certify.ParseJWKS(published) // fetched from https://shop.example/certifications/jwks.json
	if err != nil {
		panic(err)
	}
	tickets, err := certify.NewSessions(certify.SessionConfig{
		Origin: "https://tickets.example", Issuer: "https://shop.example", Audience: "https://shop.example",
		Keys: keys, Bearer: true, InsecureForgetRevocations: true, // or a Store shared with the shop
	})
	if err != nil {
		panic(err)
	}
	_, err = tickets.Read(context.Background(), "not a token")
	fmt.Println(keys.CanSign(), err)
	// Output: false certify: claim_malformed: it has not three parts
}

func ExampleSessions_SetKeys() {
	keys, err := certify.ParseKeys("hs256-secret:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA")
	if err != nil {
		panic(err)
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{Origin: "https://shop.example", Keys: keys, TTL: time.Hour})
	if err != nil {
		panic(err)
	}
	next, err := certify.GenerateKey("EdDSA")
	if err != nil {
		panic(err)
	}
	// First [old,new] on every instance, then [new,old], and after the longest TTL [new].
	keys, err = certify.ParseKeys("hs256-secret:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA," + next)
	if err != nil {
		panic(err)
	}
	fmt.Println(sessions.SetKeys(keys), keys)
	// Output: <nil> 2 keys, [redacted]
}
