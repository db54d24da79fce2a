package sandbox_test

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/certify-go/certify/sandbox"
)

func personIDs() []string {
	var ids []string
	for _, p := range sandbox.People() {
		ids = append(ids, p.ID)
	}
	return ids
}

func TestPeopleAreComplete(t *testing.T) {
	t.Parallel()
	want := []string{
		"adult", "nineteen-today", "nineteen-tomorrow", "nineteen-this-year", "minor", "under-14",
		"leap-day", "new-year", "summer-time", "before-1970",
		"foreigner", "nationality-unknown", "no-di", "no-ci", "never-finishes", "finishes-late", "test-channel",
	}
	if got := personIDs(); !slices.Equal(got, want) {
		t.Errorf("ids are %v, want %v: they are promised to stay", got, want)
	}
	for _, p := range sandbox.People() {
		if p.Title == "" || p.TitleEN == "" || p.Reason == "" || p.ReasonEN == "" || len(p.Providers) == 0 {
			t.Errorf("%s lacks a title, a reason or a provider", p.ID)
		}
	}
}

func TestPeopleIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	people := sandbox.People()
	people[0].ID, people[0].Providers[0] = "changed", "changed"
	if p := sandbox.People()[0]; p.ID != sandbox.Adult || p.Providers[0] != sandbox.Danal {
		t.Error("changing the answer of People changed the sandbox")
	}
}

