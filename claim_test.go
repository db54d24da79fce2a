package certify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A people is a set of persons born in one year: bit i is who was born on its
// day i.
type people [6]uint64

func (p people) meets(q people) bool {
	for i := range p {
		if p[i]&q[i] != 0 {
			return true
		}
	}
	return false
}

// A census says of one day who is how old. Of the people of one birth year
// there are two ages at most on any day.
type census []struct {
	age int
	who people
}

// ages returns the least and the greatest age of those, by asking each.
func (c census) ages(those people) (youngest, oldest int) {
	youngest, oldest = 1000, -1000
	for _, row := range c {
		if row.who.meets(those) {
			youngest, oldest = min(youngest, row.age), max(oldest, row.age)
		}
	}
	return youngest, oldest
}

// takeCensus counts everyone born in the year on that day, by the statute.
// Those who are not born yet are -1.
func (cal *calendar) takeCensus(year, day int) (c census) {
	i := 0
	for m := 1; m <= 12; m++ {
		for d := 1; d <= daysIn(year, m); d++ {
			age := -1
			if cal.day(year, m, d) <= day {
				age = 0
			}
			for n := max(1, (day-cal.day(year, 1, 1))/366-2); age >= 0 && cal.attained(year, m, d, n) <= day; n++ {
				age = n
			}
			c.add(age, i)
			i++
		}
	}
	return c
}

func (c *census) add(age, i int) {
	for j := range *c {
		if (*c)[j].age == age {
			(*c)[j].who[i/64] |= 1 << (i % 64)
			return
		}
	}
	*c = append(*c, census{{age: age}}...)
	c.add(age, i)
}

// For a birth year, every day of a year of issue and every day of a claim's
// life, AgeRange is compared with the ages of all those whom the claim fits,
// found by asking everyone born in that year. So the true age always lies in
// the range, and both of its ends are somebody's.
func TestAgeRangeIsExact(t *testing.T) {
	t.Parallel()
	cal := newCalendar()
	for _, tc := range []struct {
		name        string
		birth, year int
	}{
		{"common year, before a common year", 2007, 2025},
		{"common year, before a leap year", 2007, 2027},
		{"common year, in a leap year", 2005, 2024},
		{"leap year, before a common year", 2008, 2026},
		{"leap year, before a leap year", 2004, 2023},
		{"leap year, in a leap year", 2008, 2028},
		{"leap year of a century", 2000, 2019},
		{"common year of a century", 1900, 2024},
		{"newborn, common year", 2026, 2026},
		{"newborn, leap year", 2024, 2024},
		{"born last year", 2024, 2025},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			first, last := cal.day(tc.year, 1, 1), cal.day(tc.year, 12, 31)
			censuses := make(map[int]census)
			for day := first - 1; day <= last+366; day++ {
				censuses[day] = cal.takeCensus(tc.birth, day)
			}
			compared := 0
			for issued := first; issued <= last; issued++ {
				for _, row := range censuses[issued] {
					if row.age >= 0 && !compareClaim(t, censuses, tc.birth, issued, row.age, row.who, &compared) {
						return
					}
				}
			}
			t.Logf("%d ranges", compared)
		})
	}
}

// compareClaim compares one claim through its life, and the day before it.
func compareClaim(t *testing.T, censuses map[int]census, birth, issued, age int, fitting people, compared *int) bool {
	c := &certify.Claim{IssuedAt: within(issued, issued), BirthYear: birth, Age: age}
	for day := issued - 1; day <= issued+366; day++ {
		wantYoungest, wantOldest := censuses[day].ages(fitting)
		now := within(day, day+issued)
		if youngest, oldest := c.AgeRange(now); youngest != wantYoungest || oldest != wantOldest {
			t.Errorf("age %d of %d on day %d: on day %d the range is %d to %d, want %d to %d",
				age, birth, issued, day, youngest, oldest, wantYoungest, wantOldest)
			return false
		}
		if day%5 == 0 && !compareGates(t, c, now, wantYoungest, wantOldest) {
			return false
		}
		*compared++
	}
	return true
}

