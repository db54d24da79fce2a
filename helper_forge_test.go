package certify_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// What is signed in these tests is signed with the standard library, after
// the RFCs, and never with the code under test.

var b64url = base64.RawURLEncoding

// The private keys of the tests: RFC 8037, appendix A.1, RFC 7515, appendix
// A.3.1, and a secret.
const (
	secretLine  = "hs256-secret:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
	ed25519Line = "eddsa-private:nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
	p256Line    = "es256-private:jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
)

// A forger signs what it is told.
type forger struct {
	alg, kid string
	sign     func(input string) []byte
}

func keyBytes(t testing.TB, s string) []byte {
	t.Helper()
	_, s, _ = strings.Cut(s, ":")
	raw, err := b64url.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// derive is HKDF as the key format promises it.
func derive(t testing.TB, secret []byte, label string, n int) []byte {
	t.Helper()
	out, err := hkdf.Key(sha256.New, secret, nil, label, n)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func hmacSHA256(key []byte) func(string) []byte {
	return func(input string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(input))
		return h.Sum(nil)
	}
}

func hs256Forger(t testing.TB, line string) forger {
	secret := keyBytes(t, line)
	return forger{"HS256", b64url.EncodeToString(derive(t, secret, "certify kid v1", 12)), hmacSHA256(secret)}
}

func eddsaForger(t testing.TB, line string) forger {
	private := ed25519.NewKeyFromSeed(keyBytes(t, line))
	x := b64url.EncodeToString(private.Public().(ed25519.PublicKey))
	return forger{"EdDSA", thumbprint(map[string]string{"kty": "OKP", "crv": "Ed25519", "x": x}), func(input string) []byte {
		return ed25519.Sign(private, []byte(input))
	}}
}

func edPublic(t testing.TB, line string) ed25519.PublicKey {
	t.Helper()
	return ed25519.NewKeyFromSeed(keyBytes(t, line)).Public().(ed25519.PublicKey)
}

func p256Key(t testing.TB, line string) *ecdsa.PrivateKey {
	t.Helper()
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), keyBytes(t, line))
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func p256JWK(t testing.TB, pub *ecdsa.PublicKey) map[string]string {
	t.Helper()
	point, err := pub.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"kty": "EC", "crv": "P-256", "x": b64url.EncodeToString(point[1:33]), "y": b64url.EncodeToString(point[33:])}
}

func es256Forger(t testing.TB, line string) forger {
	private := p256Key(t, line)
	return forger{"ES256", thumbprint(p256JWK(t, &private.PublicKey)), func(input string) []byte {
		sum := sha256.Sum256([]byte(input))
		der, err := private.Sign(nil, sum[:], crypto.SHA256) // nil: deterministic, RFC 6979
		if err != nil {
			t.Fatal(err)
		}
		var sig struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &sig); err != nil {
			t.Fatal(err)
		}
		return rawSignature(sig.R, sig.S)
	}}
}

func rawSignature(r, s *big.Int) []byte {
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// thumbprint is RFC 7638, section 3: the required members in lexicographic
// order, without white space, hashed. A Go map marshals in that order.
func thumbprint(required map[string]string) string {
	text, err := json.Marshal(required)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	return b64url.EncodeToString(sum[:])
}

// jsonObject writes a JSON object: base with changes, which are pairs of a name
// and raw JSON. Empty JSON leaves the member out.
func jsonObject(base []string, changes ...string) string {
	for i := 0; i < len(changes); i += 2 {
		base = withMember(base, changes[i], changes[i+1])
	}
	var parts []string
	for i := 0; i < len(base); i += 2 {
		if base[i+1] != "" {
			parts = append(parts, strconv.Quote(base[i])+":"+base[i+1])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func withMember(base []string, name, value string) []string {
	out := append([]string(nil), base...)
	for i := 0; i < len(out); i += 2 {
		if out[i] == name {
			out[i+1] = value
			return out
		}
	}
	return append(out, name, value)
}

func (f forger) header(changes ...string) string {
	return jsonObject([]string{"typ", `"certify+jwt"`, "alg", strconv.Quote(f.alg), "kid", strconv.Quote(f.kid)}, changes...)
}

// claimJSON is the payload of a good claim at noon, verified an hour before, with changes.
func claimJSON(changes ...string) string { return claimJSONAt(noon, changes...) }

func claimJSONAt(now time.Time, changes ...string) string {
	verified := now.Add(-time.Hour).Unix()
	return jsonObject([]string{
		"iss", `"https://shop.example"`, "aud", `"https://shop.example"`, "sub", `"member-7"`, "jti", `"0123456789abcdefghijkl"`,
		"iat", fmt.Sprint(verified + 5), "exp", fmt.Sprint(verified + 12*3600), "auth_time", fmt.Sprint(verified),
		"age", "36", "birth_year", "1990", "di_hash", `"4cPRvQXRbk4YoRE4SnMnxvTxoz1aA6Q9V8nOYh6UQpA"`,
		"foreigner", "false", "txn", `"GXVxBTbmCUZzPQ6YpKTz5YyQ0bC6yQdXWJmkTn0mUCg"`,
	}, changes...)
}

// token is the compact serialization of RFC 7515, section 7.1.
func (f forger) token(header, payload string) string {
	return f.seal(b64url.EncodeToString([]byte(header)) + "." + b64url.EncodeToString([]byte(payload)))
}

// seal signs segments as they are.
func (f forger) seal(input string) string {
	return input + "." + b64url.EncodeToString(f.sign(input))
}

// claim is a good token with changes to its payload.
func (f forger) claim(changes ...string) string { return f.token(f.header(), claimJSON(changes...)) }

// quiet are sessions of https://shop.example at noon, with all three keys.
func quiet(t testing.TB, change ...func(*certify.SessionConfig)) *certify.Sessions {
	t.Helper()
	cfg := certify.SessionConfig{
		Origin: "https://shop.example", Keys: testKeys(t, secretLine, ed25519Line, p256Line),
		Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := certify.NewSessions(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
