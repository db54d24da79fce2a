package certify_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

func TestParseKeys(t *testing.T) {
	t.Parallel()
	many := make([]string, 33)
	for i := range many {
		many[i] = "hs256-secret:" + b64url.EncodeToString(bytes.Repeat([]byte{byte(i)}, 32))
	}
	for _, tc := range []struct{ name, lines, want string }{
		{"one", secretLine, ""},
		{"three, by commas", secretLine + "," + ed25519Line + "," + p256Line, ""},
		{"three, by lines", "\n" + secretLine + "\r\n" + ed25519Line + "\n\t" + p256Line + "\n", ""},
		{"blanks around commas", " " + secretLine + " , " + ed25519Line + " ,", ""},
		{"a secret of 64 bytes", "hs256-secret:" + b64url.EncodeToString(make([]byte, 64)), ""},
		{"32 keys", strings.Join(many[:32], ","), ""},

		{"nothing", "", "certify keygen"},
		{"white space", " \n", "certify keygen"},
		{"commas", ",,", "certify keygen"},
		{"a bare secret", strings.TrimPrefix(secretLine, "hs256-secret:"), "does not start with"},
		{"a passphrase", "correct-horse-battery-staple-correct-horse", "does not start with"},
		{"a prefix in capitals", strings.ToUpper(secretLine), "does not start with"},
		{"a pepper", "pepper:" + strings.Repeat("A", 43), "does not start with"},
		{"PEM", "-----BEGIN PRIVATE KEY-----", "does not start with"},
		{"a JWKS", `{"keys":[]}`, "ParseJWKS"},
		{"an empty secret", "hs256-secret:", "has 0 bytes, at least 32"},
		{"a secret of 31 bytes", "hs256-secret:" + b64url.EncodeToString(make([]byte, 31)), "has 31 bytes, at least 32"},
		{"padded", secretLine + "=", "not base64url"},
		{"in the standard alphabet", "hs256-secret:" + base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 33)), "not base64url"},
		{"trailing bits", "hs256-secret:" + strings.Repeat("A", 42) + "B", "not base64url"},
		{"hexadecimal", "hs256-secret:" + hex.EncodeToString(make([]byte, 10)), "has 15 bytes"},
		{"an Ed25519 seed of 31 bytes", "eddsa-private:" + b64url.EncodeToString(make([]byte, 31)), "has 31 bytes, it must have 32"},
		{"an Ed25519 key of 64 bytes", "eddsa-private:" + b64url.EncodeToString(make([]byte, 64)), "has 64 bytes, it must have 32"},
		{"a P-256 key of 0", "es256-private:" + b64url.EncodeToString(make([]byte, 32)), "not an ES256 private key"},
		{"a P-256 key beyond the order", "es256-private:" + b64url.EncodeToString(bytes.Repeat([]byte{0xff}, 32)), "not an ES256 private key"},
		{"a P-256 key of 31 bytes", "es256-private:" + b64url.EncodeToString(bytes.Repeat([]byte{1}, 31)), "not an ES256 private key"},
		{"the second is bad", secretLine + ",hs256-secret:AAAA", "key 2 of 2"},
		{"twice the same", secretLine + "," + ed25519Line + "," + secretLine, "key 3 has the same id"},
		{"33 keys", strings.Join(many, ","), "33 keys are more than the 32 allowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			keys, err := certify.ParseKeys(tc.lines)
			switch {
			case tc.want == "" && (err != nil || !keys.CanSign()):
				t.Fatal(err)
			case tc.want != "" && (keys != nil || err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Fatalf("keys %v, error %v; want %q", keys, err, tc.want)
			case err != nil && len(tc.lines) > 40 && strings.Contains(err.Error(), tc.lines[13:40]):
				t.Errorf("the error repeats the secret: %v", err)
			}
		})
	}
}

// The first key signs: see also TestRotation for those that follow.
func TestTheFirstKeySigns(t *testing.T) {
	t.Parallel()
	f := newForgers(t)
	for _, tc := range []struct {
		name  string
		lines []string
		by    forger
	}{
		{"HS256", []string{secretLine, p256Line, ed25519Line}, f.hs},
		{"EdDSA", []string{ed25519Line, secretLine, p256Line}, f.ed},
		{"ES256", []string{p256Line, ed25519Line, secretLine}, f.es},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Keys = testKeys(t, tc.lines...) }}).browser()
			b.pass()
			header, _, _ := strings.Cut(b.cookie("certify"), ".")
			if got := segment(t, header); got != tc.by.header() {
				t.Errorf("header %s, want %s", got, tc.by.header())
			}
			if a := b.get("/cellar"); a.StatusCode != 200 {
				t.Errorf("the gate answers %d", a.StatusCode)
			}
		})
	}
}