func birthday(t *testing.T, s *sandbox.Server, person string) time.Time {
	t.Helper()
	rec := lookup(t, s, verify(t, s, sandbox.Verification{Person: person}).ImpUID)
	d, err := time.Parse(time.DateOnly, rec["birthday"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// fullAge counts birthdays passed, one by one; AddDate turns Feb 29 into Mar 1.
func fullAge(birth, today time.Time) int {
	age := 0
	for !birth.AddDate(age+1, 0, 0).After(today) {
		age++
	}
	return age
}

// Every promise about age must hold on every Korean day of four years, among
// them a leap year and one that lies 19 years after a leap year.
func TestAgesHoldOnEveryDay(t *testing.T) {
	t.Parallel()
	c := at("2027-01-01T00:00:00+09:00")
	s := newSandbox(t, c)
	for day := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2031; day = day.AddDate(0, 0, 1) {
		checkAges(t, day, birthdays(t, s))
		c.advance(24 * time.Hour)
		if t.Failed() {
			return
		}
	}
}

// birthdays reads those of everybody as of today.
func birthdays(t *testing.T, s *sandbox.Server) map[string]time.Time {
	t.Helper()
	list := decode[struct {
		People []struct{ ID, Birthday string }
	}](t, serve(s, request("GET", "/sandbox/people", "")).Body)
	found := map[string]time.Time{}
	for _, p := range list.People {
		d, err := time.Parse(time.DateOnly, p.Birthday)
		if err != nil {
			t.Fatal(err)
		}
		found[p.ID] = d
	}
	return found
}

func checkAges(t *testing.T, day time.Time, born map[string]time.Time) {
	t.Helper()
	age := func(person string) (full, calendar int) {
		return fullAge(born[person], day), day.Year() - born[person].Year()
	}
	leapDay := day.Month() == time.February && day.Day() == 29
	tomorrow := day.AddDate(0, 0, 1)
	if leap := tomorrow; leap.Month() == time.February && leap.Day() == 29 {
		tomorrow = tomorrow.AddDate(0, 0, 1) // nobody attains 19 on a Feb 29
	}
	today := born[sandbox.NineteenToday]
	if full, _ := age(sandbox.NineteenToday); full != 19 || (!leapDay && fullAge(today, day.AddDate(0, 0, -1)) != 18) {
		t.Errorf("%v: nineteen-today was born %v", day, today)
	}
	next := born[sandbox.NineteenTomorrow]
	if full, _ := age(sandbox.NineteenTomorrow); full != 18 || fullAge(next, tomorrow) != 19 {
		t.Errorf("%v: nineteen-tomorrow was born %v", day, next)
	}
	lastDay := day.Month() == time.December && day.Day() == 31
	if full, calendar := age(sandbox.NineteenThisYear); calendar != 19 || (full == 19) != lastDay {
		t.Errorf("%v: nineteen-this-year is %d, %d by calendar year", day, full, calendar)
	}
	if _, calendar := age(sandbox.NewYear); calendar != 18 || born[sandbox.NewYear].YearDay() != 1 {
		t.Errorf("%v: new-year is %d by calendar year", day, calendar)
	}
	if full, calendar := age(sandbox.Minor); full != 16 || calendar >= 19 {
		t.Errorf("%v: minor is %d", day, full)
	}
	if full, _ := age(sandbox.Under14); full != 13 {
		t.Errorf("%v: under-14 is %d", day, full)
	}
	if b := born[sandbox.LeapDay]; b.Month() != time.February || b.Day() != 29 || day.Year()-b.Year() < 18 || day.Year()-b.Year() > 21 {
		t.Errorf("%v: leap-day was born %v", day, b)
	}
	for _, id := range []string{sandbox.Adult, sandbox.SummerTime, sandbox.Before1970, sandbox.Foreigner, sandbox.NoDI, sandbox.NoCI, sandbox.TestChannel} {
		if full, _ := age(id); full < 30 {
			t.Errorf("%v: %s is %d", day, id, full)
		}
	}
}

// The day turns at midnight in Korea, wherever the server stands.
func TestTodayIsKorean(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, now, birthday string }{
		{"a second before midnight", "2026-11-20T14:59:59Z", "2007-11-20"},
		{"midnight", "2026-11-20T15:00:00Z", "2007-11-21"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := birthday(t, newSandbox(t, at(tt.now)), sandbox.NineteenToday).Format(time.DateOnly); got != tt.birthday {
				t.Errorf("born %s, want %s", got, tt.birthday)
			}
		})
	}
}

// `birth` is 00:00 in Seoul by the real rules of its time zone.
func TestBirthIsMidnightInSeoul(t *testing.T) {
	t.Parallel()
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	check := func(s *sandbox.Server, person string) {
		rec := lookup(t, s, verify(t, s, sandbox.Verification{Person: person}).ImpUID)
		want, err := time.ParseInLocation(time.DateOnly, rec["birthday"].(string), seoul)
		if err != nil {
			t.Fatal(err)
		}
		if got := int64(rec["birth"].(float64)); got != want.Unix() {
			t.Errorf("%s: birth %d is %d s off", rec["birthday"], got, got-want.Unix())
		}
	}
	s := newSandbox(t, at(noon))
	for _, id := range personIDs() {
		if id != sandbox.NeverFinishes && id != sandbox.FinishesLate {
			check(s, id)
		}
	}
	// 19 years before these days lie both summers and the winters around them.
	c := at("2006-04-01T12:00:00+09:00")
	for s := newSandbox(t, c); c.Now().Year() < 2008 && !t.Failed(); c.advance(24 * time.Hour) {
		check(s, sandbox.NineteenToday)
	}
	rec := lookup(t, s, verify(t, s, sandbox.Verification{Person: sandbox.SummerTime}).ImpUID)
	if got := time.Unix(int64(rec["birth"].(float64)), 0).UTC().Hour(); got != 14 {
		t.Errorf("summer-time is sent at %d:00 UTC, want 14:00", got)
	}
	rec = lookup(t, s, verify(t, s, sandbox.Verification{Person: sandbox.Before1970}).ImpUID)
	if rec["birth"].(float64) >= 0 {
		t.Error("before-1970 must have a negative birth")
	}
}

func TestCIAndDI(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, p := range sandbox.People() {
		if p.ID == sandbox.NeverFinishes || p.ID == sandbox.FinishesLate {
			continue
		}
		first, second := newSandbox(t, at(noon)), newSandbox(t, at("2031-01-01T00:00:00Z"))
		a := lookup(t, first, verify(t, first, sandbox.Verification{Person: p.ID}).ImpUID)
		b := lookup(t, second, verify(t, second, sandbox.Verification{Person: p.ID}).ImpUID)
		for _, field := range []string{"unique_key", "unique_in_site"} {
			if a[field] != b[field] {
				t.Errorf("%s: %s differs between sandboxes", p.ID, field)
			}
			value, _ := a[field].(string)
			if value == "" {
				continue
			}
			if other, taken := seen[value]; taken {
				t.Errorf("%s and %s share a %s", p.ID, other, field)
			}
			seen[value] = p.ID
		}
		if ci := a["unique_key"].(string); ci != "" && !isBase64(ci, 88, 64) {
			t.Errorf("%s: the CI is not 88 characters of base64", p.ID)
		}
		if di, ok := a["unique_in_site"].(string); ok && (!isBase64(di, 64, 47) || !strings.HasPrefix(di, "MC0GCCqGSIb3DQIJAyEA")) {
			t.Errorf("%s: the DI has not the real shape", p.ID)
		}
	}
}

func isBase64(s string, chars, size int) bool {
	b, err := base64.StdEncoding.DecodeString(s)
	return err == nil && len(s) == chars && len(b) == size
}

// absent stands for a key that must not be there at all.
const absent = "\x00absent"

func TestRecordsByProvider(t *testing.T) {
	t.Parallel()
	danalTID, inicisTID := regexp.MustCompile(`^202611211200\d{12}$`), regexp.MustCompile(`^INISA_MIIcertify202611211200\d{12}$`)
	some := regexp.MustCompile(`.`)
	tests := []struct {
		person, provider string
		want             map[string]any
	}{
		{sandbox.Adult, "", map[string]any{"pg_provider": "danal", "phone": absent, "carrier": absent, "unique_in_site": some, "unique_key": some, "pg_tid": danalTID, "foreigner": false, "foreigner_v2": false, "gender": "female"}},
		{sandbox.Adult, sandbox.InicisUnified, map[string]any{"phone": "01000000001", "carrier": absent, "unique_in_site": nil, "unique_key": some, "pg_tid": inicisTID}},
		{sandbox.Adult, sandbox.KCP, map[string]any{"phone": "01000000001", "carrier": "SKT", "unique_in_site": some, "unique_key": some}},
		{sandbox.Foreigner, "", map[string]any{"foreigner": true, "foreigner_v2": true}},
		{sandbox.NationalityUnknown, "", map[string]any{"foreigner": false, "foreigner_v2": nil}},
		{sandbox.NoDI, "", map[string]any{"pg_provider": "inicis_unified", "unique_in_site": nil, "unique_key": some, "certified": true}},
		{sandbox.NoCI, "", map[string]any{"pg_provider": "inicis_unified", "unique_in_site": nil, "unique_key": "", "certified": true}},
		{sandbox.TestChannel, "", map[string]any{"pg_provider": "inicis_unified", "pg_tid": regexp.MustCompile(`^INISA_MIIiasTest202611211200\d{12}$`), "certified": true}},
		{sandbox.NeverFinishes, "", map[string]any{
			"certified": false, "certified_at": 0.0, "birth": 0.0, "birthday": nil, "name": nil, "gender": nil, "pg_tid": nil,
			"unique_key": nil, "unique_in_site": nil, "foreigner": false, "foreigner_v2": nil, "phone": absent, "carrier": absent,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.person+" "+tt.provider, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t, at(noon))
			result := verify(t, s, sandbox.Verification{MerchantUID: "order 1", Person: tt.person, PGProvider: tt.provider})
			rec := lookup(t, s, result.ImpUID)
			if rec["imp_uid"] != result.ImpUID || rec["merchant_uid"] != "order 1" || rec["origin"] != nil {
				t.Error("the record does not name its attempt")
			}
			for key, want := range tt.want {
				wantField(t, rec, key, want)
			}
		})
	}
}

func wantField(t *testing.T, rec map[string]any, key string, want any) {
	t.Helper()
	got, present := rec[key]
	if want == absent {
		if present {
			t.Errorf("%s must be absent", key)
		}
		return
	}
	if !present {
		t.Errorf("%s is absent", key)
	}
	if re, ok := want.(*regexp.Regexp); ok {
		if text, _ := got.(string); !re.MatchString(text) {
			t.Errorf("%s does not match %v", key, re)
		}
		return
	}
	if got != want {
		t.Errorf("%s is not %v", key, want)
	}
}
