package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

var seoul = time.FixedZone("KST", 9*60*60)

// meanings say what each member of a claim is, in the order of the claim.
var meanings = []struct{ name, what string }{
	{"iss", "who issued it"},
	{"aud", "for whom"},
	{"sub", "the app's account that it counts for"},
	{"jti", "its id, by which it is revoked"},
	{"iat", "issued"},
	{"exp", "counts until"},
	{"auth_time", "when the person was verified"},
	{"age", "full age (만 나이) on the Korean date of iat"},
	{"birth_year", "year of birth"},
	{"di_hash", "keyed hash of the DI: the same for a person's every visit"},
	{"foreigner", "a registered foreigner? Absent when nobody said"},
	{"txn", "keyed hash of the verification's id, for audit"},
	{"site_epoch", "counts until all claims are revoked again. Absent before the first time"},
	{"account_epoch", "counts until its account's claims are revoked again. Absent before the first time"},
}

var headerMeanings = map[string]string{
	"typ": "what kind of token: certify+jwt is a claim", "alg": "how it is signed", "kid": "the key that it names",
}

// An explanation is what a token says, whether it is true or not.
type explanation struct {
	text             string
	issuer, audience string
}

type object = map[string]json.RawMessage

// explain reads as leniently as it can: it explains, and decides nothing.
func explain(token string, now time.Time) (x explanation) {
	var out strings.Builder
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return explanation{text: fmt.Sprintf("It has %d bytes in %d parts; a token has three, with dots between them.\n\n", len(token), len(parts))}
	}
	header, err := decodePart(parts[0])
	section(&out, "Header", err)
	for _, name := range sorted(header) {
		member(&out, name, show(header[name]), headerMeanings[name])
	}
	claims, err := decodePart(parts[1])
	section(&out, "Claim", err)
	explainClaims(&out, claims, now)
	fmt.Fprintf(&out, "Signature\n  %d characters\n\n", len(parts[2]))
	x.text = out.String()
	x.issuer, x.audience = firstText(claims["iss"]), firstText(claims["aud"])
	return x
}

func explainClaims(out *strings.Builder, claims object, now time.Time) {
	known := make(map[string]bool)
	for _, m := range meanings {
		known[m.name] = true
		raw, ok := claims[m.name]
		if !ok {
			continue
		}
		value := show(raw)
		if t, ok := instant(raw); ok && (m.name == "iat" || m.name == "exp" || m.name == "auth_time") {
			value += " = " + t.In(seoul).Format("2006-01-02 15:04:05 MST") + ", " + relative(t.Sub(now))
		}
		member(out, m.name, value, m.what)
	}
	for _, name := range sorted(claims) {
		if !known[name] {
			member(out, name, show(claims[name]), "certify does not know it")
		}
	}
	out.WriteString("\n")
}

func sorted(o object) []string { return slices.Sorted(maps.Keys(o)) }

func section(out *strings.Builder, title string, err error) {
	out.WriteString(title + "\n")
	if err != nil {
		out.WriteString("  cannot be read: " + err.Error() + "\n")
	}
}

func member(out *strings.Builder, name, value, what string) {
	if what != "" {
		what = "  (" + what + ")"
	}
	fmt.Fprintf(out, "  %-11s%s%s\n", printable(name), value, what)
}

func decodePart(s string) (object, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("it is not base64url")
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, errors.New("it is not a JSON object")
	}
	return o, nil
}

// show prints a member's value on one line of printable characters: a token
// may come from anyone, and a terminal obeys what it is told.
func show(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil && string(raw) != "null" {
		return printable(s)
	}
	var line bytes.Buffer
	if json.Compact(&line, raw) != nil {
		return printable(string(raw))
	}
	return printable(line.String())
}

const maxShown = 200 // characters of one value

func printable(s string) string {
	if short := []rune(s); len(short) > maxShown {
		s = string(short[:maxShown]) + "…"
	}
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.QuoteToASCII(s)
	}
	return s
}

// instant reads a NumericDate in whole seconds, and not beyond the year 9999.
func instant(raw json.RawMessage) (time.Time, bool) {
	sec, err := strconv.ParseInt(string(raw), 10, 64)
	return time.Unix(sec, 0), err == nil && sec >= 0 && sec < 253402300800
}

func relative(d time.Duration) string {
	d = d.Round(time.Second)
	if d < 0 {
		return (-d).String() + " ago"
	}
	return "in " + d.String()
}

// firstText is a string, or the first of a list.
func firstText(raw json.RawMessage) (s string) {
	var list []string
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		return list[0]
	}
	_ = json.Unmarshal(raw, &s) // "" if it is neither
	return s
}
