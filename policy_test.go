package certify_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

func TestDenialCodes(t *testing.T) {
	t.Parallel()
	now := koreanTime(t, "2026-08-10 12:00:00")
	person := func(date string) *certify.Claim { return claimOf(born(t, date, now), now) }
	lastYear := func(date string) *certify.Claim {
		return claimOf(born(t, date, now), koreanTime(t, "2025-12-31 12:00:00"))
	}
	of := func(n certify.Nationality) *certify.Claim {
		c := person("1990-03-14")
		c.Nationality = n
		return c
	}
	for _, tc := range []struct {
		name   string
		policy certify.Policy
		claim  *certify.Claim
		want   string
	}{
		{"19 today", certify.MinAge(19), person("2007-08-10"), "allow"},
		{"19 tomorrow", certify.MinAge(19), person("2007-08-11"), "underage, definite"},
		{"18 at the turn of the year, 19 by now or not", certify.MinAge(19), lastYear("2007-08-11"), "age_uncertain, reverify"},
		{"17 at the turn of the year", certify.MinAge(19), lastYear("2008-08-11"), "underage, definite"},
		{"19 at the turn of the year", certify.MinAge(19), lastYear("2006-08-11"), "allow"},
		{"a civil adult", certify.CivilAdult(), person("2007-08-10"), "allow"},
		{"no civil adult", certify.CivilAdult(), person("2007-08-11"), "underage, definite"},
		{"perhaps a civil adult", certify.CivilAdult(), lastYear("2007-08-11"), "age_uncertain, reverify"},
		{"13 until tomorrow", certify.UnderAge(14), person("2012-08-11"), "allow"},
		{"14 today", certify.UnderAge(14), person("2012-08-10"), "overage, definite"},
		{"13 at the turn of the year", certify.UnderAge(14), lastYear("2012-08-11"), "age_uncertain, reverify"},
		{"12 at the turn of the year", certify.UnderAge(14), lastYear("2013-08-11"), "allow"},
		{"14 at the turn of the year", certify.UnderAge(14), lastYear("2011-08-11"), "overage, definite"},
		{"may consent", certify.NotChild14(), person("2012-08-10"), "allow"},
		{"may not consent", certify.NotChild14(), person("2012-08-11"), "guardian_consent_required, definite"},
		{"perhaps may consent", certify.NotChild14(), lastYear("2012-08-11"), "age_uncertain, reverify"},
		{"no youth from New Year on, though 18", certify.YouthProtection(), person("2007-12-31"), "allow"},
		{"no youth by an old claim", certify.YouthProtection(), lastYear("2007-12-31"), "allow"},
		{"a youth", certify.YouthProtection(), person("2008-01-01"), "underage, definite"},
		{"a youth by an old claim", certify.YouthProtection(), lastYear("2008-01-01"), "underage, definite"},
		{"in the year of 15", certify.CalendarYearAge(15), person("2011-12-31"), "allow"},
		{"in the year of 14", certify.CalendarYearAge(15), person("2012-01-01"), "underage, definite"},
		{"a foreigner", certify.Foreigner(), of(certify.NationalityForeigner), "allow"},
		{"a Korean among foreigners", certify.Foreigner(), of(certify.NationalityKorean), "foreigner_required, definite"},
		{"nobody knows", certify.Foreigner(), of(certify.NationalityUnknown), "nationality_unknown"},
		{"no nationality there is", certify.Foreigner(), of(certify.Nationality(3)), "nationality_unknown"},
		{"a Korean", certify.KoreanNational(), of(certify.NationalityKorean), "allow"},
		{"a foreigner among Koreans", certify.KoreanNational(), of(certify.NationalityForeigner), "korean_required, definite"},
		{"nobody knows either", certify.KoreanNational(), of(certify.NationalityUnknown), "nationality_unknown"},
		{"not a foreigner", certify.Not(certify.Foreigner()), of(certify.NationalityKorean), "allow"},
		{"not not a foreigner", certify.Not(certify.Foreigner()), of(certify.NationalityForeigner), "excluded, definite"},
		{"not a foreigner, as far as anybody knows", certify.Not(certify.Foreigner()), of(certify.NationalityUnknown), "nationality_unknown"},
		{"not a Korean, as far as anybody knows", certify.Not(certify.KoreanNational()), of(certify.NationalityUnknown), "nationality_unknown"},
		{"one or the other, as far as anybody knows", certify.Any(certify.Foreigner(), certify.KoreanNational()), of(certify.NationalityUnknown), "nationality_unknown"},
		{"a youth of whom it is known", certify.Not(certify.YouthProtection()), person("2008-01-01"), "allow"},
		{"a minor of whom it is no longer known", certify.Not(certify.CivilAdult()), lastYear("2007-08-11"), "age_uncertain, reverify"},
		{"an account that nobody compared", certify.YouthMedia(), person("1990-03-14"), "account_required"},
		{"a youth without an account", certify.YouthMedia(), person("2010-03-14"), "underage, definite"},
		{"not a member", certify.Not(certify.YouthMedia()), person("1990-03-14"), "account_required"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, now := range everywhere(t, now) {
				if got := outcome(tc.policy.Check(now, tc.claim)); got != tc.want {
					t.Errorf("%s: %s, want %s", now.Location(), got, tc.want)
				}
			}
		})
	}
}

