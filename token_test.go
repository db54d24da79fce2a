package certify_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/certify-go/certify"
)

func TestHostileTokens(t *testing.T) {
	t.Parallel()
	s := quiet(t)
	rows := hostileTokens(t)
	if len(rows) < 80 {
		t.Fatalf("%d rows", len(rows))
	}
	seen := make(map[string]bool)
	for _, tc := range rows {
		if seen[tc.name] {
			t.Errorf("two rows are named %q", tc.name)
		}
		seen[tc.name] = true
		t.Run(tc.name, func(t *testing.T) {
			c, err := s.Read(t.Context(), tc.token)
			if c != nil || !errors.Is(err, tc.code) || !strings.Contains(err.Error(), tc.why) {
				t.Fatalf("claim %v, error %v; want %s: %s", c, err, tc.code, tc.why)
			}
			for _, private := range []string{"member-7", "0123456789abcdefghijkl", "eyJ", "attacker"} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("the error repeats the token: %v", err)
				}
			}
		})
	}
}

// The gate is asked as well: whatever a header can hold, nobody gets in.
func TestHostileTokensAtTheGate(t *testing.T) {
	t.Parallel()
	s := quiet(t, func(c *certify.SessionConfig) { c.Bearer = true })
	anybody := certify.PolicyFunc(func(time.Time, *certify.Claim) error { return nil })
	entered, good := false, newForgers(t).hs.claim()
	gate := s.Load(certify.Require(anybody)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered = true })))
	for _, tc := range hostileTokens(t) {
		if strings.Trim(tc.token, "\" \n") == good { // what is around it belongs to the header
			continue
		}
		for _, header := range []http.Header{{"Authorization": {"Bearer " + tc.token}}, {"Cookie": {"__Host-certify=" + tc.token}}} {
			r := httptest.NewRequest("GET", "https://shop.example/wine", nil)
			r.Header = header
			w := httptest.NewRecorder()
			gate.ServeHTTP(w, r)
			if entered || w.Code != http.StatusUnauthorized {
				t.Fatalf("%s: status %d, entered %v", tc.name, w.Code, entered)
			}
		}
	}
}

// What must pass, or the table above would prove nothing.
func TestGoodTokens(t *testing.T) {
	t.Parallel()
	s, f := quiet(t), newForgers(t)
	at := func(d time.Duration) string { return fmt.Sprint(noon.Add(d).Unix()) }
	for _, tc := range []struct {
		name, token string
		check       func(*certify.Claim) bool
	}{
		{"HS256", f.hs.claim(), nil},
		{"EdDSA", f.ed.claim(), nil},
		{"ES256", f.es.claim(), nil},
		{"aud as a list", f.hs.claim("aud", `["https://other.example","https://shop.example"]`), nil},
		{"a claim we do not know", f.hs.claim("scope", `{"a":[1,{"b":null}]}`), nil},
		{"one that differs in case only", f.hs.claim("AGE", "99", "Exp", "0"), func(c *certify.Claim) bool { return c.Age == 36 }},
		{"white space in the JSON", f.hs.token(" \n"+f.hs.header()+"\t", strings.NewReplacer(`":`, `" : `, `,"`, "\n, \"").Replace(claimJSON())+"\r\n"), nil},
		{"header in another order", f.hs.token(`{"kid":"`+f.hs.kid+`","typ":"certify+jwt","alg":"HS256"}`, claimJSON()), nil},
		{"escapes in a header", f.hs.token(f.hs.header("typ", `"certify\u002bjwt"`), claimJSON()), nil},
		{"2,048 bytes", padded(t, f.hs, 2048), nil},
		{"iat 60 s ahead", f.hs.claim("iat", at(time.Minute)), nil},
		{"nbf at iat", f.hs.claim("nbf", at(-time.Hour+5*time.Second)), nil},
		{"expires in a second", f.hs.claim("exp", at(time.Second)), nil},
		{"expires a year after auth_time", f.hs.claim("exp", at(365*24*time.Hour-time.Hour)), nil},
		{"auth_time at iat", f.hs.claim("auth_time", at(-time.Hour), "iat", at(-time.Hour)), nil},
		{"no account", f.hs.claim("sub", ""), func(c *certify.Claim) bool { return c.Subject == "" }},
		{"an account in Korean", f.hs.claim("sub", `"회원-7"`), func(c *certify.Claim) bool { return c.Subject == "회원-7" }},
		{"no DI hash", f.hs.claim("di_hash", ""), func(c *certify.Claim) bool { return c.DIHash == "" }},
		{"nationality unknown", f.hs.claim("foreigner", ""), func(c *certify.Claim) bool { return c.Nationality == certify.NationalityUnknown }},
		{"foreigner", f.hs.claim("foreigner", "true"), func(c *certify.Claim) bool { return c.Nationality == certify.NationalityForeigner }},
		{"birthday to come", f.hs.claim("age", "35"), func(c *certify.Claim) bool { return c.Age == 35 }},
		{"jti of 64 bytes", f.hs.claim("jti", quoted(strings.Repeat("j", 64))), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := s.Read(t.Context(), tc.token)
			if err != nil || tc.check != nil && !tc.check(c) {
				t.Fatalf("claim %+v, error %v", c, err)
			}
		})
	}
}

