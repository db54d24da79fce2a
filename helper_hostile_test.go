package certify_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

// A hostile is a token that must be refused, with the Code and with words of
// the reason that the operator is given: a row that is refused for another
// reason than its own tests nothing.
type hostile struct {
	name, token string
	code        certify.Code
	why         string
}

// forgers are those who hold the keys of [quiet]: what they sign is refused
// for what it says, and not for its signature.
type forgers struct{ hs, ed, es forger }

func newForgers(t testing.TB) forgers {
	return forgers{hs256Forger(t, secretLine), eddsaForger(t, ed25519Line), es256Forger(t, p256Line)}
}

func hostileTokens(t testing.TB) []hostile {
	f := newForgers(t)
	return slices.Concat(f.misshapen(t), f.miscoded(t), f.badHeaders(), f.badKeyIDs(), f.confusedAlgs(t), f.badSignatures(t), f.badTimes(), f.badClaims(), f.badNames())
}

const (
	malformed = certify.CodeClaimMalformed
	wrongKey  = certify.CodeClaimWrongKey
	wrongAud  = certify.CodeClaimWrongAudience
)

// misshapen have not the shape of RFC 7515, section 7.1.
func (f forgers) misshapen(t testing.TB) []hostile {
	good := f.hs.claim()
	part := strings.Split(good, ".")
	return []hostile{
		{"empty", "", malformed, "three parts"},
		{"one part", part[0], malformed, "three parts"},
		{"two parts", part[0] + "." + part[1], malformed, "three parts"},
		{"a dot at the end", good + ".", malformed, "three parts"},
		{"two dots at the end", good + "..", malformed, "three parts"},
		{"four dots alone", "....", malformed, "three parts"},
		{"five parts, as JWE", part[0] + ".a.b.c." + part[2], malformed, "three parts"},
		{"10,000 dots", strings.Repeat(".", 10_000), malformed, "longer"},
		{"2,049 bytes, well signed", padded(t, f.hs, 2049), malformed, "longer"},
		{"a megabyte", strings.Repeat("e", 1<<20), malformed, "longer"},
		{"flattened JSON serialization", `{"payload":"` + part[1] + `","protected":"` + part[0] + `","signature":"` + part[2] + `"}`, malformed, "three parts"},
		{"general JSON serialization", `{"payload":"` + part[1] + `","signatures":[{"protected":"` + part[0] + `","signature":"` + part[2] + `"}]}`, malformed, "three parts"},
		{"empty header", "." + part[1] + "." + part[2], malformed, "its header is not a JSON object"},
		{"empty payload", part[0] + ".." + part[2], wrongKey, "signature does not verify"},
		{"empty payload, well signed", f.hs.token(f.hs.header(), ""), malformed, "its payload is not a JSON object"},
		{"empty signature", part[0] + "." + part[1] + ".", wrongKey, "signature does not verify"},
		{"with the scheme before it", "Bearer " + good, malformed, "strict base64url"},
		{"in quotes", `"` + good + `"`, malformed, "strict base64url"},
		{"a BOM before it", "\ufeff" + good, malformed, "strict base64url"},
		{"white space before it", " " + good, malformed, "strict base64url"},
		{"a line end after it", good + "\n", malformed, "strict base64url"},
		{"a NUL after it", good + "\x00", malformed, "strict base64url"},
		{"another's payload under this signature", part[0] + "." + b64url.EncodeToString([]byte(claimJSON("age", "99"))) + "." + part[2], wrongKey, "signature does not verify"},
		{"another's header under this signature", b64url.EncodeToString([]byte(f.hs.header()+" ")) + "." + part[1] + "." + part[2], wrongKey, "signature does not verify"},
	}
}

// padded is a good token of exactly n bytes.
func padded(t testing.TB, f forger, n int) string {
	t.Helper()
	for i := range n {
		if token := f.claim("x", `"`+strings.Repeat("x", i)+`"`); len(token) == n {
			return token
		}
	}
	t.Fatalf("no token has %d bytes", n)
	return ""
}

