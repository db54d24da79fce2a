package certify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // Korea's past offsets, whatever the host knows

	"github.com/certify-go/certify"
)

// koreanTime reads an instant on Korean clocks: "2026-08-10 12:00:00".
func koreanTime(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(time.DateTime, s, time.FixedZone("KST", 9*3600))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// everywhere is one instant as clocks at both ends of the world tell it.
func everywhere(t testing.TB, at time.Time) []time.Time {
	t.Helper()
	return []time.Time{at, at.UTC(), at.In(location(t, "Pacific/Honolulu")), at.In(location(t, "Pacific/Kiritimati"))}
}

func TestParseBirthDate(t *testing.T) {
	t.Parallel()
	now := koreanTime(t, "2026-08-10 00:00:00")
	const syntax, implausible = "not a date", "lies in the future or more than 130 years ago"
	for _, tc := range []struct{ name, text, wrong string }{
		{"plain", "1990-03-14", ""},
		{"leap day", "2008-02-29", ""},
		{"leap day of a century", "2000-02-29", ""},
		{"today", "2026-08-10", ""},
		{"130 years ago", "1896-08-10", ""},
		{"no leap day", "2007-02-29", syntax},
		{"no leap day of a century", "1900-02-29", syntax},
		{"Feb 30", "2008-02-30", syntax},
		{"Apr 31", "1990-04-31", syntax},
		{"month 0", "1990-00-14", syntax},
		{"month 13", "1990-13-14", syntax},
		{"day 0", "1990-03-00", syntax},
		{"day 32", "1990-03-32", syntax},
		{"unknown month and day", "1990-00-00", syntax},
		{"all zero", "0000-00-00", syntax},
		{"year 0", "0000-01-01", implausible},
		{"year 9999", "9999-12-31", implausible},
		{"tomorrow", "2026-08-11", implausible},
		{"next month", "2026-09-01", implausible},
		{"next year", "2027-01-01", implausible},
		{"130 years and a day ago", "1896-08-09", implausible},
		{"131 years ago", "1895-12-31", implausible},
		{"empty", "", syntax},
		{"digits only", "19900314", syntax},
		{"six digits", "900314", syntax},
		{"slashes", "1990/03/14", syntax},
		{"one slash", "1990-03/14", syntax},
		{"short month", "1990-3-14", syntax},
		{"sign", "+990-03-14", syntax},
		{"sign in the month", "1990-+3-14", syntax},
		{"minus in the day", "1990-03--4", syntax},
		{"space before", " 990-03-14", syntax},
		{"line end", "1990-03-1\n", syntax},
		{"with a time", "1990-03-14T00:00:00Z", syntax},
		{"letters", "199a-03-14", syntax},
		{"beyond nine", "199:-03-14", syntax},
		{"before zero", "199/-03-14", syntax},
		{"full-width digits", "１９９０", syntax},
		{"a digit of another script", "199٣-3-14", syntax},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, now := range everywhere(t, now) {
				b, err := certify.ParseBirthDate(tc.text, now)
				if tc.wrong == "" {
					y, m, d := b.Date()
					if err != nil || fmt.Sprintf("%04d-%02d-%02d", y, m, d) != tc.text {
						t.Fatalf("%s: %v", now.Location(), err)
					}
					continue
				}
				if err == nil || !b.IsZero() || !strings.Contains(err.Error(), tc.wrong) {
					t.Fatalf("%s: %v, want an error with %q", now.Location(), err, tc.wrong)
				}
				if len(tc.text) > 3 && strings.Contains(err.Error(), tc.text) {
					t.Error("the error repeats a birth date")
				}
			}
		})
	}
}

func TestParseBirthDateOnALeapDay(t *testing.T) {
	t.Parallel()
	now := koreanTime(t, "2028-02-29 12:00:00") // 1898 had no such day
	if _, err := certify.ParseBirthDate("1898-02-28", now); err == nil {
		t.Error("130 years and a day ago")
	}
	if _, err := certify.ParseBirthDate("1898-03-01", now); err != nil {
		t.Error(err)
	}
}

