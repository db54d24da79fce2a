package certify_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// hold makes lookups of one id wait until the returned function is called, and
// tells of each that arrives.
func (p *fakeProvider) hold(id string) (arrived chan string, release func()) {
	arrived, held := make(chan string, 100), make(chan struct{})
	p.fail = func(asked string) error {
		if asked == id {
			arrived <- id
			<-held
		}
		return nil
	}
	return arrived, sync.OnceFunc(func() { close(held) })
}

func TestLookupsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) { c.MaxLookups = 1 }})
	first, second := s.browser(), s.browser()
	s.provider.verify("imp_1", first.begin("/"))
	s.provider.verify("imp_2", second.begin("/"))
	arrived, release := s.provider.hold("imp_1")
	defer release()
	done := make(chan answer)
	go func() { done <- first.post("/certifications", `{"imp_uid":"imp_1"}`) }()
	<-arrived
	if a := second.post("/certifications", `{"imp_uid":"imp_2"}`); a.StatusCode != 503 || a.code() != "provider_unavailable" || a.Header.Get("Retry-After") == "" {
		t.Errorf("beyond the limit: status %d: %s", a.StatusCode, a.body)
	}
	release()
	if a := <-done; a.StatusCode != http.StatusOK {
		t.Errorf("within the limit: status %d: %s", a.StatusCode, a.body)
	}
	if a := second.post("/certifications", `{"imp_uid":"imp_2"}`); a.StatusCode != http.StatusOK {
		t.Errorf("later: status %d: %s", a.StatusCode, a.body)
	}
}

func TestOneLookupForAnAttemptAtATime(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	b := s.browser()
	s.provider.verify("imp_1", b.begin("/"))
	cookies := b.attemptCookies()
	var now, most atomic.Int64
	s.provider.fail = func(string) error {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		<-time.After(5 * time.Millisecond)
		return nil
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if a := s.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies); a.StatusCode != http.StatusOK {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 {
		t.Errorf("%d lookups for one attempt at a time", most.Load())
	}
}

// Somebody whose record is not finished waits without holding up others.
func TestWaitingHoldsNoLookup(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) { c.MaxLookups = 1 }})
	waiting, other := s.browser(), s.browser()
	s.provider.verify("imp_1", waiting.begin("/"))
	s.provider.verify("imp_2", other.begin("/"))
	asked := make(chan struct{}, 10)
	s.provider.fail = func(id string) error {
		if id == "imp_2" {
			return nil
		}
		asked <- struct{}{}
		return &certify.ProviderError{Code: certify.CodeVerificationPending, Detail: "not certified"}
	}
	done := make(chan answer)
	go func() { done <- waiting.post("/certifications", `{"imp_uid":"imp_1"}`) }()
	<-asked
	<-time.After(50 * time.Millisecond)
	if a := other.post("/certifications", `{"imp_uid":"imp_2"}`); a.StatusCode != http.StatusOK {
		t.Errorf("the other: status %d: %s", a.StatusCode, a.body)
	}
	if a := <-done; a.StatusCode != 409 || a.code() != "verification_pending" || len(asked) == 0 {
		t.Errorf("the one who waited: status %d after %d more lookups: %s", a.StatusCode, len(asked), a.body)
	}
}

func TestInstancesFinishEachOthersAttempts(t *testing.T) {
	t.Parallel()
	store := certify.NewMemoryStore(0, nil)
	shared := func(c *certify.SessionConfig) {
		c.Store, c.Issuer, c.Audience, c.InsecureForgetRevocations = store, "shop", "shop", true
	}
	one, two := newSite(t, siteConfig{sessions: shared}), newSite(t, siteConfig{sessions: shared})
	two.provider.records = map[string]*certify.Identity{}
	b := one.browser()
	attempt := b.begin("/cellar")
	cookies := b.attemptCookies()
	one.provider.verify("imp_1", attempt)
	two.provider.verify("imp_1", attempt)
	two.provider.verify("imp_2", attempt)

	visitor := two.browser()
	if a := visitor.post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies); a.StatusCode != http.StatusOK {
		t.Fatalf("the second instance: status %d: %s", a.StatusCode, a.body)
	}
	first := visitor.cookie("certify")
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != http.StatusOK || b.cookie("certify") != first {
		t.Errorf("a repeat at the first: status %d, the same token: %v", a.StatusCode, b.cookie("certify") == first)
	}
	if a := two.browser().post("/certifications", `{"imp_uid":"imp_2"}`, "Cookie", cookies); a.code() != "attempt_used" {
		t.Errorf("another verification: status %d: %s", a.StatusCode, a.body)
	}
	b.post("/certifications/logout", "")
	if a := two.browser().get("/cellar", "Cookie", "certify="+first); a.code() != "claim_revoked" {
		t.Errorf("signed out at the first: status %d: %s", a.StatusCode, a.body)
	}
}

// Whoever has learned somebody else's imp_uid cannot tell by it how far they
// are, nor whether there is such a record; and alarms no operator.
func TestOthersRecordsLookAlike(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		found func(theirs string) error // nil for a completed record
	}{
		{"unknown", func(string) error {
			return &certify.ProviderError{Code: certify.CodeVerificationRefused, Detail: "no such record"}
		}},
		{"completed", func(string) error { return nil }},
		{"without a birth date", func(string) error { return nil }},
		{"unfinished", func(theirs string) error {
			return &certify.ProviderError{Code: certify.CodeVerificationPending, AttemptID: theirs, Detail: "not certified"}
		}},
		{"on a test channel", func(theirs string) error {
			return &certify.ProviderError{Code: certify.CodeChannelRefused, AttemptID: theirs, Detail: "test channel"}
		}},
		{"invalid", func(theirs string) error {
			return fmt.Errorf("looking up: %w", &certify.ProviderError{Code: certify.CodeProviderInvalid, AttemptID: theirs, Detail: "no time"})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, siteConfig{})
			me, theirs := s.browser(), s.browser().begin("/")
			me.begin("/")
			s.provider.verify("imp_1", theirs, func(id *certify.Identity) {
				if tc.name == "without a birth date" {
					id.BirthDate = certify.BirthDate{}
				}
			})
			s.provider.fail = func(string) error { return tc.found(theirs) }
			a := me.post("/certifications", `{"imp_uid":"imp_1"}`)
			if a.StatusCode != 403 || a.code() != "verification_refused" || s.provider.lookups != 1 {
				t.Errorf("status %d after %d lookups: %s", a.StatusCode, s.provider.lookups, a.body)
			}
			if strings.Contains(s.log.String(), "operator_fault") {
				t.Errorf("the operator is alarmed:\n%s", s.log.String())
			}
		})
	}
}

// One's own record says how it stands, and waits.
func TestOnesOwnRecordSaysHowItStands(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	attempt := b.begin("/")
	for _, code := range []certify.Code{certify.CodeVerificationPending, certify.CodeChannelRefused, certify.CodeProviderInvalid} {
		b.provider.fail = func(string) error { return &certify.ProviderError{Code: code, AttemptID: attempt, Detail: "so"} }
		if a := b.post("/certifications", `{"imp_uid":"imp_`+string(code)+`"}`); a.code() != string(code) {
			t.Errorf("%s: status %d: %s", code, a.StatusCode, a.body)
		}
	}
}