// within is an instant of the day in Korea: its first, its last or noon.
func within(day, choice int) time.Time {
	return midnight(day).Add([]time.Duration{0, 24*time.Hour - 1, 12 * time.Hour}[choice%3])
}

// compareGates wants every gate near the age to be sure exactly when all those
// whom the claim fits agree.
func compareGates(t *testing.T, c *certify.Claim, now time.Time, youngest, oldest int) bool {
	for n := max(1, youngest-1); n <= oldest+1; n++ {
		atLeast, under := outcome(certify.MinAge(n).Check(now, c)), outcome(certify.UnderAge(n).Check(now, c))
		wantAtLeast, wantUnder := "age_uncertain, reverify", "age_uncertain, reverify"
		switch {
		case youngest >= n:
			wantAtLeast, wantUnder = "allow", "overage, definite"
		case oldest < n:
			wantAtLeast, wantUnder = "underage, definite", "allow"
		}
		if atLeast != wantAtLeast || under != wantUnder {
			t.Errorf("between %d and %d years: at least %d: %s, want %s; under: %s, want %s",
				youngest, oldest, n, atLeast, wantAtLeast, under, wantUnder)
			return false
		}
	}
	return true
}

// outcome is a policy's answer in words.
func outcome(err error) string {
	if err == nil {
		return "allow"
	}
	d, ok := err.(*certify.Denial)
	if !ok {
		return "no *Denial"
	}
	words := string(d.Code)
	if d.Definite {
		words += ", definite"
	}
	if d.Remedy != "" {
		words += ", " + string(d.Remedy)
	}
	return words
}

func TestClaimThatFitsNobody(t *testing.T) {
	t.Parallel()
	iat := func(s string) time.Time { return koreanTime(t, s) }
	for _, tc := range []struct {
		name  string
		claim certify.Claim
		void  bool
	}{
		{"zero claim", certify.Claim{}, true},
		{"without iat", certify.Claim{Age: 0, BirthYear: 1}, true},
		{"without age and birth year", certify.Claim{IssuedAt: iat("2026-08-10 12:00:00")}, true},
		{"without birth year", certify.Claim{IssuedAt: iat("2026-08-10 12:00:00"), Age: 30}, true},
		{"birthday passed", certify.Claim{IssuedAt: iat("2026-08-10 12:00:00"), Age: 30, BirthYear: 1996}, false},
		{"birthday to come", certify.Claim{IssuedAt: iat("2026-08-10 12:00:00"), Age: 30, BirthYear: 1995}, false},
		{"a year too old", certify.Claim{IssuedAt: iat("2026-08-10 12:00:00"), Age: 31, BirthYear: 1996}, true},
		{"a year too young", certify.Claim{IssuedAt: iat("2026-08-10 12:00:00"), Age: 29, BirthYear: 1995}, true},
		{"newborn", certify.Claim{IssuedAt: iat("2026-08-10 12:00:00"), Age: 0, BirthYear: 2026}, false},
		{"not born", certify.Claim{IssuedAt: iat("2026-08-10 12:00:00"), Age: -1, BirthYear: 2026}, true},
		{"not born until next year", certify.Claim{IssuedAt: iat("2026-08-10 12:00:00"), Age: -1, BirthYear: 2027}, true},
		{"oldest", certify.Claim{IssuedAt: iat("2026-08-10 12:00:00"), Age: 130, BirthYear: 1896}, false},
		{"too old to be true", certify.Claim{IssuedAt: iat("2026-08-10 12:00:00"), Age: 131, BirthYear: 1895}, true},
		{"birthday to come on Dec 30", certify.Claim{IssuedAt: iat("2026-12-30 23:59:59"), Age: 30, BirthYear: 1995}, false},
		{"birthday to come after Dec 31", certify.Claim{IssuedAt: iat("2026-12-31 00:00:00"), Age: 30, BirthYear: 1995}, true},
		{"birthday passed on Jan 1", certify.Claim{IssuedAt: iat("2026-01-01 00:00:00"), Age: 30, BirthYear: 1996}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			now := tc.claim.IssuedAt.Add(time.Hour)
			if tc.claim.IssuedAt.IsZero() {
				now = noon
			}
			if youngest, oldest := tc.claim.AgeRange(now); (youngest == 0 && oldest == 131) != tc.void {
				t.Errorf("range %d to %d", youngest, oldest)
			}
			if !tc.void {
				return
			}
			for n := 1; n <= 130; n++ {
				for _, p := range []certify.Policy{certify.MinAge(n), certify.UnderAge(n), certify.CalendarYearAge(n)} {
					for _, p := range []certify.Policy{p, certify.Not(p)} {
						if got := outcome(p.Check(now, &tc.claim)); got != "age_uncertain, reverify" {
							t.Fatalf("%v: %s", p, got)
						}
					}
				}
			}
		})
	}
}