// Three ways in which a sender may have written a midnight, for every date of
// more than a century. Nothing but rounding reads all of them.
func TestBirthDateFromUnixReadsEveryEncoding(t *testing.T) {
	t.Parallel()
	now := koreanTime(t, "2026-12-31 00:00:00")
	seoul, differ := location(t, "Asia/Seoul"), 0
	for day := time.Date(1910, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2027; day = day.AddDate(0, 0, 1) {
		y, m, d := day.Date()
		local := time.Date(y, m, d, 0, 0, 0, 0, seoul)
		fixed := time.Date(y, m, d, 0, 0, 0, 0, time.FixedZone("", 9*3600))
		if !local.Equal(fixed) {
			differ++
		}
		for name, at := range map[string]time.Time{"local midnight": local, "midnight at +9": fixed, "midnight in UTC": day} {
			b, err := certify.BirthDateFromUnix(at.Unix(), now)
			if gy, gm, gd := b.Date(); err != nil || gy != y || gm != m || gd != d {
				t.Fatalf("%s of %s: got %04d-%02d-%02d, %v", name, day.Format(time.DateOnly), gy, gm, gd, err)
			}
		}
	}
	if differ < 4000 {
		t.Errorf("only %d dates on which Korean clocks were not at +9: this host's rules for Asia/Seoul are not the real ones", differ)
	}
}

func TestBirthDateFromUnix(t *testing.T) {
	t.Parallel()
	now := koreanTime(t, "2026-08-10 00:00:00")
	for _, tc := range []struct {
		name string
		sec  int64
		want string // "" to be refused
	}{
		{"midnight in Korea", 779554800, "1994-09-15"},
		{"before 1970", -631184400, "1950-01-01"},
		{"Jan 1, which on a UTC host is another year", 1199113200, "2008-01-01"},
		{"zero is midnight in UTC", 0, "1970-01-01"},
		{"summer time of 1988", 583686000, "1988-07-01"},
		{"half an hour off in 1960", -284981400, "1960-12-21"},
		{"the second before noon", 779554800 + 12*3600 - 1, "1994-09-15"},
		{"noon", 779554800 + 12*3600, "1994-09-16"},
		{"noon of the day before", 779554800 - 12*3600, "1994-09-15"},
		{"the second before that", 779554800 - 12*3600 - 1, "1994-09-14"},
		{"today", now.Unix(), "2026-08-10"},
		{"tomorrow", now.Unix() + 86400, ""},
		{"130 years ago", time.Date(1896, 8, 9, 15, 0, 0, 0, time.UTC).Unix(), "1896-08-10"},
		{"130 years and a day ago", time.Date(1896, 8, 8, 15, 0, 0, 0, time.UTC).Unix(), ""},
		{"milliseconds", 779554800_000, ""},
		{"the least int64", math.MinInt64, ""},
		{"the greatest int64", math.MaxInt64, ""},
		{"near the greatest int64", math.MaxInt64 - 12*3600, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, now := range everywhere(t, now) {
				b, err := certify.BirthDateFromUnix(tc.sec, now)
				y, m, d := b.Date()
				if got := fmt.Sprintf("%04d-%02d-%02d", y, m, d); tc.want == "" && err == nil || tc.want != "" && got != tc.want {
					t.Errorf("%s: got %s, %v", now.Location(), got, err)
				}
			}
		})
	}
}

func TestAgesByName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, born, at string
		full, calendar int
	}{
		{"last second before a birthday", "2007-08-10", "2026-08-09 23:59:59", 18, 19},
		{"first second of a birthday", "2007-08-10", "2026-08-10 00:00:00", 19, 19},
		{"last second of a birthday", "2007-08-10", "2026-08-10 23:59:59", 19, 19},
		{"day of birth", "2026-08-10", "2026-08-10 00:00:00", 0, 0},
		{"eve of the day of birth", "2026-08-10", "2026-08-09 23:59:59", -1, 0},
		{"leap day, last second of Feb 28 of a common year", "2008-02-29", "2027-02-28 23:59:59", 18, 19},
		{"leap day, first second of Mar 1 of a common year", "2008-02-29", "2027-03-01 00:00:00", 19, 19},
		{"leap day, last second of Feb 28 of a leap year", "2008-02-29", "2028-02-28 23:59:59", 19, 20},
		{"leap day, first second of Feb 29", "2008-02-29", "2028-02-29 00:00:00", 20, 20},
		{"Feb 28, first second, leap year", "2007-02-28", "2028-02-28 00:00:00", 21, 21},
		{"Mar 1, last second of Feb 29", "2007-03-01", "2028-02-29 23:59:59", 20, 21},
		{"Mar 1, first second", "2007-03-01", "2028-03-01 00:00:00", 21, 21},
		{"New Year's Eve, last second before", "2007-12-31", "2026-12-30 23:59:59", 18, 19},
		{"New Year's Eve, first second", "2007-12-31", "2026-12-31 00:00:00", 19, 19},
		{"New Year's Eve, next New Year", "2007-12-31", "2027-01-01 00:00:00", 19, 20},
		{"born on Jan 1, last second of Dec 31", "2008-01-01", "2026-12-31 23:59:59", 18, 18},
		{"born on Jan 1, first second of Jan 1", "2008-01-01", "2027-01-01 00:00:00", 19, 19},
		{"born on Dec 31, first second of the year of 19", "2007-12-31", "2026-01-01 00:00:00", 18, 19},
		{"born on Dec 31, last second of the year before", "2007-12-31", "2025-12-31 23:59:59", 18, 18},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := born(t, tc.born, afterAllBirths)
			for _, at := range everywhere(t, koreanTime(t, tc.at)) {
				if full, calendar := b.AgeOn(at), b.CalendarYearAgeOn(at); full != tc.full || calendar != tc.calendar {
					t.Errorf("%s: full age %d, want %d; calendar-year age %d, want %d", at.Location(), full, tc.full, calendar, tc.calendar)
				}
				gateAgrees(t, certify.MinAge(19), at, b, tc.full >= 19)
				gateAgrees(t, certify.YouthProtection(), at, b, tc.calendar >= 19)
			}
		})
	}
}