// The person of docs/policies.md, in both of its tables.
func TestTheDocumentedPerson(t *testing.T) {
	t.Parallel()
	seoyeon := born(t, "2007-11-20", noon)
	june := claimOf(seoyeon, koreanTime(t, "2026-06-01 12:00:00"))
	for _, tc := range []struct{ at, wine, loan, loanByTheClaimOfJune string }{
		{"2025-12-31 23:59:59", "underage, definite", "underage, definite", ""},
		{"2026-01-01 00:00:00", "allow", "underage, definite", ""},
		{"2026-06-01 23:59:59", "allow", "underage, definite", "underage, definite"},
		{"2026-06-02 00:00:00", "allow", "underage, definite", "age_uncertain, reverify"},
		{"2026-11-19 23:59:59", "allow", "underage, definite", "age_uncertain, reverify"},
		{"2026-11-20 00:00:00", "allow", "allow", "age_uncertain, reverify"},
		{"2026-12-30 23:59:59", "allow", "allow", "age_uncertain, reverify"},
		{"2026-12-31 00:00:00", "allow", "allow", "allow"},
		{"2027-05-31 23:59:59", "allow", "allow", "allow"},
	} {
		t.Run(tc.at, func(t *testing.T) {
			t.Parallel()
			now := koreanTime(t, tc.at)
			c := claimOf(seoyeon, now)
			wine, loan := outcome(certify.YouthProtection().Check(now, c)), outcome(certify.CivilAdult().Check(now, c))
			if wine != tc.wine || loan != tc.loan {
				t.Errorf("wine: %s, loan: %s", wine, loan)
			}
			if tc.loanByTheClaimOfJune == "" {
				return
			}
			wine, loan = outcome(certify.YouthProtection().Check(now, june)), outcome(certify.CivilAdult().Check(now, june))
			if wine != "allow" || loan != tc.loanByTheClaimOfJune {
				t.Errorf("by the claim of June: wine: %s, loan: %s", wine, loan)
			}
		})
	}
}

func TestFreshWithin(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		within time.Duration
		ago    time.Duration
		fresh  bool
	}{
		{"now", 10 * time.Minute, 0, true},
		{"to the second", 10 * time.Minute, 10 * time.Minute, true},
		{"a moment more", 10 * time.Minute, 10*time.Minute + 1, false},
		{"a year", certify.YouthMediaMaxAge, 365 * 24 * time.Hour, true},
		{"a year and a moment", certify.YouthMediaMaxAge, 365*24*time.Hour + 1, false},
		{"a clock a minute ahead", 10 * time.Minute, -time.Minute, true},
		{"a clock more than a minute ahead", 10 * time.Minute, -time.Minute - 1, false},
		{"centuries", 100 * 365 * 24 * time.Hour, math.MaxInt64, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, now := range everywhere(t, noon) {
				c := &certify.Claim{AuthTime: noon.Add(-tc.ago), IssuedAt: noon}
				err := certify.FreshWithin(tc.within).Check(now, c)
				if got := outcome(err); (got == "allow") != tc.fresh || !tc.fresh && got != "stale, reverify" {
					t.Fatal(got)
				}
				if !tc.fresh && err.(*certify.Denial).MaxAge != tc.within {
					t.Errorf("max age %v", err.(*certify.Denial).MaxAge)
				}
				if certify.Not(certify.FreshWithin(tc.within)).Check(now, c) == nil {
					t.Error("Not admits somebody for being out of date")
				}
			}
		})
	}
}

