package certifytest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

func (s *providerTest) lookup(t *testing.T, id string) *certify.Identity {
	t.Helper()
	got, err := s.p.Lookup(t.Context(), id)
	if err != nil || got == nil {
		t.Fatalf("Lookup of a completed verification: %v, %v", got, err)
	}
	return got
}

// providerCodes are the codes of a Lookup that brought nobody.
var providerCodes = []certify.Code{
	certify.CodeVerificationRefused, certify.CodeVerificationPending, certify.CodeChannelRefused,
	certify.CodeProviderUnavailable, certify.CodeProviderInvalid, certify.CodeProviderMisconfigured,
}

// refused wants no identity and an error of the documented type with one of
// the codes, any of a provider's if there are none, that says nothing private.
func (s *providerTest) refused(t *testing.T, what string, id *certify.Identity, err error, codes ...certify.Code) {
	t.Helper()
	if len(codes) == 0 {
		codes = providerCodes
	}
	var pe *certify.ProviderError
	switch {
	case id != nil:
		t.Errorf("%s: Lookup brought an identity", what)
	case !errors.As(err, &pe):
		t.Errorf("%s: the error is no *certify.ProviderError but %T", what, err)
	case !slices.Contains(codes, pe.Code):
		t.Errorf("%s: the error has the code %q, want %q", what, pe.Code, codes)
	case pe.Detail == "" || len(pe.Detail) > 500:
		t.Errorf("%s: the error has %d bytes of Detail for the operator's log", what, len(pe.Detail))
	}
	s.silentError(t, what, err)
}

// silentError reads the error as far as it can be unwrapped.
func (s *providerTest) silentError(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	s.silent(t, what+": the error", fmt.Sprintf("%v %+v %#v", err, err, err))
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		s.silentError(t, what, e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			s.silentError(t, what, inner)
		}
	}
}

// away is how long people take between a verification and its lookup, and
// until the next.
const away = 10 * time.Minute

// testProviderPerson lets time pass: a VerifiedAt that is the time of the lookup
// would make an old verification, shown again, a new one.
func testProviderPerson(t *testing.T, s *providerTest) {
	for range 2 {
		a := s.attempt()
		began := s.Now()
		id := s.verified(t, a)
		ended := s.Now()
		time.Sleep(away)
		if passed := s.Now().Sub(ended); passed < away-time.Second || passed > away+time.Second {
			t.Fatalf("ProviderSubject.Now goes on by %s in %s", passed, away)
		}
		got := s.lookup(t, id)
		s.isPerson(t, got, a, id)
		at := got.VerifiedAt
		if at.Before(began.Add(-time.Second)) || at.After(ended.Add(time.Second)) {
			t.Errorf("VerifiedAt is %s from when the verification ended", at.Sub(ended))
		}
		*got = certify.Identity{Purpose: "spoilt"} // the Handler writes to it, too
		time.Sleep(away)
		again := s.lookup(t, id)
		s.isPerson(t, again, a, id)
		if !again.VerifiedAt.Equal(at) {
			t.Errorf("VerifiedAt is %s later when it is looked up %s later", again.VerifiedAt.Sub(at), away)
		}
	}
}

// isPerson names the fields that differ, and never what is in them.
func (s *providerTest) isPerson(t *testing.T, got *certify.Identity, a certify.Attempt, id string) {
	t.Helper()
	want := s.Person
	want.ID, want.AttemptID, want.VerifiedAt, want.Purpose = id, a.ID, got.VerifiedAt, ""
	if want.Provider = s.p.Name(); got.Provider == "" { // the Handler sets it
		want.Provider = ""
	}
	if want.Channel == "" {
		want.Channel = got.Channel
	}
	g, w := reflect.ValueOf(*got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if !g.Field(i).Equal(w.Field(i)) {
			t.Errorf("Identity.%s is not the record's", g.Type().Field(i).Name)
		}
	}
}