// miscoded are not strict base64url (RFC 7515, section 2), though their
// signature is good over the bytes as they stand.
func (f forgers) miscoded(t testing.TB) []hostile {
	header, body := b64url.EncodeToString([]byte(f.hs.header())), b64url.EncodeToString([]byte(claimJSON()))
	std := base64.RawStdEncoding.EncodeToString([]byte(claimJSON("x", `"???>>>"`)))
	if !strings.ContainsAny(std, "+/") {
		t.Fatal("the standard alphabet does not differ here")
	}
	good := f.hs.seal(header + "." + body)
	signature := good[strings.LastIndex(good, ".")+1:]
	stdSignature := ""
	for i := 0; !strings.ContainsAny(stdSignature, "+/"); i++ {
		token := f.hs.claim("x", fmt.Sprint(i))
		dot := strings.LastIndex(token, ".")
		stdSignature = token[:dot] + strings.NewReplacer("-", "+", "_", "/").Replace(token[dot:])
	}
	rows := []hostile{
		{"signature in the standard alphabet", stdSignature, malformed, "its signature is not strict base64url"},
		{"payload in the standard alphabet", f.hs.seal(header + "." + std), malformed, "its payload is not strict base64url"},
		{"header not base64 at all", f.hs.seal("{}." + body), malformed, "its header is not strict base64url"},
	}
	for _, tc := range []struct {
		name  string
		spoil func(segment string) string
	}{
		{"with padding", func(s string) string { return s + "=" }},
		{"with trailing bits", trailingBits},
		{"with a line end inside", func(s string) string { return s[:9] + "\n" + s[9:] }},
		{"with a carriage return inside", func(s string) string { return s[:9] + "\r" + s[9:] }},
		{"with a blank inside", func(s string) string { return s[:9] + " " + s[9:] }},
		{"with a percent escape", func(s string) string { return s[:9] + "%41" + s[10:] }},
		{"with a character outside ASCII", func(s string) string { return s[:9] + "Ａ" + s[10:] }},
	} {
		rows = append(rows,
			hostile{"header " + tc.name, f.hs.seal(tc.spoil(header) + "." + body), malformed, "its header is not strict base64url"},
			hostile{"payload " + tc.name, f.hs.seal(header + "." + tc.spoil(spare(body))), malformed, "its payload is not strict base64url"},
			hostile{"signature " + tc.name, header + "." + body + "." + tc.spoil(signature), malformed, "its signature is not strict base64url"},
		)
	}
	return rows
}

// spare makes the segment one whose last character has bits to spare.
func spare(segment string) string {
	for len(segment)%4 == 0 {
		raw, _ := b64url.DecodeString(segment)
		segment = b64url.EncodeToString(append(raw, ' '))
	}
	return segment
}

// trailingBits changes bits that the decoded bytes do not hold.
func trailingBits(segment string) string {
	segment = spare(segment)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(segment) - 1
	return segment[:last] + string(alphabet[strings.IndexByte(alphabet, segment[last])+1])
}

