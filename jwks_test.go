package certify_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

// The tests' thumbprint is RFC 7638's, by its own example (section 3.1), and
// so is ours, by that of RFC 8037 (appendix A.3) and by the tests' for P-256.
func TestThumbprints(t *testing.T) {
	t.Parallel()
	rsa := map[string]string{"e": "AQAB", "kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}
	if got := thumbprint(rsa); got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Fatalf("the tests' own thumbprint of the RFC's key is %q", got)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(testKeys(t, secretLine, ed25519Line, p256Line).JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	ed := map[string]string{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
	ec := map[string]string{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
	want := []map[string]string{
		{"kty": "OKP", "crv": "Ed25519", "x": ed["x"], "use": "sig", "alg": "EdDSA", "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
		{"kty": "EC", "crv": "P-256", "x": ec["x"], "y": ec["y"], "use": "sig", "alg": "ES256", "kid": thumbprint(ec)},
	}
	if fmt.Sprint(set.Keys) != fmt.Sprint(want) {
		t.Errorf("JWKS %v, want %v", set.Keys, want)
	}
}

func TestJWKSHoldsNoSecret(t *testing.T) {
	t.Parallel()
	jwks := string(testKeys(t, secretLine, ed25519Line, p256Line).JWKS())
	for _, line := range []string{secretLine, ed25519Line, p256Line} {
		_, secret, _ := strings.Cut(line, ":")
		if strings.Contains(jwks, secret) || strings.Contains(jwks, newForgers(t).hs.kid) || strings.Contains(jwks, `"d"`) || strings.Contains(jwks, `"k"`) {
			t.Errorf("JWKS %s", jwks)
		}
	}
	if got := string(testKeys(t, secretLine).JWKS()); got != `{"keys":[]}` {
		t.Errorf("with HS256 only: %s", got)
	}
}

func TestParseJWKS(t *testing.T) {
	t.Parallel()
	const (
		ed  = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"ed"`
		ec  = `"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"ec"`
		rsa = `{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"rsa","x5c":["MII"]}`
	)
	set := func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }
	var many []string
	for i := range 33 {
		many = append(many, "{"+strings.Replace(ed, `"ed"`, fmt.Sprintf(`"ed%d"`, i), 1)+"}")
	}
	for _, tc := range []struct{ name, jwks, kids string }{
		{"both", set("{"+ed+"}", "{"+ec+"}"), "ed ec"},
		{"alg, use and key_ops stated", set(`{` + ed + `,"alg":"EdDSA","use":"sig","key_ops":["verify"]}`), "ed"},
		{"among others", set(rsa, `{"kty":"OKP","crv":"X25519","x":"AA"}`, "{"+ec+"}", `{"kty":"EC","crv":"P-384"}`, `{}`, `{"kty":"future"}`), "ec"},
		{"null for what it does not have", set(`{` + ed + `,"d":null,"oth":null,"key_ops":null,"alg":null}`), "ed"},
		{"names in capitals are other names", set(`{` + ed + `,"KTY":"oct"}`), "ed"},
		{"for encryption", set("{"+ed+"}", `{`+ec+`,"use":"enc"}`), "ed"},
		{"for key agreement", set("{"+ed+"}", `{`+ec+`,"alg":"ECDH-ES"}`), "ed"},
		{"for deriving", set("{"+ed+"}", `{`+ec+`,"key_ops":["deriveKey"]}`), "ed"},
		{"for nothing", set("{"+ed+"}", `{`+ec+`,"key_ops":[]}`), "ed"},
		{"members we do not know", set(`{` + ed + `,"x5c":["MII"],"exp":1,"n":"AQAB"}`), "ed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			keys, err := certify.ParseJWKS([]byte(tc.jwks))
			if err != nil || keys.CanSign() {
				t.Fatalf("error %v", err)
			}
			var read struct{ Keys []struct{ Kid string } }
			if err := json.Unmarshal(keys.JWKS(), &read); err != nil {
				t.Fatal(err)
			}
			var kids []string
			for _, k := range read.Keys {
				kids = append(kids, k.Kid)
			}
			if got := strings.Join(kids, " "); got != tc.kids {
				t.Errorf("keys %q, want %q", got, tc.kids)
			}
		})
	}
	for _, tc := range []struct{ name, jwks, want string }{
		{"empty", "", "not a JSON object"},
		{"a list", "[]", "not a JSON object"},
		{"no keys", "{}", "holds no EdDSA or ES256 key"},
		{"keys is an object", `{"keys":{}}`, "not a JSON object"},
		{"a list of text", `{"keys":["x"]}`, "key 1 of 1: it is not a JSON object"},
		{"nothing of ours", set(rsa), "holds no EdDSA or ES256 key"},
		{"a private Ed25519 key", set("{"+ec+"}", `{`+ed+`,"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`), "key 2 of 2: it is a private key"},
		{"a private P-256 key", set(`{` + ec + `,"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`), "it is a private key"},
		{"a private key in capitals", set(`{` + ed + `,"D":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`), "it is a private key"},
		{"a private key for encryption", set("{"+ed+"}", `{`+ec+`,"use":"enc","d":"AQ"}`), "it is a private key"},
		{"a private RSA key", set(`{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}`), "it is a private key"},
		{"a secret", set("{"+ed+"}", `{"kty":"oct","k":"AQIDBA","kid":"s"}`), "it is a private key or a secret"},
		{"a secret under another type", set(`{` + ed + `,"k":"AQIDBA"}`), "it is a private key or a secret"},
		{"a secret without its bytes", set(`{"kty":"oct","kid":"s"}`), "it is a private key or a secret"},
		{"an empty private member before another", set(`{` + ed + `,"d":"AQ","d":""}`), "it has a member twice"},
		{"an empty private member", set(`{` + ed + `,"d":""}`), "it is a private key"},
		{"a private member that is a number", set(`{` + ed + `,"d":1}`), "it is a private key"},
		{"a private key of ML-DSA", set("{"+ed+"}", `{"kty":"AKP","alg":"ML-DSA-44","kid":"a","pub":"AQ","priv":"AQ"}`), "replace that key by a new one"},
		{"a prime of an RSA key", set("{"+ed+"}", `{"kty":"RSA","n":"AQAB","e":"AQAB","p":"AQ"}`), "it is a private key"},
		{"the other prime", set("{"+ed+"}", `{"kty":"RSA","n":"AQAB","e":"AQAB","q":"AQ"}`), "it is a private key"},
		{"an exponent of an RSA key", set("{"+ed+"}", `{"kty":"RSA","n":"AQAB","e":"AQAB","dp":"AQ"}`), "it is a private key"},
		{"the other exponent", set("{"+ed+"}", `{"kty":"RSA","n":"AQAB","e":"AQAB","dq":"AQ"}`), "it is a private key"},
		{"a coefficient of an RSA key", set("{"+ed+"}", `{"kty":"RSA","n":"AQAB","e":"AQAB","qi":"AQ"}`), "it is a private key"},
		{"other primes of an RSA key", set("{"+ed+"}", `{"kty":"RSA","n":"AQAB","e":"AQAB","oth":[{"r":"AQ"}]}`), "it is a private key"},
		{"kty twice", set(`{"kty":"oct",` + ed + `}`), "it has a member twice"},
		{"keys twice", `{"keys":[],"keys":[{` + ed + `}]}`, "the JWKS has a member twice"},
		{"a line end in x", set(strings.Replace("{"+ed+"}", "11qY", `11qY\r\n`, 1)), "x is not 32 bytes"},
		{"a line end in y", set(strings.Replace("{"+ec+"}", `"y":"x_FE`, `"y":"x_FE\n`, 1)), "x and y are not 32 bytes"},
		{"key_ops is text", set(`{` + ed + `,"key_ops":"verify"}`), "its key_ops is of another type"},
		{"no kid", set(strings.Replace("{"+ed+"}", `,"kid":"ed"`, "", 1)), "it has no kid"},
		{"kid of 129 bytes", set(strings.Replace("{"+ed+"}", `"ed"`, `"`+strings.Repeat("k", 129)+`"`, 1)), "1 to 128"},
		{"kid with a blank", set(strings.Replace("{"+ed+"}", `"ed"`, `"e d"`, 1)), "printable ASCII"},
		{"kid is a number", set(strings.Replace("{"+ed+"}", `"ed"`, `1`, 1)), "not a JSON object with the members"},
		{"two with one kid", set("{"+ed+"}", strings.Replace("{"+ec+"}", `"ec"`, `"ed"`, 1)), "same id"},
		{"x too short", set(strings.Replace("{"+ed+"}", "11qY", "", 1)), "x is not 32 bytes"},
		{"x padded", set(strings.Replace("{"+ed+"}", "URo", "URo=", 1)), "x is not 32 bytes"},
		{"a point off the curve", set(strings.Replace("{"+ec+"}", `"y":"x_FE`, `"y":"x_FF`, 1)), "not a point of P-256"},
		{"no y", set(strings.Replace("{"+ec+"}", `"y":`, `"z":`, 1)), "x and y are not 32 bytes"},
		{"33 keys", set(many...), "33 keys are more than the 32 allowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			keys, err := certify.ParseJWKS([]byte(tc.jwks))
			if keys != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("keys %v, error %v; want %q", keys, err, tc.want)
			}
			if strings.Contains(err.Error(), "nWGx") || strings.Contains(err.Error(), "jpsQ") {
				t.Errorf("the error repeats the key: %v", err)
			}
		})
	}
}

// What is published is what is read, as often as one likes.
func TestJWKSRoundTrip(t *testing.T) {
	t.Parallel()
	published := testKeys(t, p256Line, secretLine, ed25519Line).JWKS()
	keys, err := certify.ParseJWKS(published)
	if err != nil {
		t.Fatal(err)
	}
	if again := keys.JWKS(); string(again) != string(published) {
		t.Errorf("%s after %s", again, published)
	}
}

func TestServedJWKS(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		lines  []string
		status int
	}{
		{"public keys", []string{secretLine, ed25519Line}, http.StatusOK},
		{"a secret only", []string{secretLine}, http.StatusNotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			keys := testKeys(t, tc.lines...)
			b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Keys = keys }}).browser()
			a := b.get("/certifications/jwks.json")
			if a.StatusCode != tc.status {
				t.Fatalf("status %d: %s", a.StatusCode, a.body)
			}
			if a.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Error("a browser may guess what it is")
			}
			if tc.status == http.StatusOK && (a.body != string(keys.JWKS()) || a.Header.Get("Content-Type") != "application/jwk-set+json") {
				t.Errorf("%s: %s", a.Header.Get("Content-Type"), a.body)
			}
		})
	}
}

func FuzzParseJWKS(f *testing.F) {
	f.Add(testKeys(f, ed25519Line, p256Line).JWKS())
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AQ"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"a","d":"AQ"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := certify.ParseJWKS(b)
		if (keys == nil) == (err == nil) {
			t.Fatalf("keys %v, error %v", keys, err)
		}
		if err != nil {
			return
		}
		again, err := certify.ParseJWKS(keys.JWKS())
		if err != nil || keys.CanSign() || string(again.JWKS()) != string(keys.JWKS()) {
			t.Fatalf("what was read is not what is published: %v", err)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add(secretLine + "," + ed25519Line + " " + p256Line)
	f.Add("hs256-secret:")
	f.Add(`{"keys":[]}`)
	f.Fuzz(func(t *testing.T, lines string) {
		keys, err := certify.ParseKeys(lines)
		if (keys == nil) == (err == nil) || err == nil && !keys.CanSign() {
			t.Fatalf("keys %v, error %v", keys, err)
		}
	})
}
