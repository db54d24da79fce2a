package certify_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// memberClaim is the claim of a verified adult whose account was compared, as
// only a gate gets it.
func memberClaim(t testing.TB) *certify.Claim {
	t.Helper()
	got := make(chan certify.Claim, 1)
	keep := certify.PolicyFunc(func(_ time.Time, c *certify.Claim) error { got <- *c; return nil })
	b := newSite(t, siteConfig{
		sessions: func(c *certify.SessionConfig) {
			c.Account = func(*http.Request) (string, error) { return "member-1", nil }
		},
		routes: func(mux *http.ServeMux) {
			mux.Handle("/keep", certify.Require(keep)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		},
	}).browser()
	b.pass()
	b.get("/keep")
	c := <-got
	if !c.AccountCompared() {
		t.Fatal("the account was not compared")
	}
	return &c
}

func TestAllowAllocatesNothing(t *testing.T) { // not parallel, as AllocsPerRun demands
	korean := memberClaim(t)
	foreigner := *korean
	foreigner.Nationality = certify.NationalityForeigner
	child := claimOf(born(t, "2015-01-01", noon), noon)
	own := certify.PolicyFunc(func(time.Time, *certify.Claim) error { return nil })
	for _, tc := range []struct {
		name   string
		policy certify.Policy
		claim  *certify.Claim
	}{
		{"MinAge", certify.MinAge(19), korean},
		{"UnderAge", certify.UnderAge(19), child},
		{"CalendarYearAge", certify.CalendarYearAge(19), korean},
		{"YouthProtection", certify.YouthProtection(), korean},
		{"CivilAdult", certify.CivilAdult(), korean},
		{"NotChild14", certify.NotChild14(), korean},
		{"Foreigner", certify.Foreigner(), &foreigner},
		{"KoreanNational", certify.KoreanNational(), korean},
		{"FreshWithin", certify.FreshWithin(time.Hour), korean},
		{"YouthMedia", certify.YouthMedia(), korean},
		{"PolicyFunc", own, korean},
		{"All of three", certify.All(certify.MinAge(19), certify.FreshWithin(time.Hour), certify.KoreanNational()), korean},
		{"Any, the first refuses", certify.Any(certify.Foreigner(), certify.MinAge(19)), korean},
		{"Any, a combination refuses first", certify.Any(certify.All(certify.UnderAge(9), certify.Foreigner(), own), certify.MinAge(19)), korean},
		{"Not", certify.Not(certify.UnderAge(19)), korean},
		{"Not of a combination", certify.Not(certify.Any(certify.UnderAge(19), certify.Foreigner())), korean},
		{"Not twice", certify.Not(certify.Not(certify.MinAge(19))), korean},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.policy.Check(noon, tc.claim); err != nil {
				t.Fatal(err)
			}
			if n := testing.AllocsPerRun(100, func() { _ = tc.policy.Check(noon, tc.claim) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
