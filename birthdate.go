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

// A BirthDate is a civil date without a time or a zone: the law counts days
// on the Korean calendar, and an instant would invite the host's time zone
// into the sum. The zero value is no date.
//
// A birth date is personal data. It prints, logs and marshals as
// "[redacted]"; [BirthDate.Date] gives the parts.
type BirthDate struct {
	year       int16
	month, day uint8
}

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
	return newBirthDate(y, time.Month(m), d, now)
}

// BirthDateFromUnix reads a birth date sent as the Unix seconds of a
// midnight. It takes the midnight at UTC+9 nearest to sec, which is right for
// Korean local midnight under every offset Korea has used (+8:30, +9, and +10
// in the summers of 1948-60 and 1987-88), for fixed UTC+9, and for UTC.
// Range checks are those of [ParseBirthDate].
func BirthDateFromUnix(sec int64, now time.Time) (BirthDate, error) {
	const halfDay = 12 * 60 * 60
	y, m, d := time.Unix(sec, 0).In(korea).Add(halfDay * time.Second).Date()
	return newBirthDate(y, m, d, now)
}

func newBirthDate(y int, m time.Month, d int, now time.Time) (BirthDate, error) {
	if ny, nm, nd := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Date(); ny != y || nm != m || nd != d {
		return BirthDate{}, errBirthDateSyntax
	}
	today := koreanDate(now)
	if y < int(today.year)-oldestAge || y > int(today.year) {
		return BirthDate{}, errBirthDateRange
	}
	b := BirthDate{int16(y), uint8(m), uint8(d)}
	if today.before(b) || b.AgeOn(now) > oldestAge {
		return BirthDate{}, errBirthDateRange
	}
	return b, nil
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

// koreanDate returns the civil date in Korea at t.
func koreanDate(t time.Time) BirthDate {
	y, m, d := t.In(korea).Date()
	return BirthDate{int16(y), uint8(m), uint8(d)}
}

// Date returns the parts of b.
func (b BirthDate) Date() (year int, month time.Month, day int) {
	return int(b.year), time.Month(b.month), int(b.day)
}

// IsZero reports whether b is no date.
func (b BirthDate) IsZero() bool { return b == BirthDate{} }

// AgeOn returns the full age (만 나이) in years at t: the number of birthdays
// up to the Korean date of t. An age is attained at 00:00 on the birthday, and
// by those born on Feb 29 on Mar 1 of common years (Civil Act, art. 158 and
// 160(3)). It is negative before birth.
func (b BirthDate) AgeOn(t time.Time) int {
	return b.ageOnDate(koreanDate(t))
}

func (b BirthDate) ageOnDate(d BirthDate) int {
	age := int(d.year) - int(b.year)
	if d.monthDay() < b.monthDay() {
		age--
	}
	return age
}

// CalendarYearAgeOn returns the calendar-year age (연 나이) at t: the Korean
// year of t less the year of birth (Youth Protection Act, art. 2(1)).
func (b BirthDate) CalendarYearAgeOn(t time.Time) int {
	return int(koreanDate(t).year) - int(b.year)
}

func (b BirthDate) monthDay() int { return int(b.month)*100 + int(b.day) }

func (b BirthDate) before(c BirthDate) bool {
	return b.year < c.year || b.year == c.year && b.monthDay() < c.monthDay()
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