// gateAgrees checks a gate with the claim of a verification at that moment.
func gateAgrees(t *testing.T, p certify.Policy, at time.Time, b certify.BirthDate, admitted bool) {
	t.Helper()
	if b.AgeOn(at) < 0 {
		return
	}
	if err := p.Check(at, claimOf(b, at)); (err == nil) != admitted {
		t.Errorf("%s: %v: %v", at.Location(), p, err)
	}
}

// No date is nobody's: it must not count as somebody two thousand years old.
func TestZeroBirthDateHasNoAge(t *testing.T) {
	t.Parallel()
	var b certify.BirthDate
	if !b.IsZero() || b.AgeOn(noon) >= 0 || b.CalendarYearAgeOn(noon) >= 0 {
		t.Errorf("IsZero %t, ages %d and %d", b.IsZero(), b.AgeOn(noon), b.CalendarYearAgeOn(noon))
	}
	if born(t, "1990-03-14", noon).IsZero() {
		t.Error("a date is no date")
	}
}

func TestBirthDateIsNotPrinted(t *testing.T) {
	t.Parallel()
	b := born(t, "1990-03-14", noon)
	type record struct{ Born certify.BirthDate }
	values := []any{b, &b, []certify.BirthDate{b}, record{b}, &record{b}, map[string]any{"born": b}}
	var out bytes.Buffer
	timeless := &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%s", "%q", "%x", "%o"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewJSONHandler(&out, timeless)).Info("json", "value", v)
		slog.New(slog.NewTextHandler(&out, timeless)).Info("text", "value", v)
		if err := json.NewEncoder(&out).Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	out.WriteString(b.String())
	for _, line := range strings.Split(out.String(), "\n") {
		if strings.Contains(line, "1990") || strings.Contains(line, "7c6") || strings.Contains(line, "3706") || strings.Contains(line, "14") {
			t.Errorf("prints %q", line)
		}
	}
	if n := strings.Count(out.String(), "[redacted]"); n < len(values)*8 {
		t.Errorf("only %d times [redacted]: the test looked at nothing", n)
	}
}

var isoDate = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

func FuzzParseBirthDate(f *testing.F) {
	for _, seed := range []string{"1990-03-14", "2008-02-29", "2007-02-29", "0000-00-00", "+990-03-14", "1990-3-14", "１９９０-03"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := certify.ParseBirthDate(s, noon)
		if err != nil {
			if !b.IsZero() {
				t.Errorf("%q: a date beside an error", s)
			}
			return
		}
		y, m, d := b.Date()
		if !isoDate.MatchString(s) || fmt.Sprintf("%04d-%02d-%02d", y, m, d) != s {
			t.Errorf("%q became %04d-%02d-%02d", s, y, m, d)
		}
		if age := b.AgeOn(noon); age < 0 || age > 130 {
			t.Errorf("%q: age %d", s, age)
		}
		at, err := certify.BirthDateFromUnix(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix(), noon)
		if err != nil || at != b {
			t.Errorf("%q: not the same from its midnight: %v", s, err)
		}
	})
}
