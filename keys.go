package certify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// b64 is the base64url of JOSE: without padding, and refusing trailing bits.
var b64 = base64.RawURLEncoding.Strict()

// Prefixes of key lines. A line says what it is, so that a secret is never
// taken for a public key, nor a pepper for a key.
const (
	prefixHS256  = "hs256-secret:"
	prefixEdDSA  = "eddsa-private:"
	prefixES256  = "es256-private:"
	prefixPepper = "pepper:"
)

const (
	minSecret = 32 // bytes: RFC 7518, section 3.2, for HS256
	maxKeys   = 32
)

// Our own, since golang-jwt's are variables that any package may change.
var (
	methodHS256 = &jwt.SigningMethodHMAC{Name: "HS256", Hash: crypto.SHA256}
	methodES256 = &jwt.SigningMethodECDSA{Name: "ES256", Hash: crypto.SHA256, KeySize: 32, CurveBits: 256}
	methodEdDSA = &jwt.SigningMethodEd25519{}
)

// Keys sign and verify claims. The first key signs, all verify; a token names
// its key by kid, and the key decides the algorithm. Keys do not change.
type Keys struct {
	list []*key
	byID map[string]*key
}

type key struct {
	id      string
	method  jwt.SigningMethod
	verify  any
	sign    any    // nil for a public key
	attempt []byte // derived from the private part; nil for a public key
	public  *jwk   // nil for a secret
}

// ParseKeys reads key lines as [GenerateKey] and the command "certify keygen"
// make them, separated by commas or white space: HS256 secrets of at least 32
// bytes, and EdDSA and ES256 private keys. To rotate, deploy "old,new"
// everywhere, then "new,old", then "new". Errors do not repeat the input.
func ParseKeys(s string) (*Keys, error) {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
	if len(lines) == 0 {
		return nil, errors.New(`certify: no keys: make one with "certify keygen"`)
	}
	list := make([]*key, len(lines))
	for i, line := range lines {
		k, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("certify: key %d of %d: %w", i+1, len(lines), err)
		}
		list[i] = k
	}
	return newKeys(list)
}

func newKeys(list []*key) (*Keys, error) {
	if len(list) > maxKeys {
		return nil, fmt.Errorf("certify: %d keys are more than the %d allowed", len(list), maxKeys)
	}
	ks := &Keys{list, make(map[string]*key, len(list))}
	for i, k := range list {
		if ks.byID[k.id] != nil {
			return nil, fmt.Errorf("certify: key %d has the same id as an earlier one", i+1)
		}
		ks.byID[k.id] = k
	}
	return ks, nil
}

func parseKey(line string) (*key, error) {
	for prefix, parse := range map[string]func([]byte) (*key, error){
		prefixHS256: newHS256, prefixEdDSA: newEdDSA, prefixES256: newES256,
	} {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			raw, err := b64.DecodeString(rest)
			if err != nil {
				return nil, errors.New("it is not base64url without padding after its prefix")
			}
			return parse(raw)
		}
	}
	if strings.HasPrefix(line, "{") {
		return nil, errors.New("it looks like a JWKS: public keys are read by ParseJWKS")
	}
	return nil, fmt.Errorf(`it does not start with %q, %q or %q: make one with "certify keygen"`, prefixHS256, prefixEdDSA, prefixES256)
}

func newHS256(secret []byte) (*key, error) {
	if len(secret) < minSecret {
		return nil, fmt.Errorf("the HS256 secret has %d bytes, at least %d are needed", len(secret), minSecret)
	}
	// A kid from the secret itself cannot be assigned wrongly. It gives an
	// attacker no more to guess against than any signature does.
	id, err := hkdf.Key(sha256.New, secret, nil, "certify kid v1", 12)
	if err != nil {
		return nil, err
	}
	return privateKey(&key{id: b64.EncodeToString(id), method: methodHS256, verify: secret, sign: secret}, secret)
}

func newEdDSA(seed []byte) (*key, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the EdDSA private key has %d bytes, it must have %d", len(seed), ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	k := publicEd25519(private.Public().(ed25519.PublicKey))
	k.sign = private
	return privateKey(k, seed)
}

func newES256(scalar []byte) (*key, error) {
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		return nil, errors.New("it is not an ES256 private key: 32 bytes, in the range of P-256")
	}
	k, err := publicP256(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	k.sign = private
	return privateKey(k, scalar)
}

// privateKey derives what signs attempts, under a label of its own: an attempt
// is never a claim, and public keys cannot make attempts.
func privateKey(k *key, secret []byte) (_ *key, err error) {
	k.attempt, err = hkdf.Key(sha256.New, secret, nil, "certify attempt v1", 32)
	return k, err
}

// GenerateKey makes a key line for [ParseKeys]; alg is HS256, EdDSA or ES256.
// HS256 is the fastest; take one of the others where a service other than the
// issuer verifies claims.
func GenerateKey(alg string) (string, error) {
	prefix, ok := map[string]string{"HS256": prefixHS256, "EdDSA": prefixEdDSA, "ES256": prefixES256}[alg]
	switch {
	case !ok:
		return "", fmt.Errorf("certify: no algorithm %q: take HS256, EdDSA or ES256", alg)
	case alg == "ES256":
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", err
		}
		scalar, err := private.Bytes()
		return prefix + b64.EncodeToString(scalar), err
	}
	return prefix + randomSecret(), nil
}

// GeneratePepper makes a line for [ParsePepper].
func GeneratePepper() string { return prefixPepper + randomSecret() }

func randomSecret() string {
	raw := make([]byte, minSecret)
	_, _ = rand.Read(raw) // never fails
	return b64.EncodeToString(raw)
}

// ParsePepper reads the line that [GeneratePepper] and "certify keygen
// -pepper" make: the key of the DI hash, at least 32 bytes. It must outlive
// the signing keys, since with it every person's hash changes.
func ParsePepper(s string) ([]byte, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), prefixPepper)
	if !ok {
		return nil, fmt.Errorf(`certify: the pepper does not start with %q: make one with "certify keygen -pepper"`, prefixPepper)
	}
	pepper, err := b64.DecodeString(rest)
	if err != nil {
		return nil, errors.New("certify: the pepper is not base64url without padding after its prefix")
	}
	if len(pepper) < minSecret {
		return nil, fmt.Errorf("certify: the pepper has %d bytes, at least %d are needed", len(pepper), minSecret)
	}
	return pepper, nil
}

// CanSign reports whether the first key is a private one.
func (ks *Keys) CanSign() bool { return ks != nil && len(ks.list) > 0 && ks.list[0].sign != nil }

// verifier finds the key that a kid names, and no other.
func (ks *Keys) verifier(kid string) (signer, any) {
	if k := ks.byID[kid]; k != nil {
		return k.method, k.verify
	}
	return nil, nil
}

func (ks *Keys) hasPublic() bool {
	return slices.ContainsFunc(ks.list, func(k *key) bool { return k.public != nil })
}

// String gives the number of keys, and nothing of them.
func (ks *Keys) String() string {
	if ks == nil {
		return "no keys"
	}
	return fmt.Sprintf("%d keys, [redacted]", len(ks.list))
}

// Format prints the number of keys, whatever the verb.
func (ks *Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, ks.String()) }

// LogValue gives the number of keys.
func (ks *Keys) LogValue() slog.Value { return slog.StringValue(ks.String()) }