func TestWhatAClaimSays(t *testing.T) {
	t.Parallel()
	c, err := quiet(t).Read(t.Context(), newForgers(t).ed.claim())
	if err != nil {
		t.Fatal(err)
	}
	want := certify.Claim{
		ID: "0123456789abcdefghijkl", Subject: "member-7",
		AuthTime: time.Unix(noon.Unix()-3600, 0), IssuedAt: time.Unix(noon.Unix()-3595, 0), ExpiresAt: time.Unix(noon.Unix()+11*3600, 0),
		Age: 36, BirthYear: 1990, DIHash: "4cPRvQXRbk4YoRE4SnMnxvTxoz1aA6Q9V8nOYh6UQpA",
		Nationality: certify.NationalityKorean, Txn: "GXVxBTbmCUZzPQ6YpKTz5YyQ0bC6yQdXWJmkTn0mUCg",
	}
	if *c != want || c.AccountCompared() {
		t.Errorf("claim %+v, want %+v", *c, want)
	}
}

// What we sign is the format of docs: three header members, one audience, and
// no member for what is not known.
func TestWireFormat(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, line, alg string }{{"HS256", secretLine, "HS256"}, {"EdDSA", ed25519Line, "EdDSA"}, {"ES256", p256Line, "ES256"}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Keys = testKeys(t, tc.line) }}).browser()
			b.pass(func(id *certify.Identity) { id.DI, id.Nationality = "", certify.NationalityUnknown })
			part := strings.Split(b.cookie("certify"), ".")
			header, payload := segment(t, part[0]), segment(t, part[1])
			f := map[string]func(testing.TB, string) forger{"HS256": hs256Forger, "EdDSA": eddsaForger, "ES256": es256Forger}[tc.alg](t, tc.line)
			if header != f.header() {
				t.Errorf("header %s, want %s", header, f.header())
			}
			origin := quoted(b.URL)
			want := jsonObject([]string{"iss", origin, "aud", origin, "jti", quoted(b.jti()), "iat", fmt.Sprint(noon.Unix()),
				"exp", fmt.Sprint(noon.Add(12 * time.Hour).Unix()), "auth_time", fmt.Sprint(noon.Unix()), "age", "36", "birth_year", "1990", "txn", ""})
			if got, _, _ := strings.Cut(payload, `,"txn":`); got+"}" != want {
				t.Errorf("payload %s, want %s", payload, want)
			}
			if len(b.cookie("certify")) >= 512 {
				t.Errorf("the token has %d bytes", len(b.cookie("certify")))
			}
		})
	}
}

