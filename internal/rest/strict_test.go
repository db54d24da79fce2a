package rest_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/internal/rest"
)

// A schema has members at two depths, a list of objects and an unread value.
type schema struct {
	Certified json.RawMessage `json:"certified"`
	Inner     *struct {
		Kind json.RawMessage `json:"kind"`
	} `json:"inner"`
	List []struct {
		Site json.RawMessage `json:"site"`
	} `json:"list"`
	Raw json.RawMessage `json:"raw"`
}

// strictRows are objects and whether they may be read.
var strictRows = map[string]bool{
	`{}`:                                   true,
	`{"certified":true,"new":1}`:           true,
	`{"raw":{"A":1,"a":2}}`:                true,
	`{"new":{"kind":1,"KIND":2}}`:          true,
	`{"inner":{"certified":1}}`:            true,
	`{"inner":null,"list":null}`:           true,
	`{"list":[{"site":1},{"site":1}]}`:     true,
	`{"new":1e999}`:                        true,
	`{"certified":false,"certified":true}`: false,
	`{"certified":false,"CERTIFIED":true}`: false,
	`{"Certified":true}`:                   false,
	`{"certified":1,"\u0063ertified":2}`:   false,
	`{"inner":{"kind":1,"Kind":2}}`:        false,
	`{"inner":{"kind":1,"\u212aind":2}}`:   false,
	`{"list":[{"\u017fite":1}]}`:           false,
	`{"list":[{"site":1,"site":1}]}`:       false,
	`{"raw":{"a":1,"a":2}}`:                false,
	`{"raw":[[{"a":{"b":1,"b":1}}]]}`:      false,
	`{"new":1,"new":1}`:                    false,
	`{"new":{"":1,"":1}}`:                  false,
}

func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	for body, want := range strictRows {
		err := rest.Decode([]byte(body), new(schema))
		if (err == nil) != want || err != nil && !errors.Is(err, certify.CodeProviderInvalid) {
			t.Errorf("%s: %v, want read: %t", body, err, want)
		}
		if isStrict([]byte(body)) != want {
			t.Errorf("the oracle errs about %s", body)
		}
	}
}

// TestAnswersAreStrict: an answer is refused for a member twice even where its
// content is handed on as it came.
func TestAnswersAreStrict(t *testing.T) {
	t.Parallel()
	for body, want := range strictRows {
		a, _, err := ask(t, answer(200, "application/json", body), true)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Unmarshal(new(schema)); (err == nil) != want || err != nil && !errors.Is(err, certify.CodeProviderInvalid) {
			t.Errorf("Unmarshal of %s: %v, want read: %t", body, err, want)
		}
		if _, err := a.JSON(); (err == nil) == hasTwice([]byte(body)) {
			t.Errorf("JSON of %s: %v", body, err)
		}
	}
}

// TestDeepContent: what is nested deeper than encoding/json reads is refused.
func TestDeepContent(t *testing.T) {
	t.Parallel()
	if err := rest.Decode([]byte(`{"new":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+`}`), new(schema)); !errors.Is(err, certify.CodeProviderInvalid) {
		t.Errorf("error = %v", err)
	}
}

// FuzzDecode compares with an oracle that shares no code: it counts colons, and
// has encoding/json itself show which names it takes for a member.
func FuzzDecode(f *testing.F) {
	for body := range strictRows {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var v schema
		err := rest.Decode(body, &v)
		if err == nil && !isStrict(body) {
			t.Errorf("read: %q", body)
		}
		if plain := json.Unmarshal(body, new(schema)); err != nil && plain == nil && json.Valid(body) && isStrict(body) {
			t.Errorf("refused with %v: %q", err, body)
		}
	})
}

func isStrict(body []byte) bool { return !hasTwice(body) && !hasOtherCase(body) }

// hasTwice reports whether an object at any depth has more members than names.
func hasTwice(value []byte) bool {
	var list []json.RawMessage
	var object map[string]json.RawMessage
	switch {
	case json.Unmarshal(value, &list) == nil:
		for _, v := range list {
			if hasTwice(v) {
				return true
			}
		}
	case json.Unmarshal(value, &object) == nil:
		if outerColons(value) != len(object) {
			return true
		}
		for _, v := range object {
			if hasTwice(v) {
				return true
			}
		}
	}
	return false
}

// outerColons counts the members of an object.
func outerColons(object []byte) (n int) {
	depth, inString := 0, false
	for i := 0; i < len(object); i++ {
		switch c := object[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ':' && depth == 1:
			n++
		}
	}
	return n
}

// hasOtherCase reports whether encoding/json takes a name for one of schema's
// that is not it.
func hasOtherCase(body []byte) bool {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return false
	}
	for name, value := range object {
		if takenFor[schema](name, "certified", "inner", "list", "raw") {
			return true
		}
		var inner map[string]json.RawMessage
		var list []map[string]json.RawMessage
		switch {
		case name == "inner" && json.Unmarshal(value, &inner) == nil:
			for name := range inner {
				if takenFor[struct {
					Kind any `json:"kind"`
				}](name, "kind") {
					return true
				}
			}
		case name == "list" && json.Unmarshal(value, &list) == nil:
			for _, one := range list {
				for name := range one {
					if takenFor[struct {
						Site any `json:"site"`
					}](name, "site") {
						return true
					}
				}
			}
		}
	}
	return false
}

// takenFor reports whether encoding/json takes a member of that name for one
// of T's, although it is none of the known names.
func takenFor[T any](name string, known ...string) bool {
	for _, k := range known {
		if name == k {
			return false
		}
	}
	member, _ := json.Marshal(map[string]any{name: nil})
	d := json.NewDecoder(strings.NewReader(string(member)))
	d.DisallowUnknownFields()
	return d.Decode(new(T)) == nil
}
