package certifytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

var (
	nameForm     = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	functionForm = regexp.MustCompile(`^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$`)
	safeID       = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,128}$`)
)

func testProviderName(t *testing.T, s *providerTest) {
	name := s.p.Name()
	if !nameForm.MatchString(name) || s.p.Name() != name {
		t.Errorf("Name() = %q, which must be 1 to 32 lower-case letters, digits and hyphens, and always the same", name)
	}
	s.lookup(t, s.verified(t, s.attempt())) // now it knows whatever it will
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("", "provider", s.p)
	marshalled, _ := json.Marshal(s.p)
	s.silent(t, "the provider", fmt.Sprintf("%v %+v %#v %s %q %x", s.p, s.p, s.p, s.p, s.p, s.p)+logged.String()+string(marshalled))
}

// silent wants nothing private in a text.
func (s *providerTest) silent(t *testing.T, what, text string) {
	t.Helper()
	private := append(slices.Clone(s.Secrets), s.Person.Name, s.Person.Phone, s.Person.CI, s.Person.DI)
	y, m, d := s.Person.BirthDate.Date()
	private = append(private, fmt.Sprintf("%04d-%02d-%02d", y, m, d), fmt.Sprintf("%04d%02d%02d", y, m, d))
	for i, value := range private {
		if len(value) > 3 && strings.Contains(text, value) {
			t.Errorf("%s says what nobody may read: a secret, something of the person or of an answer (number %d)", what, i)
		}
	}
}

func testProviderBegin(t *testing.T, s *providerTest) {
	one, two := s.attempt(), s.attempt()
	start := s.p.Begin(one)
	u, err := url.Parse(start.Script)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		t.Error("Start.Script is no URL")
	}
	if taken := []string{"", "script", "calls", "return_to", "expires_at", "attempt"}; slices.Contains(taken, start.IDName) {
		t.Errorf("Start.IDName is %q, which cannot stand beside %q in the Handler's answer", start.IDName, taken[1:])
	}
	if len(start.Calls) == 0 {
		t.Fatal("Start.Calls is empty: the last opens the window")
	}
	for _, c := range start.Calls {
		if !functionForm.MatchString(c.Function) {
			t.Errorf("the function %q is no global name", c.Function)
		}
	}
	first := s.text(t, start)
	if opening := s.text(t, start.Calls[len(start.Calls)-1].Args); !strings.Contains(opening, one.ID) || !strings.Contains(opening, one.RedirectURL) {
		t.Error("the last call names the attempt's ID or its RedirectURL nowhere")
	}
	s.silent(t, "Start", first)
	next := s.p.Begin(two)
	second := s.text(t, next)
	if strings.Contains(second, one.ID) || strings.ReplaceAll(second, two.ID, one.ID) != first {
		t.Error("one attempt's Start differs from another's by more than the ID")
	}
	spoil(reflect.ValueOf(start.Calls))
	if s.text(t, next) != second || s.text(t, s.p.Begin(two)) != second {
		t.Error("what is done to one attempt's Start reaches another's")
	}
	if n := s.wire.asked(); n != 0 {
		t.Errorf("New, Name and Begin sent %d requests; they must do no I/O", n)
	}
}

func (s *providerTest) text(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("Start cannot be JSON: %v", err)
	}
	return string(text)
}

// spoil changes all that two Starts could share.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		spoil(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				spoil(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
			v.Index(i).SetZero()
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			spoil(v.MapIndex(k))
		}
		v.Clear()
	}
}

// badIDs are safe in no path.
func badIDs(id string) []string {
	return []string{
		"", " ", ".", "..", "/", "../" + id, id + "/", "/" + id, id + "/../" + id, id + "?a=b", id + "#a", id + "%2f..", "%2e%2e", id + ";a",
		id + "&a=b", id + " ", " " + id, id + "\n", id + "\x00", id + "\\", id + "일", id + "\u2028", id + "*", strings.Repeat("a", 10_000), id + strings.Repeat("0", 10_000),
	}
}

func testProviderCallback(t *testing.T, s *providerTest) {
	a := s.attempt()
	values, _ := s.verify(t, a, EndVerified)
	id := s.callbackID(t, values, a)
	if !safeID.MatchString(id) || id == "." || id == ".." {
		t.Errorf("the id %q is not safe in a path", id)
	}
	more := maps.Clone(values)
	more["utm_source"], more["x"] = []string{"mail"}, []string{"..", "/"}
	if got, err := s.p.CallbackID(more, a); got != id || err != nil {
		t.Errorf("with parameters of others' the id is %q, %v", got, err)
	}
	none := maps.Clone(values)
	for name, v := range values {
		if slices.Contains(v, id) {
			delete(none, name)
			s.refusesIn(t, values, a, name, id)
		}
	}
	for what, empty := range map[string]url.Values{"nothing": {}, "nil": nil, "no id": none} {
		if got, err := s.p.CallbackID(empty, a); got != "" || !errors.Is(err, certify.CodeVerificationIDMissing) {
			t.Errorf("CallbackID of %s = %q, %v; want %v", what, got, err, certify.CodeVerificationIDMissing)
		}
	}
	if n := s.wire.asked(); n != 0 {
		t.Errorf("CallbackID sent %d requests", n)
	}
}

// refusesIn wants bad ids, and more than one, refused under a parameter.
func (s *providerTest) refusesIn(t *testing.T, values url.Values, a certify.Attempt, name, id string) {
	t.Helper()
	b := s.attempt()
	others, _ := s.verify(t, b, EndVerified)
	other := s.callbackID(t, others, b)
	rows := [][]string{{id, other}, {other, id}, {"", id}, {id, ".."}}
	for _, bad := range badIDs(id) {
		rows = append(rows, []string{bad})
	}
	for _, row := range rows {
		changed := maps.Clone(values)
		changed[name] = row
		before := fmt.Sprint(changed)
		got, err := s.p.CallbackID(changed, a)
		if got != "" || !isCallbackCode(err) {
			t.Errorf("CallbackID with %s = %.80q returned %.80q, %v", name, row, got, err)
		}
		if fmt.Sprint(changed) != before {
			t.Error("CallbackID changes the values that it reads")
		}
	}
}

func isCallbackCode(err error) bool {
	return errors.Is(err, certify.CodeVerificationIDMissing) || errors.Is(err, certify.CodeVerificationIDMalformed) ||
		errors.Is(err, certify.CodeAttemptMissing)
}

// testProviderOthersCallback: what the browser sends may not name the attempt;
// then the record does.
func testProviderOthersCallback(t *testing.T, s *providerTest) {
	mine, theirs := s.attempt(), s.attempt()
	own, _ := s.verify(t, mine, EndVerified)
	values, _ := s.verify(t, theirs, EndVerified)
	s.mixes(t, own, mine, s.callbackID(t, values, theirs), theirs)
	s.anew(t)
	named := false
	for _, v := range values {
		named = named || slices.Contains(v, theirs.ID)
	}
	id, err := s.p.CallbackID(values, mine)
	switch {
	case errors.Is(err, certify.CodeAttemptMissing) && id == "":
	case named || err != nil:
		t.Errorf("CallbackID of another attempt's values = %q, %v; want %v", id, err, certify.CodeAttemptMissing)
	default:
		if got := s.lookup(t, id); got.AttemptID != theirs.ID {
			t.Error("the record of another attempt does not name it as AttemptID")
		}
	}
}

// mixes shows another's id among a visitor's own values, as somebody would who
// learned it: whatever the browser says, the record names its attempt.
func (s *providerTest) mixes(t *testing.T, own url.Values, mine certify.Attempt, id string, theirs certify.Attempt) {
	t.Helper()
	ownID := s.callbackID(t, own, mine)
	s.anew(t)
	mixed := maps.Clone(own)
	for name, v := range own {
		if slices.Contains(v, ownID) {
			mixed[name] = []string{id}
		}
	}
	got, err := s.p.CallbackID(mixed, mine)
	switch {
	case isCallbackCode(err) && got == "":
	case err != nil || got != id:
		t.Errorf("CallbackID of another's id among one's own values = %q, %v", got, err)
	case s.lookup(t, id).AttemptID != theirs.ID:
		t.Error("a record names the attempt that the browser did, and not its own")
	}
}