func TestZeroClaimIsNeverAdmitted(t *testing.T) {
	t.Parallel()
	for _, p := range []certify.Policy{
		certify.MinAge(1), certify.UnderAge(130), certify.CalendarYearAge(1), certify.YouthProtection(), certify.CivilAdult(),
		certify.NotChild14(), certify.Foreigner(), certify.KoreanNational(), certify.FreshWithin(100 * 365 * 24 * time.Hour), certify.YouthMedia(),
	} {
		for _, p := range []certify.Policy{p, certify.Not(p)} {
			if err := p.Check(noon, &certify.Claim{}); err == nil {
				t.Errorf("%v admits the zero claim", p)
			}
		}
	}
}

func TestAgeRangeByName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name             string
		issued           string
		age, birthYear   int
		at               string
		youngest, oldest int
	}{
		{"birthday passed, same day", "2026-08-10 12:00:00", 19, 2007, "2026-08-10 23:59:59", 19, 19},
		{"birthday passed, to the year's end", "2026-08-10 12:00:00", 19, 2007, "2026-12-31 23:59:59", 19, 19},
		{"birthday passed, next Jan 1", "2026-08-10 12:00:00", 19, 2007, "2027-01-01 00:00:00", 19, 20},
		{"birthday passed, eve of the anniversary", "2026-08-10 12:00:00", 19, 2007, "2027-08-09 23:59:59", 19, 20},
		{"birthday passed, the anniversary", "2026-08-10 12:00:00", 19, 2007, "2027-08-10 00:00:00", 20, 20},
		{"birthday to come, same day", "2026-08-10 12:00:00", 18, 2007, "2026-08-10 23:59:59", 18, 18},
		{"birthday to come, next day", "2026-08-10 12:00:00", 18, 2007, "2026-08-11 00:00:00", 18, 19},
		{"birthday to come, eve of Dec 31", "2026-08-10 12:00:00", 18, 2007, "2026-12-30 23:59:59", 18, 19},
		{"birthday to come, Dec 31", "2026-08-10 12:00:00", 18, 2007, "2026-12-31 00:00:00", 19, 19},
		{"the day before, by a clock that lags", "2026-08-10 00:00:30", 19, 2007, "2026-08-09 23:59:59", 18, 19},
		{"issued on Jan 1, passed: born then", "2026-01-01 00:00:00", 19, 2007, "2027-01-01 00:00:00", 20, 20},
		{"issued on Dec 30, to come: born on Dec 31", "2026-12-30 12:00:00", 18, 2007, "2026-12-31 00:00:00", 19, 19},
		{"issued on Feb 28, to come, leap birth year: Feb 29 or later", "2027-02-28 23:59:59", 18, 2008, "2027-03-01 00:00:00", 18, 19},
		{"issued on Feb 29, passed, common birth year: Feb 28 at the latest", "2028-02-29 12:00:00", 21, 2007, "2029-02-28 00:00:00", 22, 22},
		{"issued on Feb 29, passed, leap birth year: Feb 29 at the latest", "2028-02-29 12:00:00", 20, 2008, "2029-02-28 23:59:59", 20, 21},
		{"the same on Mar 1", "2028-02-29 12:00:00", 20, 2008, "2029-03-01 00:00:00", 21, 21},
		{"issued on Feb 29, to come, common birth year: Mar 1 or later", "2028-02-29 12:00:00", 20, 2007, "2028-03-01 00:00:00", 20, 21},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := &certify.Claim{IssuedAt: koreanTime(t, tc.issued), Age: tc.age, BirthYear: tc.birthYear}
			for _, at := range everywhere(t, koreanTime(t, tc.at)) {
				if youngest, oldest := c.AgeRange(at); youngest != tc.youngest || oldest != tc.oldest {
					t.Errorf("%s: range %d to %d, want %d to %d", at.Location(), youngest, oldest, tc.youngest, tc.oldest)
				}
			}
		})
	}
}

