package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	gojwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/recipes/jose"
)

var algs = []string{"HS256", "EdDSA", "ES256"}

// privateKey is a line's key as the other libraries take it.
func privateKey(t *testing.T, alg string) any {
	t.Helper()
	_, text, _ := strings.Cut(lines[alg], ":")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	switch alg {
	case "EdDSA":
		return ed25519.NewKeyFromSeed(raw)
	case "ES256":
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
		if err != nil {
			t.Fatal(err)
		}
		return private
	}
	return raw
}

// keyID is the kid of a line: RFC 7638's, by go-jose, for key pairs.
func keyID(t *testing.T, alg string) string {
	t.Helper()
	if secret, ok := privateKey(t, alg).([]byte); ok {
		id, err := hkdf.Key(sha256.New, secret, nil, "certify kid v1", 12)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(id)
	}
	print, err := (&gojose.JSONWebKey{Key: privateKey(t, alg)}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(print)
}

// goJoseKeys is the issuer's JWKS; a secret is never in one, and shared by hand.
func goJoseKeys(t *testing.T, i issuer, alg string) (set gojose.JSONWebKeySet) {
	t.Helper()
	if alg == "HS256" {
		return gojose.JSONWebKeySet{Keys: []gojose.JSONWebKey{{Key: privateKey(t, alg), KeyID: keyID(t, alg), Algorithm: alg}}}
	}
	if err := json.Unmarshal(i.jwks(), &set); err != nil {
		t.Fatal(err)
	}
	return set
}

func jwxKeys(t *testing.T, i issuer, alg string) jwk.Set {
	t.Helper()
	if alg != "HS256" {
		set, err := jwk.Parse(i.jwks())
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	key, err := jwk.Import(privateKey(t, alg))
	set := jwk.NewSet()
	if err := errors.Join(err, key.Set(jwk.KeyIDKey, keyID(t, alg)), key.Set(jwk.AlgorithmKey, jwa.HS256()), set.AddKey(key)); err != nil {
		t.Fatal(err)
	}
	return set
}

// What certify signs, the others verify, and refuse where they should.
func TestOthersVerifyOurs(t *testing.T) {
	t.Parallel()
	for _, alg := range algs {
		i := newIssuer(t, alg)
		token := i.token()
		keys, set := goJoseKeys(t, i, alg), jwxKeys(t, i, alg)
		for lib, verify := range map[string]func(string, jose.Expected) (*jose.Claim, error){
			"go-jose": func(token string, want jose.Expected) (*jose.Claim, error) {
				return jose.VerifyWithGoJose(token, keys, want)
			},
			"jwx": func(token string, want jose.Expected) (*jose.Claim, error) {
				return jose.VerifyWithJWX(token, set, want)
			},
		} {
			t.Run(alg+" by "+lib, func(t *testing.T) {
				t.Parallel()
				c, err := verify(token, jose.Expected{Issuer: i.URL, Audience: i.URL, Now: noon})
				if err != nil {
					t.Fatal(err)
				}
				if len(c.ID) != 22 || c.Subject != "member-7" || !c.AuthTime.Equal(noon) || c.Age != 36 || c.BirthYear != 1990 {
					t.Errorf("claim %+v", c)
				}
				for name, bad := range map[string]struct {
					token string
					want  jose.Expected
				}{
					"another issuer":   {token, jose.Expected{Issuer: "https://other.example", Audience: i.URL, Now: noon}},
					"another audience": {token, jose.Expected{Issuer: i.URL, Audience: "https://other.example", Now: noon}},
					"expired":          {token, jose.Expected{Issuer: i.URL, Audience: i.URL, Now: noon.Add(12 * time.Hour)}},
					"changed":          {token[:len(token)-8] + "AAAAAAAA", jose.Expected{Issuer: i.URL, Audience: i.URL, Now: noon}},
					"another key":      {goJoseSigned(t, alg, jose.Type, otherKey(t, alg), payload(i.URL)), jose.Expected{Issuer: i.URL, Audience: i.URL, Now: noon}},
					"another type":     {goJoseToken(t, alg, "JWT", payload(i.URL)), jose.Expected{Issuer: i.URL, Audience: i.URL, Now: noon}},
				} {
					if c, err := verify(bad.token, bad.want); err == nil {
						t.Errorf("%s: claim %+v", name, c)
					}
				}
			})
		}
	}
}

// otherKey is one that nobody published.
func otherKey(t *testing.T, alg string) any {
	t.Helper()
	switch alg {
	case "EdDSA":
		return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	case "ES256":
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return private
	}
	return make([]byte, 32)
}

func payload(origin string) map[string]any {
	return map[string]any{
		"iss": origin, "aud": origin, "sub": "member-7", "jti": "jti-1", "iat": noon.Unix(), "auth_time": noon.Unix(), "exp": noon.Unix() + 3600,
		"age": 36, "birth_year": 1990, "txn": "txn-1",
	}
}

func goJoseToken(t *testing.T, alg, typ string, payload map[string]any) string {
	t.Helper()
	return goJoseSigned(t, alg, typ, privateKey(t, alg), payload)
}

func goJoseSigned(t *testing.T, alg, typ string, key any, payload map[string]any) string {
	t.Helper()
	options := (&gojose.SignerOptions{}).WithType(gojose.ContentType(typ)).WithHeader("kid", keyID(t, alg))
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(alg), Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	token, err := gojwt.Signed(signer).Claims(payload).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func jwxToken(t *testing.T, alg, typ string, payload map[string]any) string {
	t.Helper()
	token, headers := jwt.New(), jws.NewHeaders()
	var errs []error
	for name, value := range payload {
		errs = append(errs, token.Set(name, value))
	}
	errs = append(errs, headers.Set(jws.TypeKey, typ), headers.Set(jws.KeyIDKey, keyID(t, alg)))
	algorithm, ok := jwa.LookupSignatureAlgorithm(alg)
	if err := errors.Join(errs...); err != nil || !ok {
		t.Fatal(err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(algorithm, privateKey(t, alg), jws.WithProtectedHeaders(headers)))
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// What the others sign, certify verifies, and refuses where it should. jwx
// writes aud as a list.
func TestWeVerifyOthers(t *testing.T) {
	t.Parallel()
	const origin = "https://shop.example"
	changed := func(name string, value any) map[string]any {
		p := payload(origin)
		p[name] = value
		return p
	}
	for _, alg := range algs {
		for lib, sign := range map[string]func(*testing.T, string, string, map[string]any) string{"go-jose": goJoseToken, "jwx": jwxToken} {
			t.Run(alg+" by "+lib, func(t *testing.T) {
				t.Parallel()
				for _, tc := range []struct {
					name, token string
					want        error
				}{
					{"good", sign(t, alg, jose.Type, payload(origin)), nil},
					{"aud as a list", sign(t, alg, jose.Type, changed("aud", []string{"https://other.example", origin})), nil},
					{"another type", sign(t, alg, "JWT", payload(origin)), certify.CodeClaimMalformed},
					{"expired", sign(t, alg, jose.Type, changed("exp", noon.Unix()+1)), certify.CodeClaimExpired},
					{"another issuer", sign(t, alg, jose.Type, changed("iss", "https://other.example")), certify.CodeClaimWrongAudience},
					{"another audience", sign(t, alg, jose.Type, changed("aud", "https://other.example")), certify.CodeClaimWrongAudience},
				} {
					c, err := reader(t, alg).Read(t.Context(), tc.token)
					if !errors.Is(err, tc.want) || (c == nil) == (tc.want == nil) {
						t.Errorf("%s: claim %v, error %v", tc.name, c, err)
					}
					if c != nil && (c.ID != "jti-1" || c.Age != 36 || c.Subject != "member-7" || !c.AuthTime.Equal(noon)) {
						t.Errorf("%s: claim %+v", tc.name, c)
					}
				}
			})
		}
	}
}

// reader reads with the keys that the others publish, or with a shared secret.
func reader(t *testing.T, alg string) *certify.Sessions {
	t.Helper()
	keys := parseKeys(t, lines["HS256"])
	if alg != "HS256" {
		public := (&gojose.JSONWebKey{Key: privateKey(t, alg), KeyID: keyID(t, alg), Algorithm: alg, Use: "sig"}).Public()
		set, err := json.Marshal(gojose.JSONWebKeySet{Keys: []gojose.JSONWebKey{public}})
		if err != nil {
			t.Fatal(err)
		}
		if keys, err = certify.ParseJWKS(set); err != nil {
			t.Fatal(err)
		}
	}
	s, err := certify.NewSessions(certify.SessionConfig{
		Origin: "https://shop.example", Keys: keys, Now: func() time.Time { return noon.Add(time.Second) },
		Logger: slog.New(slog.DiscardHandler), InsecureForgetRevocations: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A JWKS with a private key in it, as either library writes one by mistake,
// is refused.
func TestPrivateKeysOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	for _, alg := range algs {
		mine := gojose.JSONWebKey{Key: privateKey(t, alg), KeyID: "k", Algorithm: alg}
		byGoJose, err := json.Marshal(gojose.JSONWebKeySet{Keys: []gojose.JSONWebKey{mine}})
		if err != nil {
			t.Fatal(err)
		}
		key, err := jwk.Import(privateKey(t, alg))
		set := jwk.NewSet()
		if err := errors.Join(err, key.Set(jwk.KeyIDKey, "k"), set.AddKey(key)); err != nil {
			t.Fatal(err)
		}
		byJWX, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{byGoJose, byJWX} {
			if _, err := certify.ParseJWKS(text); err == nil || !strings.Contains(err.Error(), "private key or a secret") {
				t.Errorf("%s: error %v", alg, err)
			}
		}
	}
}
