package certifytest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A Person is an invented visitor of a test. The zero Person is of unknown
// nationality and has just turned 0: begin with [Adult], [Minor] or [Foreigner].
type Person struct {
	// Born is the birth date, "2007-08-10". If empty, Age counts.
	Born string
	// Age is the full age (만 나이) in years of somebody whose last birthday
	// was about half a year ago. For the rule by calendar years (연 나이) and
	// for birthdays say Born.
	Age         int
	Nationality certify.Nationality
	// DI is the person's key on the site: of it the claim has a hash, under a
	// key of this package's own. "" for none.
	DI string
	// VerifiedAgo is how long ago the person was verified, by the Sessions' clock.
	VerifiedAgo time.Duration
	// Account is the account the claim was issued to. It is needed with
	// [certify.SessionConfig.Account], and is to be the one that names.
	Account string
}

// Adult is a Korean of 36 years.
func Adult() Person {
	return Person{Age: 36, Nationality: certify.NationalityKorean, DI: "certifytest-adult"}
}

// Minor is a Korean of 16 years: a youth by any count.
func Minor() Person {
	return Person{Age: 16, Nationality: certify.NationalityKorean, DI: "certifytest-minor"}
}

// Foreigner is a registered foreigner of 36 years.
func Foreigner() Person {
	return Person{Age: 36, Nationality: certify.NationalityForeigner, DI: "certifytest-foreigner"}
}

// Cookie returns the claim of a verified person, as s keeps it in browsers:
//
//	r.AddCookie(certifytest.Cookie(t, sessions, certifytest.Adult()))
//
// Its Value is the token, for where [certify.SessionConfig.Bearer] takes it
// from a header. The claim is issued by certify's own Handler for these very
// Sessions, so that everything about it is as in production, but the person.
// The test fails if no such claim can be: if the person's claim would have
// ended by now, or s holds public keys only.
func Cookie(t testing.TB, s *certify.Sessions, p Person) *http.Cookie {
	t.Helper()
	v := &verification{person: p}
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: s, Provider: v, Pepper: pepper(), Accept: v.accept})
	if err != nil {
		t.Fatalf("certifytest: %v", err)
	}
	begun := call(handler, "/certifications/attempts", nil)
	if begun.StatusCode != http.StatusCreated {
		t.Fatalf("certifytest: no attempt: %s", problemIn(begun))
	}
	done := call(handler, "/certifications", begun.Cookies())
	for _, c := range done.Cookies() {
		if strings.HasSuffix(c.Name, "certify") && c.Value != "" {
			return c
		}
	}
	if v.err != nil {
		t.Fatalf("certifytest: %v", v.err)
	}
	t.Fatalf("certifytest: no claim for a person verified %s ago, with the account %q: %s", p.VerifiedAgo, p.Account, problemIn(done))
	return nil
}

// pepper is a key that protects nobody: the people are invented.
func pepper() []byte { return []byte("certifytest: invented people only") }

// call posts to the handler, as a browser's script without any header.
func call(handler http.Handler, path string, cookies []*http.Cookie) *http.Response {
	r := httptest.NewRequest(http.MethodPost, path, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

// A verification is a [certify.Provider] that knows one person, who is
// verified as soon as the attempt begins.
type verification struct {
	person  Person
	attempt certify.Attempt
	err     error
}

func (*verification) Name() string { return "certifytest" }

func (*verification) Begin(certify.Attempt) certify.Start { return certify.Start{IDName: "attempt"} }

func (v *verification) CallbackID(_ url.Values, a certify.Attempt) (string, error) {
	v.attempt = a
	return a.ID, nil
}

func (v *verification) Lookup(context.Context, string) (*certify.Identity, error) {
	born, err := v.person.birthDate(v.attempt.StartedAt)
	if err != nil {
		v.err = err
		return nil, &certify.ProviderError{Code: certify.CodeProviderInvalid, Detail: "certifytest: no birth date"}
	}
	return &certify.Identity{
		ID: v.attempt.ID, AttemptID: v.attempt.ID, Channel: "certifytest", VerifiedAt: v.attempt.StartedAt,
		BirthDate: born, Nationality: v.person.Nationality, DI: v.person.DI,
	}, nil
}

// accept puts the verification back in time. Earlier the Handler would refuse
// what was verified before the attempt began, as it must of anybody else.
func (v *verification) accept(_ *http.Request, id *certify.Identity) (string, error) {
	if v.person.VerifiedAgo < 0 {
		v.err = fmt.Errorf("Person.VerifiedAgo is negative")
		return "", v.err
	}
	id.VerifiedAt = id.VerifiedAt.Add(-v.person.VerifiedAgo)
	return v.person.Account, nil
}

func (p Person) birthDate(now time.Time) (certify.BirthDate, error) {
	born := p.Born
	if born == "" {
		born = now.AddDate(-p.Age, -6, 0).Format(time.DateOnly)
	}
	date, err := certify.ParseBirthDate(born, now)
	if err != nil {
		return certify.BirthDate{}, fmt.Errorf("Person.Born or Age: %w", err)
	}
	return date, nil
}

// problemIn is what an answer says of why it refuses.
func problemIn(res *http.Response) string {
	var text strings.Builder
	_ = res.Write(&text)
	_, body, _ := strings.Cut(text.String(), "\r\n\r\n")
	return fmt.Sprintf("status %d: %s", res.StatusCode, strings.TrimSpace(body))
}