// 365 days from any moment are over before the year of art. 17(2) is, which
// ends with the day before the corresponding day of the next year.
func TestYouthMediaMaxAgeEndsWithinTheStatutoryYear(t *testing.T) {
	t.Parallel()
	cal := newCalendar()
	for y := 2020; y <= 2060; y++ {
		for m := 1; m <= 12; m++ {
			for d := 1; d <= daysIn(y, m); d++ {
				// The day of the check is not counted (Civil Act, art. 157), so
				// the year begins on the next.
				end := midnight(cal.attainedFromNextDay(y, m, d, 1))
				for _, check := range []time.Time{midnight(cal.day(y, m, d)), midnight(cal.day(y, m, d) + 1).Add(-time.Second)} {
					if last := check.Add(certify.YouthMediaMaxAge); !last.Before(end) {
						t.Fatalf("a check of %d-%d-%d would hold until %v, after %v", y, m, d, last, end)
					}
				}
			}
		}
	}
}

// attainedFromNextDay is attained for a period whose first day is the next one.
func (cal *calendar) attainedFromNextDay(y, m, d, n int) int {
	d++
	if d > daysIn(y, m) {
		m, d = m+1, 1
	}
	if m > 12 {
		y, m = y+1, 1
	}
	return cal.attained(y, m, d, n)
}

