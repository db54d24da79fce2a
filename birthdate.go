package certify

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"
)

// korea is UTC+9 for every instant since 1988-10-09, when Korea last turned
// its clocks back: exact for "now", and independent of tzdata on the host.
var korea = time.FixedZone("KST", 9*60*60)

// oldestAge bounds a plausible birth date, in years.
const oldestAge = 130

var (
	errBirthDateSyntax = errors.New("certify: birth date is not a date of the form YYYY-MM-DD")
	errBirthDateRange  = errors.New("certify: birth date lies in the future or more than 130 years ago")
)

// A date is a civil date on the Korean calendar.
type date struct {
	year  int
	month time.Month
	day   int
}

// koreanDate returns the civil date in Korea at t.
func koreanDate(t time.Time) date {
	y, m, d := t.In(korea).Date()
	return date{y, m, d}
}

func (d date) monthDay() int { return int(d.month)*100 + d.day }

func (d date) before(e date) bool {
	return d.year < e.year || d.year == e.year && d.monthDay() < e.monthDay()
}

// exists reports whether the calendar has d: it has no Feb 30.
func (d date) exists() bool {
	y, m, day := time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC).Date()
	return d == date{y, m, day}
}

// fullAge returns the full age (만 나이) on the day d of one born on that date.
// Comparing month and day also has those born on Feb 29 wait for Mar 1 of a
// common year, as Civil Act, art. 160(3) demands.
func (born date) fullAge(d date) int {
	age := d.year - born.year
	if d.monthDay() < born.monthDay() {
		age--
	}
	return age
}

// A BirthDate is a civil date without a time or a zone: the law counts days
// on the Korean calendar, and an instant would invite the host's time zone
// into the sum. The zero value is no date.
//
// A birth date is personal data. It prints, logs and marshals as
// "[redacted]", except from an unexported field of another type, where fmt
// calls no methods; [BirthDate.Date] gives the parts.
type BirthDate struct{ date }

// ParseBirthDate reads the form YYYY-MM-DD and nothing else. It refuses
// impossible dates, and dates after today or more than 130 years before it,
// where today is the Korean date of now. Its errors do not repeat the input.
func ParseBirthDate(s string, now time.Time) (BirthDate, error) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return BirthDate{}, errBirthDateSyntax
	}
	y, yok := digits(s[:4])
	m, mok := digits(s[5:7])
	d, dok := digits(s[8:])
	if !yok || !mok || !dok {
		return BirthDate{}, errBirthDateSyntax
	}
	return newBirthDate(date{y, time.Month(m), d}, now)
}

// BirthDateFromUnix reads a birth date sent as the Unix seconds of a
// midnight. It takes the midnight at UTC+9 nearest to sec, which is right for
// Korean local midnight under every offset of the years since 1910 (+8:30, +9,
// and +10 in the summers of 1948-60 and 1987-88), for fixed UTC+9, and for UTC.
// Range checks are those of [ParseBirthDate].
//
// Zero is 1970-01-01, midnight in UTC. Where it stands for a missing date, as
// in records of i'mport that are not certified, refuse it before.
func BirthDateFromUnix(sec int64, now time.Time) (BirthDate, error) {
	const halfDay = 12 * time.Hour
	return newBirthDate(koreanDate(time.Unix(sec, 0).Add(halfDay)), now)
}

func newBirthDate(d date, now time.Time) (BirthDate, error) {
	today := koreanDate(now)
	oldest := date{today.year - oldestAge, today.month, today.day}
	switch {
	case !d.exists():
		return BirthDate{}, errBirthDateSyntax
	case today.before(d), d.before(oldest):
		return BirthDate{}, errBirthDateRange
	}
	return BirthDate{d}, nil
}

// digits reads an unsigned decimal number: strconv.Atoi would take a sign.
func digits(s string) (n int, ok bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// Date returns the parts of b.
func (b BirthDate) Date() (year int, month time.Month, day int) {
	return b.year, b.month, b.day
}

// IsZero reports whether b is no date.
func (b BirthDate) IsZero() bool { return b == BirthDate{} }

// AgeOn returns the full age (만 나이) in years at t: the number of birthdays
// up to the Korean date of t. An age is attained at 00:00 on the birthday, and
// by those born on Feb 29 on Mar 1 of common years (Civil Act, art. 158 and
// 160). It is negative before birth, and for no date.
func (b BirthDate) AgeOn(t time.Time) int {
	if b.IsZero() {
		return -1 // and not the 2,000 years since the year 0
	}
	return b.fullAge(koreanDate(t))
}

// CalendarYearAgeOn returns the calendar-year age (연 나이) at t: the Korean
// year of t less the year of birth (Youth Protection Act, art. 2(1)). It is
// negative before the year of birth, and for no date.
func (b BirthDate) CalendarYearAgeOn(t time.Time) int {
	if b.IsZero() {
		return -1
	}
	return koreanDate(t).year - b.year
}

const redacted = "[redacted]"

// String returns "[redacted]".
func (b BirthDate) String() string { return redacted }

// Format prints "[redacted]" whatever the verb, %#v and %d included.
func (b BirthDate) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON returns "[redacted]": store the parts of [BirthDate.Date] where
// the law allows it.
func (b BirthDate) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, redacted), nil }

// LogValue returns "[redacted]".
func (b BirthDate) LogValue() slog.Value { return slog.StringValue(redacted) }
