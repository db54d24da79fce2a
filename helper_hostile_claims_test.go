package certify_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/certify-go/certify"
)

func quoted(s string) string { return strconv.Quote(s) }

// badTimes break RFC 7519, section 4.1, or contradict each other.
func (f forgers) badTimes() (rows []hostile) {
	add := func(name string, code certify.Code, why string, changes ...string) {
		rows = append(rows, hostile{name, f.hs.claim(changes...), code, why})
	}
	at := func(d time.Duration) string { return fmt.Sprint(noon.Add(d).Unix()) }
	for _, name := range []string{"exp", "iat", "auth_time", "nbf"} {
		for _, value := range []string{
			"null", "true", quoted(at(0)), "[" + at(0) + "]", at(0) + ".0", at(0) + ".5", "1.7863308e9", "1e308", "-1", "-" + at(0),
			"253402300800", "9223372036854775807", "9223372036854775808", strings.Repeat("9", 300), "{}",
		} {
			add(name+" "+value[:min(len(value), 24)], malformed, "its "+name+" is missing or of another type", name, value)
		}
		if name != "nbf" {
			add(name+" missing", malformed, "its "+name+" is missing or of another type", name, "")
		}
	}
	add("exp 0", malformed, "exp is not later than its iat", "exp", "0")
	add("exp -0", malformed, "its exp is missing or of another type", "exp", "-0")
	add("exp at iat", malformed, "exp is not later than its iat", "exp", at(-time.Hour), "iat", at(-time.Hour))
	add("expired just now", certify.CodeClaimExpired, "exp has passed", "exp", at(0))
	add("expired long ago", certify.CodeClaimExpired, "exp has passed", "iat", at(-48*time.Hour), "auth_time", at(-48*time.Hour), "exp", at(-36*time.Hour))
	add("exp a year and a second after auth_time", malformed, "exp is more than a year", "exp", at(365*24*time.Hour-time.Hour+time.Second))
	add("exp in the year 9999", malformed, "exp is more than a year", "exp", "253402300799")
	add("iat 61 s ahead", malformed, "iat lies in the future", "iat", at(61*time.Second))
	add("iat a day ahead", malformed, "iat lies in the future", "iat", at(24*time.Hour), "auth_time", at(24*time.Hour), "exp", at(25*time.Hour))
	add("auth_time after iat", malformed, "auth_time is later than its iat", "auth_time", at(-time.Hour+time.Second), "iat", at(-time.Hour))
	add("nbf after iat", malformed, "nbf is later than its iat", "nbf", at(time.Hour))
	add("all times 0", malformed, "exp is not later than its iat", "iat", "0", "exp", "0", "auth_time", "0")
	return rows
}