func testProviderEnds(t *testing.T, s *providerTest) {
	for _, row := range []struct {
		end   ProviderEnd
		codes []certify.Code
	}{
		{EndUnknown, []certify.Code{certify.CodeVerificationRefused, certify.CodeVerificationPending}},
		{EndUnfinished, []certify.Code{certify.CodeVerificationPending}},
		{EndFailed, []certify.Code{certify.CodeVerificationPending, certify.CodeVerificationRefused}},
		{EndTestChannel, []certify.Code{certify.CodeChannelRefused}},
		{EndOtherChannel, []certify.Code{certify.CodeChannelRefused}},
	} {
		a := s.attempt()
		if values, ok := s.verify(t, a, row.end); ok {
			id, err := s.p.Lookup(t.Context(), s.callbackID(t, values, a))
			s.refused(t, "a verification "+string(row.end), id, err, row.codes...)
			namesAttempt(t, row.end, err, a)
		}
	}
}

// namesAttempt wants refusals of what a record says to name its attempt: of
// another browser's record the Handler then tells no more than of none.
func namesAttempt(t *testing.T, end ProviderEnd, err error, a certify.Attempt) {
	t.Helper()
	var failed *certify.ProviderError
	read := end == EndTestChannel || end == EndOtherChannel
	switch {
	case !errors.As(err, &failed), failed.AttemptID == a.ID, failed.AttemptID == "" && !read:
		return
	case failed.AttemptID == "":
		t.Errorf("a verification %s: the error's AttemptID is missing", end)
	default:
		t.Errorf("a verification %s: the error's AttemptID is not the attempt's", end)
	}
}

// testProviderLater: a provider that remembers its refusals keeps people out
// who come back and finish.
func testProviderLater(t *testing.T, s *providerTest) {
	for _, end := range []ProviderEnd{EndUnfinished, EndFailed} {
		a := s.attempt()
		values, ok := s.verify(t, a, end)
		if !ok {
			continue
		}
		id, err := s.p.Lookup(t.Context(), s.callbackID(t, values, a))
		s.refused(t, "a verification "+string(end), id, err)
		later := s.verified(t, a)
		s.isPerson(t, s.lookup(t, later), a, later)
	}
}

func testProviderBadIDs(t *testing.T, s *providerTest) {
	for _, bad := range badIDs(s.verified(t, s.attempt())) {
		before := s.wire.asked()
		id, err := s.p.Lookup(t.Context(), bad)
		s.refused(t, fmt.Sprintf("the id %.40q", bad), id, err, certify.CodeVerificationRefused)
		if s.wire.asked() != before {
			t.Errorf("the service was asked for the id %.40q", bad)
		}
	}
}

// testProviderEcho has the service asked for another verification on the way.
func testProviderEcho(t *testing.T, s *providerTest) {
	mine, theirs := s.verified(t, s.attempt()), s.verified(t, s.attempt())
	swapped := false
	s.wire.meet(func(_ int, r *http.Request) (*http.Response, error) {
		body := ""
		if r.Body != nil {
			text, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			body = string(text)
		}
		swap := strings.NewReplacer(mine, theirs)
		swapped = swapped || strings.Contains(r.URL.String()+body, mine)
		u, err := url.Parse(swap.Replace(r.URL.String()))
		if err != nil {
			return nil, err
		}
		other := r.Clone(r.Context())
		other.URL, other.Body = u, io.NopCloser(strings.NewReader(swap.Replace(body)))
		return s.wire.pass(other)
	})
	id, err := s.p.Lookup(t.Context(), mine)
	s.refused(t, "the record of another verification", id, err, certify.CodeProviderInvalid, certify.CodeVerificationRefused)
	if !swapped {
		t.Error("no request names the verification in its URL or its body: nothing was tested")
	}
}

func testProviderTogether(t *testing.T, s *providerTest) {
	const attempts, callers = 8, 64
	var begun []certify.Attempt
	var ids []string
	for range attempts {
		a := s.attempt()
		begun, ids = append(begun, a), append(ids, s.verified(t, a))
	}
	s.anew(t)
	together(callers, func(i int) {
		a, id := begun[i%attempts], ids[i%attempts]
		_ = s.text(t, s.p.Begin(a))
		got, err := s.p.Lookup(t.Context(), id)
		if err != nil || got == nil {
			t.Errorf("Lookup, one of %d at once: %v", callers, err)
			return
		}
		s.isPerson(t, got, a, id)
		got.Purpose = "written to" // a data race if two callers share it
	})
}
