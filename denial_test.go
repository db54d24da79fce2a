package certify_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// What a policy of the app's may return, and what becomes of it.
func TestDenialsOfTheApp(t *testing.T) {
	t.Parallel()
	var none *certify.Denial
	definite := &certify.Denial{Code: "own", Definite: true}
	for _, tc := range []struct {
		name       string
		returned   error
		want, turn string // what the policy says, and Not of it
		policy     string
	}{
		{"nil", nil, "allow", "excluded, definite", ""},
		{"a definite denial", definite, "own, definite", "allow", "a policy of this site"},
		{"a denial", &certify.Denial{Code: "own"}, "own", "own", "a policy of this site"},
		{"one that names its policy", &certify.Denial{Code: "own", Policy: "a member of the club"}, "own", "own", "a member of the club"},
		{"with a remedy", &certify.Denial{Code: "own", Remedy: certify.Reverify}, "own, reverify", "own, reverify", "a policy of this site"},
		{"definite with a remedy", &certify.Denial{Code: "own", Definite: true, Remedy: certify.Reverify}, "own, reverify", "own, reverify", "a policy of this site"},
		{"definite with a remedy of its own", &certify.Denial{Code: "own", Definite: true, Remedy: "appeal"}, "own, appeal", "own, appeal", "a policy of this site"},
		{"without a code", &certify.Denial{}, "excluded", "excluded", "a policy of this site"},
		{"wrapped", fmt.Errorf("looking up: %w", definite), "own", "own", "a policy of this site"},
		{"wrapped twice", fmt.Errorf("b: %w", fmt.Errorf("a: %w", definite)), "own", "own", "a policy of this site"},
		{"joined with an error", errors.Join(errors.New("down"), definite), "own", "own", "a policy of this site"},
		{"a typed nil", none, "policy_failed", "policy_failed", "a policy of this site"},
		{"a wrapped typed nil", errors.Join(none), "policy_failed", "policy_failed", "a policy of this site"},
		{"a plain error", errors.New("down"), "policy_failed", "policy_failed", "a policy of this site"},
		{"a code", certify.CodeUnderage, "underage", "underage", "a policy of this site"},
		{"a code that means entry nowhere", certify.CodeExcluded, "excluded", "excluded", "a policy of this site"},
		{"a wrapped code", fmt.Errorf("reading: %w", certify.CodeClaimExpired), "claim_expired", "claim_expired", "a policy of this site"},
		{"a code of the app's own", certify.Code("tired"), "policy_failed", "policy_failed", "a policy of this site"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := certify.PolicyFunc(func(time.Time, *certify.Claim) error { return tc.returned })
			for name, same := range map[string]certify.Policy{"All": certify.All(p), "Any": certify.Any(p), "Any of two": certify.Any(p, p), "All of two": certify.All(p, p)} {
				if got := outcome(same.Check(noon, &certify.Claim{})); got != tc.want {
					t.Errorf("%s: %s, want %s", name, got, tc.want)
				}
			}
			if got := outcome(certify.Not(p).Check(noon, &certify.Claim{})); got != tc.turn {
				t.Errorf("Not: %s, want %s", got, tc.turn)
			}
			if tc.returned == nil {
				return
			}
			d := certify.All(p).Check(noon, &certify.Claim{}).(*certify.Denial)
			if d.Policy != tc.policy {
				t.Errorf("policy %q", d.Policy)
			}
			if errors.Is(d, errors.New("walked")) { // it must survive the walk through what it wraps
				t.Error("found")
			}
		})
	}
}

// A typed nil is printed and searched by whoever gets hold of it.
func TestNilDenialIsAnError(t *testing.T) {
	t.Parallel()
	var d *certify.Denial
	if d.Error() != "certify: policy_failed" || errors.Is(fmt.Errorf("wrapped: %w", d), io.EOF) {
		t.Error(d.Error())
	}
}

// What a denial came wrapped in can still be found in it, and is not shown.
func TestWrappedDenialKeepsItsCause(t *testing.T) {
	t.Parallel()
	p := certify.PolicyFunc(func(time.Time, *certify.Claim) error {
		return errors.Join(io.ErrUnexpectedEOF, &certify.Denial{Code: "own", Detail: "회원 전용입니다.", Definite: true})
	})
	err := certify.All(p).Check(noon, &certify.Claim{})
	if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, certify.Code("own")) || err.(*certify.Denial).Detail != "회원 전용입니다." {
		t.Errorf("%v", err)
	}
	if err.Error() != "certify: own: the policy is: a policy of this site" {
		t.Error(err)
	}
}

// The denials of the app's policies are read, and never written to.
func TestDenialsOfTheAppAreNotChanged(t *testing.T) {
	t.Parallel()
	shared := &certify.Denial{Definite: true, Remedy: certify.Reverify, Reasons: []*certify.Denial{nil, {Code: "inner"}}}
	p := certify.PolicyFunc(func(time.Time, *certify.Claim) error { return shared })
	for _, combined := range []certify.Policy{certify.All(p), certify.Any(p, p), certify.Not(p), certify.All(p, certify.MinAge(19))} {
		d := combined.Check(noon, &certify.Claim{}).(*certify.Denial)
		for _, r := range d.Reasons {
			if r == nil {
				t.Fatal("a reason that is nil")
			}
			r.Code, r.Policy = "changed", "changed"
		}
		d.Code, d.Policy = "changed", "changed"
	}
	if shared.Code != "" || shared.Policy != "" || !shared.Definite || shared.Reasons[0] != nil || shared.Reasons[1].Code != "inner" || shared.Reasons[1].Policy != "" {
		t.Errorf("changed to %+v", *shared)
	}
}