func segment(t testing.TB, s string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Any package may set golang-jwt's variables, and some do. Not parallel: they
// are global.
func TestVariablesOfGolangJWT(t *testing.T) {
	precision, list := jwt.TimePrecision, jwt.MarshalSingleStringAsArray
	defer func() { jwt.TimePrecision, jwt.MarshalSingleStringAsArray = precision, list }()
	var first string
	for _, jwt.TimePrecision = range []time.Duration{time.Second, time.Hour, time.Nanosecond} {
		for _, jwt.MarshalSingleStringAsArray = range []bool{true, false} {
			b := newSite(t, siteConfig{}).browser()
			b.pass()
			payload := segment(t, strings.Split(b.cookie("certify"), ".")[1])
			form := strings.NewReplacer(b.URL, "ORIGIN", b.jti(), "JTI").Replace(payload)
			form, _, _ = strings.Cut(form, `,"txn":`)
			if first == "" {
				first = form
			}
			if form != first {
				t.Errorf("with %s, %v: payload %s, else %s", jwt.TimePrecision, jwt.MarshalSingleStringAsArray, form, first)
			}
			if a := b.get("/cellar"); a.StatusCode != http.StatusOK {
				t.Errorf("with %s, %v: the gate answers %d", jwt.TimePrecision, jwt.MarshalSingleStringAsArray, a.StatusCode)
			}
		}
	}
}

// FuzzMembers holds the members against encoding/json's own reading, token by
// token.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a\":":1,"b":{"a":1,"b":[{"c":":"}]}}`, `{"\\":1,"\\":2}`, `{"":1,"":2}`,
		`{"\ud800":1,"\ufffd":2}`, ` {"a" : "}" , "b":"{\""} `, `{"a":[1,[2]],"b":{}}x`, `[{"a":1}]`, `null`, claimJSON(),
		`{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1:2}`, `{"a":1]`, `{"a",1}`, `{"a"}1}`, `{"a":1:"b":2}`, `{"a":1]"b":2}`, `{"a":01,"b":-1e9}`, `{"a":"b"c"d"}`, `{1:2}`, `{"a":1}}`, "{\"a\":\"\x01\"}",
		`{"a":0,"b":10,"c":true,"d":null,"e":"\"\u00e9"}`, "{" + manyMembers(40) + "}", "{" + manyMembers(40) + `,"m7":0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		names, err := certify.Members(b)
		want, ok := namesIn(b)
		if ok != (err == nil) || ok && !slices.Equal(names, want) {
			t.Fatalf("%q: names %q, error %v; want %q, %v", b, names, err, want, ok)
		}
	})
}

// manyMembers are n members of different names, for inside an object.
func manyMembers(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"m%d":%d`, i, i))
	}
	return strings.Join(list, ",")
}

// namesIn reads one object of UTF-8 in which no name is there twice.
func namesIn(b []byte) (names []string, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(b))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') || !utf8.Valid(b) || !json.Valid(b) {
		return nil, false
	}
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil || slices.Contains(names, name.(string)) {
			return nil, false
		}
		names = append(names, name.(string))
	}
	return names, true
}

// An accepted token is one that the key's holder signed, byte for byte. (That
// r, -s verifies where r, s does is ECDSA's nature: nothing is known by a
// token's signature, and revocation is by jti.)
func FuzzRead(f *testing.F) {
	s, by := quiet(f), newForgers(f)
	signed := map[string]bool{by.hs.claim(): true, by.ed.claim(): true, by.es.claim(): true, padded(f, by.hs, 2048): true}
	for token := range signed {
		f.Add(token)
	}
	for _, h := range hostileTokens(f) {
		if len(h.token) < 4096 {
			f.Add(h.token)
		}
	}
	f.Fuzz(func(t *testing.T, token string) {
		c, err := s.Read(context.Background(), token)
		if (c == nil) == (err == nil) {
			t.Fatalf("claim %v, error %v", c, err)
		}
		var code certify.Code
		if err != nil && !errors.As(err, &code) {
			t.Fatalf("an error without a code: %v", err)
		}
		if err == nil && !signed[token] {
			t.Fatalf("accepted: %q", token)
		}
	})
}
