package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/certify-go/certify"
)

var (
	b64    = base64.RawURLEncoding
	noon   = time.Date(2026, 8, 10, 12, 0, 0, 0, seoul)
	secret = []byte("01234567890123456789012345678901")
	seed   = []byte("abcdefghijklmnopqrstuvwxyz012345")
)

func secretLine() string { return "hs256-secret:" + b64.EncodeToString(secret) }
func seedLine() string   { return "eddsa-private:" + b64.EncodeToString(seed) }

// hs256 signs as RFC 7515 says, with the standard library.
func hs256(t *testing.T, header, payload map[string]any) string {
	t.Helper()
	kid, err := hkdf.Key(sha256.New, secret, nil, "certify kid v1", 12)
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, merge(map[string]any{"typ": "certify+jwt", "alg": "HS256", "kid": b64.EncodeToString(kid)}, header), payload, func(input []byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(input)
		return h.Sum(nil)
	})
}

func eddsa(t *testing.T, payload map[string]any) string {
	t.Helper()
	private := ed25519.NewKeyFromSeed(seed)
	x := b64.EncodeToString(private.Public().(ed25519.PublicKey))
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return sign(t, map[string]any{"typ": "certify+jwt", "alg": "EdDSA", "kid": b64.EncodeToString(sum[:])}, payload, func(input []byte) []byte {
		return ed25519.Sign(private, input)
	})
}

func sign(t *testing.T, header, changes map[string]any, mac func([]byte) []byte) string {
	t.Helper()
	payload := merge(map[string]any{
		"iss": "https://shop.example", "aud": "https://shop.example", "sub": "member-7", "jti": "jti-1",
		"iat": noon.Unix() - 60, "auth_time": noon.Unix() - 60, "exp": noon.Unix() + 3600,
		"age": 36, "birth_year": 1990, "foreigner": false, "txn": "txn-1", "di_hash": "hash-1",
	}, changes)
	input := part(t, header) + "." + part(t, payload)
	return input + "." + b64.EncodeToString(mac([]byte(input)))
}

// merge leaves out what a change sets to nil.
func merge(base, changes map[string]any) map[string]any {
	for name, value := range changes {
		if base[name] = value; value == nil {
			delete(base, name)
		}
	}
	return base
}

func part(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b64.EncodeToString(raw)
}

// inspect runs the command at noon, with the environment's keys.
func inspect(t *testing.T, keys, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	getenv := func(name string) string { return map[string]string{"CERTIFY_KEYS": keys}[name] }
	var out, errs bytes.Buffer
	c := inspectCommand(strings.NewReader(stdin), getenv, func() time.Time { return noon })
	code = c.run(t.Context(), args, &out, &errs)
	for _, line := range []string{secretLine(), seedLine()} {
		_, value, _ := strings.Cut(line, ":")
		if strings.Contains(out.String()+errs.String(), value) {
			t.Error("a key is printed")
		}
	}
	return code, out.String(), errs.String()
}

func jwksFile(t *testing.T) string {
	t.Helper()
	keys, err := certify.ParseKeys(seedLine())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, keys.JWKS(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInspectVerdicts(t *testing.T) {
	t.Parallel()
	shop := []string{"-issuer", "https://shop.example", "-audience", "https://shop.example"}
	for _, tt := range []struct {
		name  string
		keys  string
		token string
		args  []string
		code  int
		want  string
	}{
		{"valid", secretLine(), hs256(t, nil, nil), shop, 0, "It verifies."},
		{"valid, by the second key", seedLine() + "," + secretLine(), hs256(t, nil, nil), shop, 0, "It verifies."},
		{"valid, by its own word", secretLine(), hs256(t, nil, nil), nil, 0, "without -issuer, the token's own iss"},
		{"valid, for a list", secretLine(), hs256(t, nil, map[string]any{"aud": []string{"https://shop.example", "urn:x"}}), nil, 0, "without -audience, the token's own aud"},
		{"valid, by public keys", "", eddsa(t, nil), []string{"-jwks", jwksFile(t)}, 0, "It verifies."},
		{"public keys go before the environment's", secretLine(), hs256(t, nil, nil), []string{"-jwks", jwksFile(t)}, 1, "claim_wrong_key: its kid names no key"},
		{"expired", secretLine(), hs256(t, nil, map[string]any{"exp": noon.Unix()}), shop, 1, "claim_expired"},
		{"wrong key", seedLine(), hs256(t, nil, nil), shop, 1, "claim_wrong_key: its kid names no key"},
		{"changed", secretLine(), hs256(t, nil, nil) + "A", shop, 1, "claim_wrong_key: its signature does not verify"},
		{"another issuer", secretLine(), hs256(t, nil, nil), []string{"-issuer", "https://other.example"}, 1, "claim_wrong_audience: its iss"},
		{"another audience", secretLine(), hs256(t, nil, nil), []string{"-audience", "https://other.example"}, 1, "claim_wrong_audience: its aud"},
		{"no issuer", secretLine(), hs256(t, nil, map[string]any{"iss": nil}), nil, 1, "its iss is missing"},
		{"an issuer that none can be", secretLine(), hs256(t, nil, map[string]any{"iss": "a\nb"}), nil, 1, "SessionConfig.Issuer is not"},
		{"an attempt", secretLine(), hs256(t, map[string]any{"typ": "certify-attempt+jwt"}, nil), shop, 1, "typ is not certify+jwt"},
		{"an algorithm of nobody", secretLine(), hs256(t, map[string]any{"alg": "none"}, nil), shop, 1, "alg is not that of its key"},
		{"no token", secretLine(), "hello", shop, 1, "in 1 parts"},
		{"garbage", secretLine(), "a.b.c", shop, 1, "cannot be read: it is not base64url"},
		{"lists", secretLine(), "W10.W10.", shop, 1, "cannot be read: it is not a JSON object"},
		{"a key in place of a token", secretLine(), secretLine(), shop, 1, "It does NOT verify"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := inspect(t, tt.keys, "", append(tt.args, tt.token)...)
			if code != tt.code || !strings.Contains(stdout, tt.want) || stderr != "" {
				t.Errorf("exit code %d, stderr %q, stdout:\n%s", code, stderr, stdout)
			}
			if strings.Contains(stdout, "It verifies.") != (code == 0) || strings.Contains(stdout, "NOT verify") == (code == 0) {
				t.Errorf("exit code %d is not what is said:\n%s", code, stdout)
			}
			if signature := tt.token[strings.LastIndex(tt.token, ".")+1:]; len(signature) > 20 && strings.Contains(stdout, signature) {
				t.Error("the signature is printed: the output is a credential")
			}
			code, again, _ := inspect(t, tt.keys, " "+tt.token+"\n", append(tt.args, "-")...)
			if code != tt.code || again != stdout {
				t.Errorf("from stdin: exit code %d, %s", code, again)
			}
		})
	}
}

func TestInspectExplains(t *testing.T) {
	t.Parallel()
	token := hs256(t, nil, map[string]any{
		"exp": noon.Unix() + 90, "scope": []any{"a", 1, nil}, "sub": "", "evil\x1b[2J": "\x1b]0;owned\a", "rtl": "\u202egnp.exe",
		"long": strings.Repeat("x", 5000)[:900],
	})
	_, stdout, _ := inspect(t, secretLine(), "", token)
	for _, want := range []string{
		"alg        HS256  (how it is signed)",
		"iss        https://shop.example  (who issued it)",
		`sub        ""  (the app's account`,
		fmt.Sprintf("iat        %d = 2026-08-10 11:59:00 KST, 1m0s ago  (issued)", noon.Unix()-60),
		fmt.Sprintf("exp        %d = 2026-08-10 12:01:30 KST, in 1m30s  (counts until)", noon.Unix()+90),
		"age        36  (full age (만 나이) on the Korean date of iat)",
		"foreigner  false  (a registered foreigner?",
		`scope      ["a",1,null]  (certify does not know it)`,
		`"evil\x1b[2J""\x1b]0;owned\a"`,
		`rtl        "\u202egnp.exe"`,
		strings.Repeat("x", 200) + "…  (",
		"Signature\n  43 characters\n",
		"Only the Store of its service knows whether it was revoked.",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in:\n%s", want, stdout)
		}
	}
	if strings.ContainsAny(stdout, "\x1b\a\u202e") || strings.Contains(stdout, strings.Repeat("x", 201)) {
		t.Errorf("the terminal is told what to do:\n%q", stdout)
	}
}

