package certifytest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
)

// A ProviderEnd is how a verification ends at the service.
type ProviderEnd string

// The ends of a verification, and what [certify.Provider.Lookup] makes of each.
const (
	EndVerified     ProviderEnd = "verified"           // the person, on an allowed live channel
	EndUnfinished   ProviderEnd = "unfinished"         // begun: CodeVerificationPending
	EndFailed       ProviderEnd = "failed"             // given up: CodeVerificationPending, or CodeVerificationRefused if for good
	EndUnknown      ProviderEnd = "unknown"            // an id of the right form that the service does not know: CodeVerificationRefused, or CodeVerificationPending if it is the attempt's own and may come to be
	EndTestChannel  ProviderEnd = "on a test channel"  // completed, but anybody can there: CodeChannelRefused
	EndOtherChannel ProviderEnd = "on another channel" // completed on one that the provider was not told of: CodeChannelRefused
)

// A ProviderSubject is a [certify.Provider] under test with the service that it
// asks.
type ProviderSubject struct {
	// New makes the provider as programs do, but so that its requests go
	// through transport, and none another way.
	New func(transport http.RoundTripper) (certify.Provider, error)
	// Service answers the requests as the vendor does: a sandbox or a fake, of
	// which every subject has its own. The requests seem to come from loopback.
	Service http.Handler
	// Verify brings the verification of an attempt to an end at the service, and
	// returns what the browser then sends to the Handler. Of ends that the
	// vendor does not have it returns [errors.ErrUnsupported]. An attempt that
	// did not end well may be verified again.
	Verify func(a certify.Attempt, end ProviderEnd) (url.Values, error)
	// Person is whom Verify verifies, as the vendor describes them. BirthDate is
	// required, and CI, DI, Phone and the rest where the vendor has them; ID,
	// AttemptID and VerifiedAt are the suite's to judge.
	Person certify.Identity
	// Now is the clock of the service and the provider, and goes on as time.Now
	// does. nil means time.Now, which begins at the start of 2000 here (see
	// [testing/synctest]).
	Now func() time.Time
	// Secrets are the credentials and tokens that the provider shows the service.
	Secrets []string
}

// ProviderSuite tests what certify counts on with a [certify.Provider], whose
// documentation it follows, on any answer of the service and on none. open
// returns a new subject each time.
//
// The parts run in parallel, each in a bubble of [testing/synctest], so that a
// minute's wait takes no time. So the provider must do without goroutines that
// outlive a lookup for longer than a minute.
func ProviderSuite(t *testing.T, open func(t testing.TB) ProviderSubject) {
	t.Helper()
	for _, part := range []struct {
		name string
		test func(*testing.T, *providerTest)
	}{
		{"it has a name, and prints no secret", testProviderName},
		{"beginning asks nothing and names the attempt", testProviderBegin},
		{"a callback brings an id that is safe in a path", testProviderCallback},
		{"a callback for another attempt is refused", testProviderOthersCallback},
		{"a completed verification is the person", testProviderPerson},
		{"what was not completed brings nobody", testProviderEnds},
		{"what failed may be completed later", testProviderLater},
		{"what is no id is not asked for", testProviderBadIDs},
		{"another verification's record is refused", testProviderEcho},
		{"an answer that is none brings nobody", testProviderAnswers},
		{"a redirect is not followed", testProviderRedirects},
		{"a service that is down is not waited for", testProviderDown},
		{"a caller who leaves is let go", testProviderContext},
		{"a caller who leaves disturbs nobody", testProviderLeaving},
		{"lookups at once are apart", testProviderTogether},
		{"the claim tells the same of a person each time", testProviderClaim},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				defer time.Sleep(maxLookup) // of goroutines that callers shared and left
				part.test(t, newProviderTest(t, open(t)))
			})
		})
	}
}

// A providerTest is a subject with the words of the tests.
type providerTest struct {
	ProviderSubject
	wire *wire
	p    certify.Provider // over wire

	attempts int
}

func newProviderTest(t *testing.T, s ProviderSubject) *providerTest {
	t.Helper()
	if s.New == nil || s.Service == nil || s.Verify == nil || s.Person.BirthDate.IsZero() {
		t.Fatal("ProviderSuite needs New, Service, Verify and a Person with a BirthDate")
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	s.Secrets = append([]string{canary}, s.Secrets...)
	pt := &providerTest{ProviderSubject: s}
	pt.anew(t)
	return pt
}

// anew makes a provider that has asked nothing yet, over an unharmed wire.
func (s *providerTest) anew(t *testing.T) {
	t.Helper()
	s.wire = &wire{service: s.Service}
	p, err := s.New(s.wire)
	if err != nil || p == nil {
		t.Fatalf("New: %v", err)
	}
	s.p = p
}

// attempt is a new one, as a Handler makes them.
func (s *providerTest) attempt() certify.Attempt {
	s.attempts++
	now := s.Now().Truncate(time.Second)
	return certify.Attempt{
		ID: fmt.Sprintf("5eed%028x", s.attempts), Provider: s.p.Name(), RedirectURL: "https://shop.example/certifications/redirect",
		StartedAt: now, VerifyBy: now.Add(30 * time.Minute),
	}
}

// verify ends a verification, and reports false where the vendor has no such end.
func (s *providerTest) verify(t *testing.T, a certify.Attempt, end ProviderEnd) (url.Values, bool) {
	t.Helper()
	values, err := s.Verify(a, end)
	switch {
	case errors.Is(err, errors.ErrUnsupported) && end != EndVerified:
		t.Logf("not tested, as the vendor has none: a verification %s", end)
		return nil, false
	case err != nil:
		t.Fatalf("Verify, to the end %q: %v", end, err)
	}
	return values, true
}

// verified ends a verification well and returns its id.
func (s *providerTest) verified(t *testing.T, a certify.Attempt) string {
	t.Helper()
	values, _ := s.verify(t, a, EndVerified)
	return s.callbackID(t, values, a)
}

func (s *providerTest) callbackID(t *testing.T, values url.Values, a certify.Attempt) string {
	t.Helper()
	id, err := s.p.CallbackID(values, a)
	if err != nil || id == "" {
		t.Fatalf("CallbackID of what the browser sent = %q, %v", id, err)
	}
	return id
}
