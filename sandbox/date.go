package sandbox

import (
	"fmt"
	"time"
)

// seoul is exact for every "today" since 1988-10-09, when Korea last left
// summer time. Birth dates before that need seoulMidnight.
func seoul() *time.Location { return time.FixedZone("KST", 9*60*60) }

// date is a civil date. A birth date is not an instant: making it one is how
// people become a day older on servers that run in UTC.
type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(t time.Time) date {
	y, m, d := t.In(seoul()).Date()
	return date{y, m, d}
}

func (d date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day) }

// add normalises what does not exist: Feb 29 plus a year is Mar 1, the day on
// which Civil Act art. 160(3) lets that age be attained.
func (d date) add(years, months, days int) date {
	t := time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC).AddDate(years, months, days)
	y, m, day := t.Date()
	return date{y, m, day}
}

func (d date) before(o date) bool {
	if d.year != o.year {
		return d.year < o.year
	}
	if d.month != o.month {
		return d.month < o.month
	}
	return d.day < o.day
}

// fullAge is 만 나이 on the given day: full years, counted from the day of
// birth (Civil Act art. 158).
func (d date) fullAge(today date) int {
	age := today.year - d.year
	if today.before(date{today.year, d.month, d.day}) {
		age--
	}
	return age
}

// seoulMidnight is 00:00 of a date in Seoul as unix seconds, which is how the
// vendor encodes `birth`. It holds from 1961-08-10, when Korea took UTC+9.
func seoulMidnight(d date) int64 {
	offset := int64(9 * 60 * 60)
	if summerTime(d) {
		offset += 60 * 60
	}
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC).Unix() - offset
}

// summerTime tells whether clocks in Seoul stood at UTC+10 at 00:00. The only
// two summers since 1961 began on May 10, 1987 and May 8, 1988 at 02:00.
func summerTime(d date) bool {
	in := func(from, to date) bool { return !d.before(from) && !to.before(d) }
	return in(date{1987, time.May, 11}, date{1987, time.October, 11}) ||
		in(date{1988, time.May, 9}, date{1988, time.October, 9})
}

func leapYear(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }
