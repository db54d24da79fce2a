package certify_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// The oracle of this file is the text of the statutes and nothing else. It
// counts days on a calendar that it lays out itself, month after month, and
// uses neither package time nor anything of the code under test.

const (
	oracleFirst = 1890
	oracleLast  = 2160
)

// A calendar knows the day number, from 1970-01-01 = 0, on which each month begins.
type calendar struct {
	first [(oracleLast - oracleFirst + 1) * 12]int
}

func newCalendar() *calendar {
	cal, day, epoch := &calendar{}, 0, 0
	for y := oracleFirst; y <= oracleLast; y++ {
		for m := 1; m <= 12; m++ {
			if y == 1970 && m == 1 {
				epoch = day
			}
			cal.first[(y-oracleFirst)*12+m-1] = day
			day += daysIn(y, m)
		}
	}
	for i := range cal.first {
		cal.first[i] -= epoch
	}
	return cal
}

func daysIn(y, m int) int {
	switch {
	case m == 4 || m == 6 || m == 9 || m == 11:
		return 30
	case m != 2:
		return 31
	case y%4 == 0 && y%100 != 0 || y%400 == 0:
		return 29
	}
	return 28
}

func (cal *calendar) day(y, m, d int) int { return cal.first[(y-oracleFirst)*12+m-1] + d - 1 }

// attained returns the day on which one born on y-m-d attains the age n.
//
// Civil Act, art. 158: age counts from the day of birth, which is included, in
// full years. Art. 160(2): a period of years ends with the day before the day
// of its last year that corresponds to its first. Art. 160(3): where the last
// month has no such day, it ends with the last day of that month. The age is
// attained when that day has ended.
func (cal *calendar) attained(y, m, d, n int) int {
	var end int
	if d <= daysIn(y+n, m) {
		end = cal.day(y+n, m, d) - 1
	} else {
		end = cal.day(y+n, m, daysIn(y+n, m))
	}
	return end + 1
}

// newYear returns the 1st of January of the year in which one born in the year
// y attains the age n: the day from which art. 2(1) of the Youth Protection
// Act, with n = 19, no longer counts them a youth.
func (cal *calendar) newYear(y, m, d, n int) int {
	day, year := cal.attained(y, m, d, n), y
	for cal.day(year+1, 1, 1) <= day {
		year++
	}
	return cal.day(year, 1, 1)
}

// midnight is 00:00 in Korea, which is 15:00 UTC of the day before.
func midnight(day int) time.Time { return time.Unix(int64(day)*86400-9*3600, 0) }

// afterAllBirths is when every birth date of these tests can be parsed.
var afterAllBirths = midnight(newCalendar().day(2027, 1, 1))

// eachBirth runs f for every birth date of 1900 to 2026, the years of each
// decade in a test of its own. f returns false to stop at its first error.
func eachBirth(t *testing.T, f func(t *testing.T, b certify.BirthDate, y, m, d int) bool) {
	for decade := 1900; decade <= 2020; decade += 10 {
		t.Run(fmt.Sprint(decade, "s"), func(t *testing.T) {
			t.Parallel()
			for y := decade; y < decade+10 && y <= 2026; y++ {
				for m := 1; m <= 12; m++ {
					for d := 1; d <= daysIn(y, m); d++ {
						if !f(t, born(t, fmt.Sprintf("%04d-%02d-%02d", y, m, d), afterAllBirths), y, m, d) {
							return
						}
					}
				}
			}
		})
	}
}

const oldestTested = 120

func TestFullAgeIsTheStatutes(t *testing.T) {
	t.Parallel()
	cal := newCalendar()
	eachBirth(t, func(t *testing.T, b certify.BirthDate, y, m, d int) bool {
		for n := 1; n <= oldestTested; n++ {
			day := cal.attained(y, m, d, n)
			birthday := midnight(day)
			eve, lastSecond, next := b.AgeOn(midnight(day-1)), b.AgeOn(birthday.Add(-time.Second)), b.AgeOn(midnight(day+1))
			if on := b.AgeOn(birthday); eve != n-1 || lastSecond != n-1 || on != n || next != n {
				t.Errorf("born %d-%d-%d, age %d: %d on the eve, %d in its last second, %d on the day, %d on the next",
					y, m, d, n, eve, lastSecond, on, next)
				return false
			}
		}
		return true
	})
}