// badHeaders break RFC 8725, sections 3.10 and 3.11, or bring what no claim
// of ours has.
func (f forgers) badHeaders() (rows []hostile) {
	add := func(name, header, why string) {
		rows = append(rows, hostile{name, f.hs.token(header, claimJSON()), malformed, why})
	}
	for _, typ := range []string{`"JWT"`, `"at+jwt"`, `"certify-attempt+jwt"`, `"CERTIFY+JWT"`, `"application/certify+jwt"`, `""`} {
		add("typ "+typ, f.hs.header("typ", typ), "typ is not certify+jwt")
	}
	for _, name := range []string{"typ", "alg", "kid"} {
		for _, value := range []string{"", "null", "1", `["certify+jwt"]`, `{}`, "true"} {
			add(name+" as "+value, f.hs.header(name, value), "header has no "+name)
		}
		add(name+" in capitals alone", f.hs.header(name, "", strings.ToUpper(name), `"HS256"`), "header has no "+name)
		add(name+" twice", strings.Replace(f.hs.header(), "{", `{"`+name+`":"x",`, 1), "header has a member twice")
		add(name+" in capitals, too", f.hs.header(strings.ToUpper(name), `"HS256"`), "more than typ, alg and kid")
	}
	for _, extra := range [][2]string{
		{"jwk", `{"kty":"oct","k":"AQID"}`}, {"jku", `"https://attacker.example/jwks.json"`}, {"x5u", `"https://attacker.example/x"`},
		{"x5c", `["MII"]`}, {"x5t", `"AQID"`}, {"crit", `["exp"]`}, {"crit", `[]`}, {"crit", `["b64"]`}, {"b64", "false"},
		{"zip", `"DEF"`}, {"enc", `"A128GCM"`}, {"p2c", "1000000000"}, {"cty", `"JWT"`}, {"nonce", `"x"`}, {"", `"x"`},
	} {
		add(extra[0]+" "+extra[1], f.hs.header(extra[0], extra[1]), "more than typ, alg and kid")
	}
	for _, tc := range [][3]string{
		{"a list", "[" + f.hs.header() + "]", "header is not a JSON object"},
		{"a string", `"x"`, "header is not a JSON object"},
		{"null", "null", "header is not a JSON object"},
		{"not JSON", "typ", "header is not a JSON object"},
		{"cut off", f.hs.header()[:40], "header is not valid JSON"},
		{"with a comma too many", strings.Replace(f.hs.header(), "}", ",}", 1), "header is not valid JSON"},
		{"empty object", "{}", "header has no typ"},
		{"with a second object after it", f.hs.header() + f.hs.header(), "header is not valid JSON"},
		{"with a BOM", "\ufeff" + f.hs.header(), "header is not a JSON object"},
		{"not UTF-8", strings.Replace(f.hs.header(), "HS256", "HS\xff256", 1), "header is not a JSON object"},
		{"100 levels deep", strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), "header has no typ"},
	} {
		add("header "+tc[0], tc[1], tc[2])
	}
	return rows
}

// badKeyIDs name no key. A kid is compared, and never is a path, a query or a
// hint to try the other keys.
func (f forgers) badKeyIDs() (rows []hostile) {
	long := strings.Repeat("k", 10<<10)
	for name, kid := range map[string]string{
		"empty": "", "a path": "../../dev/null", "with a NUL": f.hs.kid + "\u0000", "SQL": "' OR 1=1 --", "unknown": "AAAAAAAAAAAAAAAA",
		"in another case": strings.ToUpper(f.hs.kid), "with a blank": f.hs.kid + " ", "the first half": f.hs.kid[:8], "of 1 KB": long[:1000],
	} {
		text, _ := json.Marshal(kid)
		rows = append(rows, hostile{"kid " + name, f.hs.token(f.hs.header("kid", string(text)), claimJSON()), wrongKey, "kid names no key"})
	}
	return append(rows, hostile{"kid of 10 KB", f.hs.token(f.hs.header("kid", `"`+long+`"`), claimJSON()), malformed, "longer"})
}

