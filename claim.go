package certify

import (
	"encoding/json"
	"time"
)

// A Claim is what a verification proved, as read from a valid token. It holds
// no name, phone number, birthday, CI or DI.
//
// A *Claim from [FromContext] belongs to that request.
type Claim struct {
	ID        string    // jti: one per attempt
	Subject   string    // sub: the app's account, "" without one
	IssuedAt  time.Time // iat
	ExpiresAt time.Time // exp
	AuthTime  time.Time // auth_time: when the provider verified the person

	Age       int    // full age (만 나이) in years on the Korean date of IssuedAt
	BirthYear int    // for the laws that count calendar years
	DIHash    string // keyed hash of the DI: the person's key on this site; "" when the provider gave none

	Nationality Nationality
	Txn         string // keyed hash of the verification id, for audit

	// accountCompared is set by the reader once Subject was found equal to the
	// account of this very request.
	accountCompared bool

	// The epochs in which it was issued, "" before any revocation.
	siteEpoch, accountEpoch string
	// begun is when its attempt was begun, known only while it is issued.
	begun tick
}

// AccountCompared reports whether [SessionConfig.Account] named this request's
// account and it was the claim's.
func (c *Claim) AccountCompared() bool { return c.accountCompared }

// AgeRange returns the least and the greatest full age (만 나이) in years that
// the person may have at t. They are equal or neighbours, and tight: each is
// the age of some birth date that fits the claim.
//
// Proof: the birth dates that fit Age, BirthYear and the date of IssuedAt are
// the days of an interval (see birthDates), age at t falls as the birth date
// rises, and within one birth year by at most one.
//
// A claim that fits no birth date, such as the zero Claim, gets 0 and 131, so
// that no age policy allows it.
func (c *Claim) AgeRange(t time.Time) (min, max int) {
	earliest, latest, ok := c.birthDates()
	if !ok {
		return 0, oldestAge + 1
	}
	d := koreanDate(t)
	return latest.fullAge(d), earliest.fullAge(d)
}

// birthDates returns the first and the last birth date that fit the claim.
// With D the date of IssuedAt, Age is D's year less BirthYear, less one if the
// birthday comes after D's month and day. So either the birthday lies in
// Jan 1 … D (passed) or in D+1 … Dec 31 (to come), of the birth year's own
// calendar: there Feb 29 may be missing, and nothing comes after Dec 31.
func (c *Claim) birthDates() (earliest, latest date, ok bool) {
	y, d := c.BirthYear, koreanDate(c.IssuedAt)
	if c.IssuedAt.IsZero() || c.Age < 0 || c.Age > oldestAge {
		return earliest, latest, false
	}
	switch d.year - y - c.Age {
	case 0:
		return date{y, time.January, 1}, date{y, d.month, min(d.day, lastDay(y, d.month))}, true
	case 1:
		next := date{y, d.month, d.day + 1}
		if next.day > lastDay(y, d.month) {
			next.month, next.day = next.month+1, 1
		}
		return next, date{y, time.December, 31}, next.month <= time.December
	}
	return earliest, latest, false
}

// lastDay returns the number of days of a month.
func lastDay(year int, m time.Month) int {
	switch m {
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	}
	return 31
}

// calendarYearAge returns the calendar-year age (연 나이) at t: exact for ever,
// if the claim fits any birth date.
func (c *Claim) calendarYearAge(t time.Time) (age int, ok bool) {
	_, _, ok = c.birthDates()
	return koreanDate(t).year - c.BirthYear, ok
}

// MarshalJSON returns what a page may know of its visitor's claim: age,
// birth_year, foreigner (absent when unknown), auth_time and exp (Unix seconds).
// It is so for a Claim as for a pointer to one, in whatever they stand.
func (c Claim) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Age       int   `json:"age"`
		BirthYear int   `json:"birth_year"`
		Foreigner *bool `json:"foreigner,omitempty"`
		AuthTime  int64 `json:"auth_time"`
		Expires   int64 `json:"exp"`
	}{c.Age, c.BirthYear, c.Nationality.foreigner(), c.AuthTime.Unix(), c.ExpiresAt.Unix()})
}

// foreigner is the three-valued claim "foreigner": nil for unknown.
func (n Nationality) foreigner() *bool {
	switch n {
	case NationalityKorean:
		return new(false)
	case NationalityForeigner:
		return new(true)
	}
	return nil
}
