package certify

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// An object is a JSON object that named no member twice. The first member
// that is missing or of another type is remembered in bad.
type object struct {
	members []member
	bad     string
}

// A member is a name and a value, which is valid JSON.
type member struct{ name, value []byte }

var (
	errNotObject   = errors.New("is not a JSON object")
	errNotJSON     = errors.New("is not valid JSON")
	errMemberTwice = errors.New("has a member twice")
)

// members reads one JSON object strictly: encoding/json alone would take the
// last of two members of one name. It splits the object at its commas and
// colons, and leaves it to encoding/json to judge what is not plain: the whole
// is valid JSON if all its pieces are.
func members(b []byte) (*object, error) {
	rest := trimJSON(b)
	if len(rest) == 0 || rest[0] != '{' || !utf8.Valid(b) {
		return nil, errNotObject
	}
	o := &object{members: make([]member, 0, min(16, 1+bytes.Count(b, []byte(","))))}
	rest = trimJSON(rest[1:])
	if len(rest) > 0 && rest[0] == '}' {
		return o, o.finish(rest[1:])
	}
	for {
		name, end, after := piece(rest)
		value, next, after := piece(after)
		if end != ':' || next != ',' && next != '}' || !o.add(name, value) {
			return nil, errNotJSON
		}
		if rest = after; next == '}' {
			return o, o.finish(rest)
		}
	}
}

// piece returns what comes before the next comma, colon or closing bracket
// that is in no string and no inner value; then that, and what follows it.
func piece(b []byte) (raw []byte, end byte, rest []byte) {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case depth == 0 && (c == ',' || c == ':' || c == '}' || c == ']'):
			return trimJSON(b[:i]), c, b[i+1:]
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil, 0, nil
}

func trimJSON(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// add adds a member, unless it is no valid JSON.
func (o *object) add(name, value []byte) bool {
	if !isPlain(value) && !json.Valid(value) {
		return false
	}
	name, ok := unquote(name)
	o.members = append(o.members, member{name, value})
	return ok
}

// finish wants nothing after the object, and no name twice.
func (o *object) finish(rest []byte) error {
	switch {
	case len(trimJSON(rest)) > 0:
		return errNotJSON
	case o.hasTwice():
		return errMemberTwice
	}
	return nil
}

func (o *object) hasTwice() bool {
	if len(o.members) > 16 { // callbacks may have many
		names := make(map[string]bool, len(o.members))
		for _, m := range o.members {
			names[string(m.name)] = true
		}
		return len(names) < len(o.members)
	}
	for i, m := range o.members {
		for _, before := range o.members[:i] {
			if bytes.Equal(m.name, before.name) {
				return true
			}
		}
	}
	return false
}

// isPlain knows at a glance most values that we sign: strings without escapes,
// and natural numbers of few digits.
func isPlain(raw []byte) bool {
	if _, ok := plainString(raw); ok {
		return true
	}
	for _, c := range raw {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(raw) == 1 || len(raw) > 1 && raw[0] != '0'
}

// plainString takes the quotes from a JSON string without escapes.
func plainString(raw []byte) ([]byte, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return nil, false
	}
	raw = raw[1 : len(raw)-1]
	for _, c := range raw {
		if c < 0x20 || c == '"' || c == '\\' {
			return nil, false
		}
	}
	return raw, true
}

// unquote reads a JSON string, and nothing else.
func unquote(raw []byte) ([]byte, bool) {
	if plain, ok := plainString(raw); ok {
		return plain, true
	}
	var s string
	ok := len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil
	return []byte(s), ok
}

// value is nil for an absent member.
func (o *object) value(name string) []byte {
	for _, m := range o.members {
		if string(m.name) == name {
			return m.value
		}
	}
	return nil
}

// check remembers name if ok is false.
func (o *object) check(name string, ok bool) {
	if !ok && o.bad == "" {
		o.bad = name
	}
}

func (o *object) text(name string) string {
	text, ok := unquote(o.value(name))
	o.check(name, ok)
	return string(text)
}

// optionalText is "" for an absent member, never for one of another type.
func (o *object) optionalText(name string) string {
	if o.value(name) == nil {
		return ""
	}
	return o.text(name)
}

// integer takes plain decimals only: NumericDate may be a fraction or 1e9
// (RFC 7519, section 2), but never is where we issued it. -0 is no natural
// number of ours, either.
func (o *object) integer(name string, limit int64) int64 {
	raw := string(o.value(name))
	n, err := strconv.ParseInt(raw, 10, 64)
	o.check(name, err == nil && raw[0] != '-' && n <= limit)
	return n
}

func (o *object) time(name string) time.Time {
	return time.Unix(o.integer(name, maxTime), 0)
}

// optionalTime is the zero time for an absent member.
func (o *object) optionalTime(name string) (t time.Time) {
	if o.value(name) != nil {
		t = o.time(name)
	}
	return t
}

// nationality reads "foreigner", where absent means unknown.
func (o *object) nationality() Nationality {
	raw := o.value("foreigner")
	switch {
	case raw == nil:
		return NationalityUnknown
	case string(raw) == "true":
		return NationalityForeigner
	}
	o.check("foreigner", string(raw) == "false")
	return NationalityKorean
}

// audience reads "aud", which RFC 7519 lets be one string or a list.
func (o *object) audience() (list []string) {
	raw := o.value("aud")
	if len(raw) > 0 && raw[0] == '"' {
		return []string{o.text("aud")}
	}
	var texts []*string // nil for null, which encoding/json takes for ""
	o.check("aud", json.Unmarshal(raw, &texts) == nil && texts != nil && !slices.Contains(texts, nil))
	if o.bad == "aud" {
		return nil
	}
	for _, text := range texts {
		list = append(list, *text)
	}
	return list
}