// confusedAlgs are RFC 8725, sections 2.1 and 3.1: the key decides.
func (f forgers) confusedAlgs(t testing.TB) (rows []hostile) {
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS384", "HS512", "RS256", "PS256", "EdDSA", "ES256", "Ed25519"} {
		header := f.hs.header("alg", `"`+alg+`"`)
		unsigned := b64url.EncodeToString([]byte(header)) + "." + b64url.EncodeToString([]byte(claimJSON())) + "."
		rows = append(rows,
			hostile{"alg " + alg + ", unsigned", unsigned, wrongKey, "alg is not that of its key"},
			hostile{"alg " + alg + ", signed", f.hs.token(header, claimJSON()), wrongKey, "alg is not that of its key"},
		)
	}
	for owner, secrets := range publicForms(t) {
		victim := map[string]forger{"EdDSA": f.ed, "ES256": f.es}[owner]
		for form, secret := range secrets {
			mac := forger{"HS256", victim.kid, hmacSHA256(secret)}
			rows = append(rows, hostile{"HS256 with the " + owner + " public key as " + form, mac.claim(), wrongKey, "alg is not that of its key"})
			mac.alg = owner
			rows = append(rows, hostile{"an HMAC with the " + owner + " public key as " + form, mac.claim(), wrongKey, "signature does not verify"})
		}
	}
	return append(rows,
		hostile{"EdDSA's token under the kid of ES256", forger{"ES256", f.es.kid, f.ed.sign}.claim(), wrongKey, "signature does not verify"},
		hostile{"HS256 under the kid of EdDSA", forger{"HS256", f.ed.kid, f.hs.sign}.claim(), wrongKey, "alg is not that of its key"},
		hostile{"signed with the key of attempts", forger{"HS256", f.hs.kid, hmacSHA256(derive(t, keyBytes(t, secretLine), "certify attempt v1", 32))}.claim(), wrongKey, "signature does not verify"},
		hostile{"signed with an empty secret", forger{"HS256", f.hs.kid, hmacSHA256(nil)}.claim(), wrongKey, "signature does not verify"},
	)
}

// publicForms are what an attacker may take for a shared secret.
func publicForms(t testing.TB) map[string]map[string][]byte {
	t.Helper()
	jwks, err := certify.ParseKeys(ed25519Line + "," + p256Line)
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(jwks.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	ed, es := edPublic(t, ed25519Line), &p256Key(t, p256Line).PublicKey
	point, err := es.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]map[string][]byte{
		"EdDSA": {"bytes": ed, "DER": derOf(t, ed), "PEM": pemOf(t, ed), "JWK": set.Keys[0], "JWKS": jwks.JWKS()},
		"ES256": {"bytes": point, "DER": derOf(t, es), "PEM": pemOf(t, es), "JWK": set.Keys[1], "JWKS": jwks.JWKS()},
	}
}

func derOf(t testing.TB, pub any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func pemOf(t testing.TB, pub any) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: derOf(t, pub)})
}

// badSignatures are CVE-2022-21449 and its kin, with bytes of the right and
// of wrong lengths.
func (f forgers) badSignatures(t testing.TB) (rows []hostile) {
	n := p256Key(t, p256Line).Params().N
	zero, one := new(big.Int), big.NewInt(1)
	for name, sig := range map[string][]byte{
		"r = s = 0": rawSignature(zero, zero), "r = 0": rawSignature(zero, one), "s = 0": rawSignature(one, zero), "r = s = 1": rawSignature(one, one),
		"r = s = n": rawSignature(n, n), "63 bytes": make([]byte, 63), "65 bytes": make([]byte, 65), "ones": []byte(strings.Repeat("\xff", 64)),
		"DER": []byte("\x30\x06\x02\x01\x01\x02\x01\x01"), "empty": nil,
	} {
		forged := func(string) []byte { return sig }
		rows = append(rows,
			hostile{"ES256, " + name, forger{"ES256", f.es.kid, forged}.claim(), wrongKey, "signature does not verify"},
			hostile{"EdDSA, " + name, forger{"EdDSA", f.ed.kid, forged}.claim(), wrongKey, "signature does not verify"},
			hostile{"HS256, " + name, forger{"HS256", f.hs.kid, forged}.claim(), wrongKey, "signature does not verify"},
		)
	}
	truncated := func(input string) []byte { return f.hs.sign(input)[:16] }
	longer := func(input string) []byte { return append(f.hs.sign(input), 0) }
	swapped := func(input string) []byte { sig := f.es.sign(input); return append(sig[32:], sig[:32]...) }
	return append(rows,
		hostile{"HS256, truncated", forger{"HS256", f.hs.kid, truncated}.claim(), wrongKey, "signature does not verify"},
		hostile{"HS256, with a byte more", forger{"HS256", f.hs.kid, longer}.claim(), wrongKey, "signature does not verify"},
		hostile{"ES256, halves swapped", forger{"ES256", f.es.kid, swapped}.claim(), wrongKey, "signature does not verify"},
	)
}