func TestInspectMisused(t *testing.T) {
	t.Parallel()
	private := filepath.Join(t.TempDir(), "private.json")
	if err := os.WriteFile(private, []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","d":"`+b64.EncodeToString(seed)+`"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	token := hs256(t, nil, nil)
	for _, tt := range []struct {
		name   string
		keys   string
		args   []string
		code   int
		stderr string
	}{
		{"no token", secretLine(), nil, 2, "one token is needed"},
		{"two tokens", secretLine(), []string{token, token}, 2, "one token is needed"},
		{"a flag after the token", secretLine(), []string{token, "-issuer", "x"}, 2, "one token is needed after the flags"},
		{"no keys", "", []string{token}, 2, "in CERTIFY_KEYS or by -jwks FILE: certify: no keys"},
		{"keys that are none", "hunter2", []string{token}, 2, "in CERTIFY_KEYS or by -jwks FILE: certify: key 1 of 1"},
		{"no such file", "", []string{"-jwks", "/nonexistent/jwks.json", token}, 2, "-jwks: open"},
		{"a file of private keys", "", []string{"-jwks", private, token}, 2, "it is a private key"},
		{"an issuer that none can be", secretLine(), []string{"-issuer", "a b", token}, 2, "SessionConfig.Issuer is not"},
		{"unknown flag", secretLine(), []string{"-key", "x", token}, 2, "-key"},
		{"help", "", []string{"-h"}, 0, "Usage: certify inspect"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := inspect(t, tt.keys, "", tt.args...)
			if code != tt.code || !strings.Contains(stderr, tt.stderr) || strings.Contains(stdout, "It ") || strings.Contains(stderr, "hunter2") {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
}

func TestReadToken(t *testing.T) {
	t.Parallel()
	if _, err := readToken("-", strings.NewReader(strings.Repeat("x", maxInput+1))); err == nil || !strings.Contains(err.Error(), "more than 65536 bytes") {
		t.Errorf("too much: %v", err)
	}
	broken := errors.New("broken pipe")
	if _, err := readToken("-", iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("broken: %v", err)
	}
	if token, err := readToken("a.b.c", iotest.ErrReader(broken)); token != "a.b.c" || err != nil {
		t.Errorf("an argument: %q, %v", token, err)
	}
}

// Whatever it is given, it ends with a verdict and printable text.
func FuzzExplain(f *testing.F) {
	f.Add("a.b.c")
	f.Add(b64.EncodeToString([]byte(`{"typ":"x"}`)) + "." + b64.EncodeToString([]byte(`{"exp":-1,"aud":[],"iat":1e9}`)) + ".")
	f.Add(b64.EncodeToString([]byte("{\"\\u001b\":\"\\u009b\"}")) + "." + b64.EncodeToString([]byte("{\"a\":\"\xff\"}")) + ".x")
	f.Fuzz(func(t *testing.T, token string) {
		x := explain(token, noon)
		for _, r := range x.text {
			if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e) {
				t.Fatalf("%q", x.text)
			}
		}
	})
}