// The host's zone, or that of whoever wrote the time down, changes nothing.
func TestAgeRangeIgnoresTheZoneOfIssuedAt(t *testing.T) {
	t.Parallel()
	for _, iat := range everywhere(t, koreanTime(t, "2027-01-01 00:00:00")) {
		c := &certify.Claim{IssuedAt: iat, Age: 19, BirthYear: 2008}
		if youngest, oldest := c.AgeRange(iat); youngest != 19 || oldest != 19 {
			t.Errorf("%s: range %d to %d: only those born on Jan 1 fit", iat.Location(), youngest, oldest)
		}
	}
}

func TestClaimJSON(t *testing.T) {
	t.Parallel()
	c := certify.Claim{
		ID: "secret-id", Subject: "secret-account", DIHash: "secret-hash", Txn: "secret-txn", IssuedAt: noon,
		AuthTime: time.Unix(1000, 0), ExpiresAt: time.Unix(2000, 0), Age: 36, BirthYear: 1990,
	}
	for _, tc := range []struct {
		nationality certify.Nationality
		want        string
	}{
		{certify.NationalityUnknown, `{"age":36,"birth_year":1990,"auth_time":1000,"exp":2000}`},
		{certify.NationalityKorean, `{"age":36,"birth_year":1990,"foreigner":false,"auth_time":1000,"exp":2000}`},
		{certify.NationalityForeigner, `{"age":36,"birth_year":1990,"foreigner":true,"auth_time":1000,"exp":2000}`},
		{certify.Nationality(77), `{"age":36,"birth_year":1990,"auth_time":1000,"exp":2000}`},
	} {
		t.Run(fmt.Sprint("nationality ", tc.nationality), func(t *testing.T) {
			c := c
			c.Nationality = tc.nationality
			if b, err := json.Marshal(&c); err != nil || string(b) != tc.want {
				t.Errorf("%s, %v", b, err)
			}
		})
	}
}

// A denial is found by its code, and by what the app put behind it.
func TestDenialIsItsCodeAndItsCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("database is down")
	err := certify.PolicyFunc(func(time.Time, *certify.Claim) error { return cause })
	d := certify.All(err).Check(noon, &certify.Claim{})
	if !errors.Is(d, certify.CodePolicyFailed) || !errors.Is(d, cause) {
		t.Errorf("%v", d)
	}
	if d := certify.MinAge(19).Check(noon, claimOf(born(t, "2010-01-01", noon), noon)); !errors.Is(d, certify.CodeUnderage) ||
		d.Error() != "certify: underage: the policy is: full age of at least 19" {
		t.Errorf("%v", d)
	}
	if got := (&certify.Denial{Code: "own"}).Error(); got != "certify: own" {
		t.Error(got)
	}
}