func TestCalendarYearAgeIsTheStatutes(t *testing.T) {
	t.Parallel()
	cal := newCalendar()
	eachBirth(t, func(t *testing.T, b certify.BirthDate, y, m, d int) bool {
		for n := 1; n <= oldestTested; n++ {
			day := cal.newYear(y, m, d, n)
			newYear := midnight(day)
			eve, lastSecond, next := b.CalendarYearAgeOn(midnight(day-1)), b.CalendarYearAgeOn(newYear.Add(-time.Second)), b.CalendarYearAgeOn(midnight(day+1))
			if on := b.CalendarYearAgeOn(newYear); eve != n-1 || lastSecond != n-1 || on != n || next != n {
				t.Errorf("born %d-%d-%d, age %d: %d on Dec 31, %d in its last second, %d on Jan 1, %d on Jan 2",
					y, m, d, n, eve, lastSecond, on, next)
				return false
			}
		}
		return true
	})
}

// The gates themselves, with a claim of that very moment and with one that was
// issued up to a year before: then a gate may be unsure, but never wrong.
func TestGatesAreTheStatutes(t *testing.T) {
	t.Parallel()
	cal := newCalendar()
	type gates struct{ atLeast, under, calendarYear certify.Policy }
	ages := []int{14, 18, 19}
	all := make(map[int]gates)
	for _, n := range ages {
		all[n] = gates{certify.MinAge(n), certify.UnderAge(n), certify.CalendarYearAge(n)}
	}
	eachBirth(t, func(t *testing.T, b certify.BirthDate, y, m, d int) bool {
		for _, n := range ages {
			day, newYear, gate := cal.attained(y, m, d, n), cal.newYear(y, m, d, n), all[n]
			for _, today := range []int{day - 1, day, day + 1, newYear - 1, newYear} {
				of, grown := today >= day, today >= newYear
				now := midnight(today)
				exact := claimOf(b, now)
				if (gate.atLeast.Check(now, exact) == nil) != of || (gate.under.Check(now, exact) == nil) == of {
					t.Errorf("born %d-%d-%d: wrong at the age of %d on day %d", y, m, d, n, today)
					return false
				}
				older := claimOf(b, midnight(today-(y*7+m*31+d)%366))
				if (gate.calendarYear.Check(now, older) == nil) != grown {
					t.Errorf("born %d-%d-%d: wrong at the calendar-year age of %d on day %d", y, m, d, n, today)
					return false
				}
				if !of && gate.atLeast.Check(now, older) == nil || of && gate.under.Check(now, older) == nil {
					t.Errorf("born %d-%d-%d: admitted by an older claim at the age of %d on day %d", y, m, d, n, today)
					return false
				}
			}
		}
		return true
	})
}

// claimOf is what a verification at iat would have put into the claim.
func claimOf(b certify.BirthDate, iat time.Time) *certify.Claim {
	year, _, _ := b.Date()
	return &certify.Claim{
		ID: "test", IssuedAt: iat, AuthTime: iat, ExpiresAt: iat.Add(365 * 24 * time.Hour),
		Age: b.AgeOn(iat), BirthYear: year,
	}
}

// Art. 2(1) word for word: a youth is a person under 19, except one who has
// met the 1st of January of the year in which they turn 19.
func TestYouthProtectionIsTheStatute(t *testing.T) {
	t.Parallel()
	cal := newCalendar()
	policy := certify.YouthProtection()
	eachBirth(t, func(t *testing.T, b certify.BirthDate, y, m, d int) bool {
		day, newYear := cal.attained(y, m, d, 19), cal.newYear(y, m, d, 19)
		for _, today := range []int{newYear - 1, newYear, newYear + 1, day - 1, day} {
			youth := today < day && today < newYear
			for _, now := range []time.Time{midnight(today), midnight(today + 1).Add(-time.Second)} {
				if (policy.Check(now, claimOf(b, now)) == nil) == youth {
					t.Errorf("born %d-%d-%d: youth is %t on day %d, and the gate disagrees", y, m, d, youth, today)
					return false
				}
			}
		}
		return true
	})
}