// panicky panics wherever it is asked.
type panicky struct{ with any }

func (p panicky) Check(time.Time, *certify.Claim) error { panic(p.with) }
func (p panicky) String() string                        { panic(p.with) }

func TestPanicsAreRefusals(t *testing.T) {
	// Not parallel: with panicnil=1, recover sees nothing of panic(nil).
	t.Setenv("GODEBUG", "panicnil=1")
	var unwired *pointerPolicy
	for _, tc := range []struct {
		name   string
		policy certify.Policy
	}{
		{"a text", panicky{"홍길동"}},
		{"an error", panicky{errors.New("홍길동")}},
		{"nil", panicky{nil}},
		{"a nil func", certify.PolicyFunc(nil)},
		{"a nil pointer", unwired},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, p := range []certify.Policy{certify.All(tc.policy), certify.Any(tc.policy, tc.policy), certify.Not(tc.policy), certify.Not(certify.Not(tc.policy))} {
				err := p.Check(noon, &certify.Claim{})
				if got := outcome(err); got != "policy_failed" {
					t.Errorf("%T: %s", p, got)
				}
			}
		})
	}
}

type pointerPolicy struct{ limit time.Duration }

func (p *pointerPolicy) Check(time.Time, *certify.Claim) error { _ = p.limit; return nil }
func (p *pointerPolicy) String() string                        { return p.limit.String() }

// A hook may do with a denial what it likes: later visitors get their own.
func TestHooksCannotPoisonDenials(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	poison := func(w http.ResponseWriter, r *http.Request, err error) {
		var d *certify.Denial
		if !errors.As(err, &d) {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		text := d.Error()
		for _, reason := range d.Reasons {
			text += "; " + reason.Error()
			*reason = certify.Denial{Code: "poisoned", Remedy: certify.Reverify}
		}
		for i := range d.Reasons {
			d.Reasons[i] = nil
		}
		*d = certify.Denial{Code: "poisoned", Policy: "poisoned", Remedy: certify.Reverify}
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, text)
	}
	policies := map[string]certify.Policy{
		"/one":     certify.MinAge(99),
		"/not":     certify.Not(certify.MinAge(19)),
		"/all":     certify.All(certify.MinAge(99), certify.Foreigner(), certify.Not(certify.KoreanNational())),
		"/any":     certify.Any(certify.CalendarYearAge(99), certify.Any(certify.UnderAge(10), certify.Foreigner())),
		"/members": certify.YouthMedia(),
	}
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Deny = poison }, routes: func(mux *http.ServeMux) {
		for path, p := range policies {
			mux.Handle(path, certify.Require(p)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("admitted") })))
		}
	}}).browser()
	b.pass()
	for path := range policies {
		seen = nil
		var visits sync.WaitGroup
		for range 8 { // at once, for the race detector
			visits.Go(func() { b.get(path) })
		}
		visits.Wait()
		for _, text := range seen {
			if text != seen[0] {
				t.Errorf("%s: first %q, then %q", path, seen[0], text)
			}
		}
		if len(seen) != 8 {
			t.Errorf("%s: %d of 8 visits reached the hook", path, len(seen))
		}
	}
}

// Nor can who asks a policy without a gate.
func TestCheckHandsOutCopies(t *testing.T) {
	t.Parallel()
	child := claimOf(born(t, "2015-01-01", noon), noon)
	child.AuthTime = noon.Add(-time.Hour)
	for _, p := range []certify.Policy{
		certify.MinAge(19), certify.UnderAge(5), certify.CalendarYearAge(19), certify.YouthProtection(), certify.CivilAdult(), certify.NotChild14(),
		certify.Foreigner(), certify.KoreanNational(), certify.FreshWithin(time.Minute), certify.YouthMedia(), certify.Not(certify.UnderAge(19)),
		certify.All(certify.MinAge(19), certify.Foreigner()), certify.Any(certify.MinAge(19), certify.Foreigner()), certify.Not(certify.Foreigner()),
	} {
		first := p.Check(noon, child).(*certify.Denial)
		before := inFull(first)
		for _, r := range append(first.Reasons, first) {
			*r = certify.Denial{Code: "poisoned"}
		}
		if after := inFull(p.Check(noon, child).(*certify.Denial)); after != before {
			t.Errorf("%v: %s, then %s", p, before, after)
		}
	}
}

func inFull(d *certify.Denial) string {
	text := fmt.Sprintf("%s %s %s %t", d.Error(), d.Remedy, d.MaxAge, d.Definite)
	for _, r := range d.Reasons {
		text += "; " + inFull(r)
	}
	return text
}
