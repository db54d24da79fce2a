package certify

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A jwk is a public key as RFC 7517 writes it. The members that RFC 7638
// hashes come first, in its order.
type jwk struct {
	Crv string `json:"crv,omitempty"`
	Kty string `json:"kty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	Alg string `json:"alg,omitempty"`
	Kid string `json:"kid,omitempty"`
	Use string `json:"use,omitempty"`
}

// privateMembers are the members of private keys and secrets: of EC, OKP and
// RSA (RFC 7518, section 6; RFC 8037, section 2), of oct, and of AKP (RFC 9964).
var privateMembers = [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

func publicEd25519(pub ed25519.PublicKey) *key {
	j := &jwk{Crv: "Ed25519", Kty: "OKP", X: b64.EncodeToString(pub)}
	return &key{id: j.thumbprint(), method: methodEdDSA, verify: pub, public: j.published("EdDSA")}
}

func publicP256(pub *ecdsa.PublicKey) (*key, error) {
	point, err := pub.Bytes() // 0x04 ‖ x ‖ y
	if err != nil {
		return nil, err
	}
	j := &jwk{Crv: "P-256", Kty: "EC", X: b64.EncodeToString(point[1:33]), Y: b64.EncodeToString(point[33:])}
	return &key{id: j.thumbprint(), method: methodES256, verify: pub, public: j.published("ES256")}, nil
}

// thumbprint is RFC 7638's: the hash of the required members alone, in
// lexicographic order, which is the order of the struct.
func (j *jwk) thumbprint() string {
	required, _ := json.Marshal(jwk{Crv: j.Crv, Kty: j.Kty, X: j.X, Y: j.Y}) // strings always marshal
	sum := sha256.Sum256(required)
	return b64.EncodeToString(sum[:])
}

func (j *jwk) published(alg string) *jwk {
	j.Alg, j.Kid, j.Use = alg, j.thumbprint(), "sig"
	return j
}

// JWKS returns the public keys as a JSON Web Key Set (RFC 7517), without any
// secret. With HS256 only the list is empty, and the [Handler] answers 404
// under /jwks.json, where it serves the set else.
func (ks *Keys) JWKS() []byte {
	set := struct {
		Keys []*jwk `json:"keys"`
	}{Keys: []*jwk{}}
	for _, k := range ks.list {
		if k.public != nil {
			set.Keys = append(set.Keys, k.public)
		}
	}
	out, _ := json.Marshal(set) // strings always marshal
	return out
}

// ParseJWKS reads public keys, as [Keys.JWKS] writes them: Sessions made with
// them verify claims and cannot issue any. It refuses a set that holds a
// private key or a secret, a key without a kid, a point that is not on the
// curve or has a small order, or a member twice. It passes over keys that are
// of other types or for other uses (RFC 7517, section 5).
func ParseJWKS(b []byte) (*Keys, error) {
	set, err := members(b)
	switch {
	case errors.Is(err, errMemberTwice):
		return nil, errors.New("certify: the JWKS has a member twice")
	case err != nil:
		return nil, errors.New("certify: the JWKS is not a JSON object with a list of keys")
	}
	var raws []json.RawMessage
	if v := set.value("keys"); v != nil && json.Unmarshal(v, &raws) != nil {
		return nil, errors.New("certify: the JWKS is not a JSON object with a list of keys")
	}
	var list []*key
	for i, raw := range raws {
		k, err := parseJWK(raw)
		if err != nil {
			return nil, fmt.Errorf("certify: JWKS: key %d of %d: %w", i+1, len(raws), err)
		}
		if k != nil {
			list = append(list, k)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("certify: the JWKS holds no EdDSA or ES256 key")
	}
	return newKeys(list)
}

// parseJWK returns nil for a key that certify does not use.
func parseJWK(raw json.RawMessage) (*key, error) {
	o, err := members(raw)
	switch {
	case errors.Is(err, errMemberTwice):
		return nil, errors.New("it has a member twice")
	case err != nil:
		return nil, errors.New("it is not a JSON object with the members of a JWK")
	}
	// Some libraries write null for a member that a key does not have.
	o.members = slices.DeleteFunc(o.members, func(m member) bool { return string(m.value) == "null" })
	j := jwk{
		Kty: o.optionalText("kty"), Crv: o.optionalText("crv"), X: o.optionalText("x"), Y: o.optionalText("y"),
		Alg: o.optionalText("alg"), Kid: o.optionalText("kid"), Use: o.optionalText("use"),
	}
	if j.Kty == "oct" || o.hasPrivateMember() {
		return nil, errors.New("it is a private key or a secret, which a JWKS must not hold: replace that key by a new one, since all who read the set can sign with it")
	}
	var ops []string
	if v := o.value("key_ops"); v != nil {
		o.check("key_ops", json.Unmarshal(v, &ops) == nil)
	}
	if o.bad != "" {
		return nil, errors.New("it is not a JSON object with the members of a JWK: its " + o.bad + " is of another type")
	}
	if j.Use != "" && j.Use != "sig" || ops != nil && !slices.Contains(ops, "verify") {
		return nil, nil
	}
	switch j.Kty + " " + j.Crv + " " + cmp.Or(j.Alg, "any") {
	case "OKP Ed25519 EdDSA", "OKP Ed25519 any":
		return j.named(j.ed25519())
	case "EC P-256 ES256", "EC P-256 any":
		return j.named(j.p256())
	}
	return nil, nil
}

// hasPrivateMember looks at names in any case, since some parsers do, and
// whatever the value: an empty one is no reason to publish it.
func (o *object) hasPrivateMember() bool {
	return slices.ContainsFunc(o.members, func(m member) bool {
		return slices.ContainsFunc(privateMembers[:], func(name string) bool { return strings.EqualFold(name, string(m.name)) })
	})
}

// named gives k the id that the JWK states.
func (j *jwk) named(k *key, err error) (*key, error) {
	if err != nil {
		return nil, err
	}
	if len(j.Kid) > 128 || !isPrintable(j.Kid) {
		return nil, errors.New("it has no kid, or one that is not 1 to 128 printable ASCII characters")
	}
	k.id = j.Kid
	k.public.Kid = j.Kid
	return k, nil
}

func (j *jwk) ed25519() (*key, error) {
	x, err := decodeSegment(j.X)
	if err != nil || len(x) != ed25519.PublicKeySize {
		return nil, errors.New("its x is not 32 bytes of base64url")
	}
	if !isStrongEd25519(x) {
		return nil, errors.New("its x is not a point of Ed25519, or one of small order, under which anybody can sign")
	}
	return publicEd25519(x), nil
}

func (j *jwk) p256() (*key, error) {
	x, xerr := decodeSegment(j.X)
	y, yerr := decodeSegment(j.Y)
	if xerr != nil || yerr != nil || len(x) != 32 || len(y) != 32 {
		return nil, errors.New("its x and y are not 32 bytes of base64url each")
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil {
		return nil, errors.New("its x and y are not a point of P-256")
	}
	return publicP256(pub)
}

// serveJWKS publishes the keys with which other services verify. Where there
// are only secrets there is nothing to publish: 404.
func (h *Handler) serveJWKS(w http.ResponseWriter, r *http.Request) error {
	keys := h.sessions.keys.Load()
	if !keys.hasPublic() {
		return CodeNotFound
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err := w.Write(keys.JWKS())
	return ignore(err)
}