// The id of a secret is part of the format: another release must find the key
// of a token that this one signed.
func TestKeyIDOfASecret(t *testing.T) {
	t.Parallel()
	const want = "EuQ07H9KdhG6b1jF"
	if got := newForgers(t).hs.kid; got != want {
		t.Errorf("the tests' own derivation gives %q, want %q", got, want)
	}
}

// Attempts are signed with a key of their own, made from the private part
// under a label: whoever has the public key can make none, and no attempt is a
// claim even if nobody looked at its type.
func TestAttemptsHaveAKeyOfTheirOwn(t *testing.T) {
	t.Parallel()
	for _, line := range []string{secretLine, ed25519Line, p256Line} {
		b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Keys = testKeys(t, line) }}).browser()
		b.begin("/cellar")
		_, token, _ := strings.Cut(b.attemptCookies(), "=")
		dot := strings.LastIndexByte(token, '.')
		own := derive(t, keyBytes(t, line), "certify attempt v1", 32)
		if want := b64url.EncodeToString(hmacSHA256(own)(token[:dot])); token[dot+1:] != want {
			t.Errorf("%.6s: an attempt is signed with another key than its own", line)
		}
	}
}

func TestGenerateKey(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"HS256", "EdDSA", "ES256"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			seen := make(map[string]bool)
			for range 50 {
				line, err := certify.GenerateKey(alg)
				if err != nil || seen[line] {
					t.Fatalf("error %v, seen before: %v", err, seen[line])
				}
				seen[line] = true
				keys, err := certify.ParseKeys(line)
				if err != nil || !keys.CanSign() || (len(keys.JWKS()) > len(`{"keys":[]}`)) != (alg != "HS256") {
					t.Fatalf("error %v, public keys %s", err, keys.JWKS())
				}
			}
		})
	}
	for _, alg := range []string{"", "none", "hs256", "RS256", "HS512"} {
		if line, err := certify.GenerateKey(alg); err == nil || line != "" {
			t.Errorf("alg %q: a key", alg)
		}
	}
}

func TestParsePepper(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, line, want string }{
		{"generated", certify.GeneratePepper(), ""},
		{"with a line end", certify.GeneratePepper() + "\n", ""},
		{"empty", "", "certify keygen -pepper"},
		{"a key", secretLine, "certify keygen -pepper"},
		{"two", certify.GeneratePepper() + "," + certify.GeneratePepper(), "not base64url"},
		{"31 bytes", "pepper:" + b64url.EncodeToString(make([]byte, 31)), "has 31 bytes, at least 32"},
		{"none", "pepper:", "has 0 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			pepper, err := certify.ParsePepper(tc.line)
			if tc.want == "" && (err != nil || len(pepper) < 32) {
				t.Fatalf("%d bytes, error %v", len(pepper), err)
			}
			if tc.want != "" && (pepper != nil || err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Fatalf("error %v, want %q", err, tc.want)
			}
		})
	}
	if first, second := certify.GeneratePepper(), certify.GeneratePepper(); first == second {
		t.Error("two peppers are the same")
	}
}

func TestKeysPrintNothing(t *testing.T) {
	t.Parallel()
	keys := testKeys(t, secretLine, ed25519Line, p256Line)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("x", "keys", keys, "config", certify.SessionConfig{Keys: keys}, "sessions", quiet(t))
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "keys", keys, "config", []any{keys})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, verb+verb+verb+"\n", keys, certify.SessionConfig{Keys: keys}, quiet(t))
	}
	text, err := json.Marshal([]any{keys})
	if err != nil {
		t.Fatal(err)
	}
	log.Write(text)
	for _, line := range []string{secretLine, ed25519Line, p256Line} {
		raw := keyBytes(t, line)
		for _, form := range []string{
			line[20:30], string(raw[:8]), hex.EncodeToString(raw[:8]), strings.ToUpper(hex.EncodeToString(raw[:8])),
			base64.StdEncoding.EncodeToString(raw)[:20], strings.Trim(fmt.Sprint(raw[:8]), "[]"), fmt.Sprintf("%#v", raw[:8])[7:30],
		} {
			if strings.Contains(log.String(), form) {
				t.Errorf("a key is printed as %q", form)
			}
		}
	}
	if !strings.Contains(log.String(), "3 keys, [redacted]") {
		t.Errorf("nothing says how many keys there are: %s", log.String())
	}
}

func TestNoKeys(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]*certify.Keys{"nil": nil, "zero": {}} {
		if keys.CanSign() || fmt.Sprint(keys) == "" {
			t.Errorf("%s: CanSign", name)
		}
		if err := quiet(t).SetKeys(keys); err == nil {
			t.Errorf("%s: SetKeys takes them", name)
		}
	}
}