// badClaims are signed well, and say what no claim of ours says.
func (f forgers) badClaims() (rows []hostile) {
	add := func(name string, code certify.Code, why string, changes ...string) {
		rows = append(rows, hostile{name, f.hs.claim(changes...), code, why})
	}
	for _, name := range []string{"age", "birth_year"} {
		for _, value := range []string{"", "null", `"36"`, "36.0", "3.6e1", "-1", "-0", "10000", "99999999999999999999", "[36]", "true"} {
			add(name+" as "+value, malformed, "its "+name+" is missing or of another type", name, value)
		}
	}
	for _, tc := range [][2]string{{"38", "1990"}, {"34", "1990"}, {"0", "2027"}, {"36", "0"}, {"200", "1826"}, {"9999", "9999"}} {
		add("age "+tc[0]+" with birth_year "+tc[1], malformed, "fit no birth date", "age", tc[0], "birth_year", tc[1])
	}
	for _, name := range []string{"jti", "iss", "txn"} {
		for _, value := range []string{"", "null", "7", `["x"]`, `{}`, "false"} {
			add(name+" as "+value, malformed, "its "+name+" is missing or of another type", name, value)
		}
	}
	for _, name := range []string{"sub", "di_hash"} {
		for _, value := range []string{"null", "7", `["member-7"]`, "true"} {
			add(name+" as "+value, malformed, "its "+name+" is missing or of another type", name, value)
		}
	}
	for _, name := range []string{"site_epoch", "account_epoch"} {
		for _, value := range []string{"null", "7", `""`, `"e"`, `"1786330800"`, `"e0123456789abcde"`, `"e0123456789abcdefg"`, `"x0123456789abcdef"`, `"e0123456789abcde+"`, `["e0123456789abcdef"]`} {
			add(name+" as "+value, malformed, "its "+name+" is missing or of another type", name, value)
		}
	}
	for _, value := range []string{"null", "1", `"true"`, "[]"} {
		add("foreigner as "+value, malformed, "its foreigner is missing or of another type", "foreigner", value)
	}
	for name, jti := range map[string]string{"empty": "", "of 65 bytes": strings.Repeat("j", 65), "with a blank": "a b", "with a line end": "a\n", "in Korean": "식별자"} {
		add("jti "+name, malformed, "jti is not 1 to 64", "jti", quoted(jti))
	}
	for _, iss := range []string{"", "https://shop.example/", "https://attacker.example", "http://shop.example", "HTTPS://SHOP.EXAMPLE"} {
		add("iss "+iss, wrongAud, "iss is not the issuer", "iss", quoted(iss))
	}
	for _, aud := range []string{`""`, "[]", `[""]`, `["https://other.example"]`, `"https://shop.example/"`, `"https://shop.example.attacker.example"`, `"https://shop.example https://other.example"`} {
		add("aud "+aud, wrongAud, "aud does not name", "aud", aud)
	}
	for _, aud := range []string{"", "null", "7", "true", "[7]", `[["https://shop.example"]]`, `{"https://shop.example":1}`, `["https://shop.example",7]`,
		"[null]", `[null,"https://shop.example"]`, `["https://shop.example",null]`} {
		add("aud as "+aud, malformed, "its aud is missing or of another type", "aud", aud)
	}
	return rows
}

// badNames are about members as such: encoding/json folds case and takes the
// last of two.
func (f forgers) badNames() (rows []hostile) {
	add := func(name, payload, why string) {
		rows = append(rows, hostile{name, f.hs.token(f.hs.header(), payload), malformed, why})
	}
	for _, name := range []string{"exp", "iat", "aud", "iss", "jti", "age", "birth_year", "auth_time"} {
		value := map[string]string{"aud": quoted("https://shop.example"), "iss": quoted("https://shop.example"), "jti": quoted("x")}[name]
		if value == "" {
			value = "1990"
		}
		add(name+" twice", strings.Replace(claimJSON(), "{", `{"`+name+`":`+value+",", 1), "payload has a member twice")
		add(name+" twice, once escaped", strings.Replace(claimJSON(), "{", `{"`+fmt.Sprintf(`\u%04x`, name[0])+name[1:]+`":`+value+",", 1), "payload has a member twice")
		add(name+" in capitals alone", claimJSON(name, "", strings.ToUpper(name), value), "its "+name+" is missing")
	}
	for _, tc := range [][3]string{
		{"a list", "[" + claimJSON() + "]", "payload is not a JSON object"},
		{"a string", `"x"`, "payload is not a JSON object"},
		{"null", "null", "payload is not a JSON object"},
		{"cut off", claimJSON()[:50], "payload is not valid JSON"},
		{"without its last brace", strings.TrimSuffix(claimJSON(), "}"), "payload is not valid JSON"},
		{"in single quotes", strings.ReplaceAll(claimJSON(), `"`, `'`), "payload is not valid JSON"},
		{"with a comment", strings.Replace(claimJSON(), ",", ",/**/", 1), "payload is not valid JSON"},
		{"with a number that is none", claimJSON("exp", "0x7fffffff"), "payload is not valid JSON"},
		{"with a plus sign", claimJSON("exp", "+1786330800"), "payload is not valid JSON"},
		{"with a leading zero", claimJSON("exp", "01786330800"), "payload is not valid JSON"},
		{"with NaN", claimJSON("exp", "NaN"), "payload is not valid JSON"},
		{"with a BOM", "\ufeff" + claimJSON(), "payload is not a JSON object"},
		{"not UTF-8", claimJSON("sub", "\"\xff\""), "payload is not a JSON object"},
		{"with another object after it", claimJSON() + "{}", "payload is not valid JSON"},
		{"with a NUL after it", claimJSON() + "\x00", "payload is not valid JSON"},
		{"an empty object", "{}", "its iss is missing"},
	} {
		add("payload "+tc[0], tc[1], tc[2])
	}
	return rows
}