func TestYouthMediaIsForTheVerifiedMember(t *testing.T) {
	t.Parallel()
	var account atomic.Value
	account.Store("")
	comparing := func(c *certify.SessionConfig) {
		c.Account = func(*http.Request) (string, error) { return account.Load().(string), nil }
		c.TTL, c.InsecureForgetRevocations = certify.MaxTTL, true
	}
	films := func(mux *http.ServeMux) {
		mux.Handle("/films", certify.Require(certify.YouthMedia())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}
	t.Run("without SessionConfig.Account", func(t *testing.T) {
		b := newSite(t, siteConfig{routes: films}).browser()
		b.pass()
		if a := b.get("/films"); a.StatusCode != http.StatusForbidden || a.code() != "account_required" {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
	b := newSite(t, siteConfig{sessions: comparing, routes: films}).browser()
	account.Store("member-1")
	b.pass()
	t.Run("read without a request", func(t *testing.T) {
		c, err := b.sessions.Read(t.Context(), b.cookie("certify"))
		if err != nil {
			t.Fatal(err)
		}
		if got := outcome(certify.YouthMedia().Check(b.now(), c)); got != "account_required" {
			t.Error(got)
		}
	})
	for _, tc := range []struct {
		name, account string
		after         time.Duration
		status        int
		code          string
	}{
		{"the member who was verified", "member-1", 0, http.StatusOK, ""},
		{"another member", "member-2", 0, http.StatusUnauthorized, "claim_other_account"},
		{"signed out", "", 0, http.StatusUnauthorized, "claim_other_account"},
		{"a year less a second later", "member-1", certify.YouthMediaMaxAge - time.Second, http.StatusOK, ""},
		{"a year later", "member-1", time.Second, http.StatusUnauthorized, "claim_expired"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			account.Store(tc.account)
			b.wait(tc.after)
			if a := b.get("/films"); a.StatusCode != tc.status || a.code() != tc.code {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestSentences(t *testing.T) {
	t.Parallel()
	own := certify.PolicyFunc(func(time.Time, *certify.Claim) error { return nil })
	for _, tc := range []struct {
		policy certify.Policy
		want   string
	}{
		{certify.MinAge(19), "full age of at least 19"},
		{certify.UnderAge(14), "full age under 14"},
		{certify.CalendarYearAge(15), "calendar-year age of at least 15"},
		{certify.YouthProtection(), "calendar-year age of at least 19 (Youth Protection Act, art. 2(1))"},
		{certify.CivilAdult(), "full age of at least 19 (Civil Act, art. 4)"},
		{certify.NotChild14(), "full age of at least 14 (Personal Information Protection Act, art. 22-2)"},
		{certify.Foreigner(), "registered foreigner"},
		{certify.KoreanNational(), "Korean national"},
		{certify.FreshWithin(10 * time.Minute), "verified within the last 10 minutes"},
		{certify.FreshWithin(time.Second), "verified within the last second"},
		{certify.FreshWithin(90 * time.Second), "verified within the last 90 seconds"},
		{certify.FreshWithin(time.Minute), "verified within the last minute"},
		{certify.FreshWithin(90 * time.Minute), "verified within the last 90 minutes"},
		{certify.FreshWithin(time.Hour), "verified within the last hour"},
		{certify.FreshWithin(24 * time.Hour), "verified within the last 24 hours"},
		{certify.FreshWithin(36 * time.Hour), "verified within the last 36 hours"},
		{certify.FreshWithin(48 * time.Hour), "verified within the last 2 days"},
		{certify.FreshWithin(certify.YouthMediaMaxAge), "verified within the last 365 days"},
		{certify.FreshWithin(1500 * time.Millisecond), "verified within the last 1.5s"},
		{certify.YouthMedia(), "calendar-year age of at least 19 (Youth Protection Act, art. 2(1)) and verified within the last 365 days and " +
			"signed in as the member who was verified (Youth Protection Act decree, art. 17(2))"},
		{own, "a policy of this site"},
		{nameless{}, "a policy of this site"},
		{certify.All(certify.MinAge(19), certify.FreshWithin(time.Hour)), "full age of at least 19 and verified within the last hour"},
		{certify.Any(certify.Foreigner(), own), "registered foreigner or a policy of this site"},
		{certify.Not(certify.Foreigner()), "not (registered foreigner)"},
		{certify.All(certify.MinAge(19), certify.Any(certify.Foreigner(), certify.Not(certify.UnderAge(30)))), "full age of at least 19 and (registered foreigner or not (full age under 30))"},
	} {
		t.Run(tc.want, func(t *testing.T) {
			t.Parallel()
			// A single member lends All its name, if it has none itself.
			if got := fmt.Sprint(certify.All(tc.policy)); got != tc.want && got != "("+tc.want+")" {
				t.Errorf("%q", got)
			}
			if s, ok := tc.policy.(fmt.Stringer); ok && s.String() != tc.want {
				t.Errorf("%q", s.String())
			}
		})
	}
}

// nameless is a policy that does not name itself.
type nameless struct{}

func (nameless) Check(time.Time, *certify.Claim) error { return errors.New("no") }

func TestPoliciesAreCheckedWhileWiring(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		wire   func()
		panics bool
	}{
		{"MinAge(0)", func() { certify.MinAge(0) }, true},
		{"MinAge(1)", func() { certify.MinAge(1) }, false},
		{"MinAge(130)", func() { certify.MinAge(130) }, false},
		{"MinAge(131)", func() { certify.MinAge(131) }, true},
		{"UnderAge(0)", func() { certify.UnderAge(0) }, true},
		{"UnderAge(131)", func() { certify.UnderAge(131) }, true},
		{"CalendarYearAge(-1)", func() { certify.CalendarYearAge(-1) }, true},
		{"CalendarYearAge(2007), a birth year", func() { certify.CalendarYearAge(2007) }, true},
		{"FreshWithin(0)", func() { certify.FreshWithin(0) }, true},
		{"FreshWithin(-1s)", func() { certify.FreshWithin(-time.Second) }, true},
		{"FreshWithin(1ns)", func() { certify.FreshWithin(1) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if panicked := recover() != nil; panicked != tc.panics {
					t.Errorf("panics: %t", panicked)
				}
			}()
			tc.wire()
		})
	}
}
