package iamport_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

func birthDate(t testing.TB, s string) certify.BirthDate {
	t.Helper()
	b, err := certify.ParseBirthDate(s, testNow())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func korea(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s+"+09:00")
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

const (
	ci1 = "BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRg=="
	di1 = "MC0GCCqGSIb3DQIJAyEACwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSo="
)

// compareIdentity names the fields that differ: an Identity prints redacted,
// which is right outside and useless here, where the people are invented.
func compareIdentity(t *testing.T, got, want certify.Identity) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Errorf("%s = %v, want %v", g.Type().Field(i).Name, g.Field(i).Interface(), w.Field(i).Interface())
		}
	}
}

func TestLookupReadsEveryShape(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fixture string
		test    bool // on a test channel
		hasCI   bool
		hasDI   bool
		want    certify.Identity // CI and DI aside
	}{
		{fixture: "danal", hasCI: true, hasDI: true, want: certify.Identity{
			ID: "imp_100000000001", AttemptID: "a0000000000000000000000000000001", Channel: "danal",
			VerifiedAt: korea(t, "2026-10-05T11:31:07"), Name: "김시험", BirthDate: birthDate(t, "1975-03-02"), Gender: "male"}},
		{fixture: "danal_phone", hasCI: true, hasDI: true, want: certify.Identity{
			ID: "imp_100000000002", AttemptID: "a0000000000000000000000000000002", Channel: "danal",
			VerifiedAt: korea(t, "2026-10-06T09:16:20"), Name: "이시험", BirthDate: birthDate(t, "1994-12-31"), Gender: "female",
			Phone: "01000000002", Carrier: "LGT_MVNO", Nationality: certify.NationalityForeigner}},
		{fixture: "danal_2021", hasCI: true, hasDI: true, want: certify.Identity{
			ID: "imp_100000000003", AttemptID: "ORDER-2021-03 0001", Channel: "danal",
			VerifiedAt: korea(t, "2021-03-04T10:01:00"), Name: "박시험", BirthDate: birthDate(t, "1988-07-15"), Gender: "female",
			Phone: "01000000003", Carrier: "SKT"}},
		{fixture: "inicis_naver", test: true, hasCI: true, want: certify.Identity{
			ID: "imp_100000000004", AttemptID: "a0000000000000000000000000000004", Channel: "inicis_unified",
			VerifiedAt: korea(t, "2026-10-07T12:02:03"), Name: "최시험", BirthDate: birthDate(t, "1981-01-01"), Phone: "01000000004"}},
		{fixture: "inicis_live", hasCI: true, want: certify.Identity{
			ID: "imp_100000000005", AttemptID: "a0000000000000000000000000000005", Channel: "inicis_unified",
			VerifiedAt: korea(t, "2026-10-08T13:02:03"), Name: "정시험", BirthDate: birthDate(t, "2000-02-29"), Phone: "01000000005"}},
		{fixture: "inicis_2024", hasCI: true, want: certify.Identity{
			ID: "imp_100000000006", AttemptID: "a0000000000000000000000000000006", Channel: "inicis_unified",
			VerifiedAt: korea(t, "2026-10-09T14:02:03"), Name: "강시험", BirthDate: birthDate(t, "1992-06-30"), Gender: "male",
			Phone: "01000000006", Nationality: certify.NationalityKorean, NationalitySelfAsserted: true}},
		{fixture: "inicis_empty_ci", want: certify.Identity{
			ID: "imp_100000000007", AttemptID: "a0000000000000000000000000000007", Channel: "inicis_unified",
			VerifiedAt: korea(t, "2026-10-10T15:02:03"), Name: "조시험", BirthDate: birthDate(t, "1978-09-09"), Phone: "01000000007"}},
		{fixture: "kcp", hasCI: true, hasDI: true, want: certify.Identity{
			ID: "imp_100000000008", AttemptID: "a0000000000000000000000000000008", Channel: "kcp_v2",
			VerifiedAt: korea(t, "2026-10-11T16:02:03"), Name: "윤시험", BirthDate: birthDate(t, "1969-12-31"), Gender: "female",
			Phone: "01000000008", Carrier: "KT", Nationality: certify.NationalityKorean}},
	}
	for _, tt := range tests {
		t.Run(tt.fixture, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(newVendor(t, tt.fixture))
			cfg.InsecureAllowTestChannel = tt.test
			got, err := newProvider(t, cfg).Lookup(t.Context(), tt.want.ID)
			if err != nil {
				t.Fatal(err)
			}
			if (len(got.CI) == 88) != tt.hasCI || (len(got.DI) == 64) != tt.hasDI || (got.CI != "") != tt.hasCI || (got.DI != "") != tt.hasDI {
				t.Errorf("CI of %d and DI of %d characters; want CI: %t, DI: %t", len(got.CI), len(got.DI), tt.hasCI, tt.hasDI)
			}
			tt.want.Provider, tt.want.CI, tt.want.DI = "iamport", got.CI, got.DI
			compareIdentity(t, *got, tt.want)
		})
	}
}

func TestLookupUnescapesCIAndDI(t *testing.T) {
	t.Parallel()
	got, err := newProvider(t, testConfig(newVendor(t, "danal"))).Lookup(t.Context(), danalID)
	if err != nil {
		t.Fatal(err)
	}
	if got.CI != ci1 || got.DI != di1 {
		t.Error("CI or DI is not what the record says: was its \\/ unescaped?")
	}
}

// TestBirthPairs holds every pair of birth and birthday found in public
// records: birth is 00:00 in Korea, 15:00 UTC of the day before.
func TestBirthPairs(t *testing.T) {
	t.Parallel()
	pairs := []struct{ birth, birthday string }{
		{"216140400", "1976-11-07"}, {"246639600", "1977-10-26"}, {"325695600", "1980-04-28"}, {"634316400", "1990-02-07"},
		{"689785200", "1991-11-11"}, {"742057200", "1993-07-08"}, {"744822000", "1993-08-09"}, {"799340400", "1995-05-02"},
	}
	for _, p := range pairs {
		t.Run(p.birthday, func(t *testing.T) {
			t.Parallel()
			for _, tt := range []struct{ name, fields string }{
				{"both", `"birth":` + p.birth + `,"birthday":"` + p.birthday + `"`},
				{"birthday alone", `"birthday":"` + p.birthday + `"`},
				{"birthday, birth null", `"birth":null,"birthday":"` + p.birthday + `"`},
				{"birthday, birth 0", `"birth":0,"birthday":"` + p.birthday + `"`},
				{"birth alone", `"birth":` + p.birth},
				{"birth, birthday null", `"birth":` + p.birth + `,"birthday":null`},
				{"birth, birthday empty", `"birth":` + p.birth + `,"birthday":""`},
			} {
				got, err := lookupChanged(t, `"birth":162918000,"birthday":"1975-03-02"`, tt.fields)
				if err != nil {
					t.Errorf("%s: %v", tt.name, err)
				} else if got.BirthDate != birthDate(t, p.birthday) {
					t.Errorf("%s: another birth date", tt.name)
				}
			}
		})
	}
}

// lookupChanged looks the danal fixture up with one part of it changed.
func lookupChanged(t testing.TB, old, new string) (*certify.Identity, error) {
	t.Helper()
	v := newVendor(t, "danal")
	v.other = jsonAnswer(200, replace(t, fixture(t, "danal"), old, new))
	return newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
}

func TestLookupRefusesRecords(t *testing.T) {
	t.Parallel()
	// unfinished is what stands in the fixture from certified to the PG.
	const unfinished = `"certified":true,"certified_at":1791167467,"foreigner":false,"foreigner_v2":null,"gender":"male",` +
		`"imp_uid":"imp_100000000001","merchant_uid":"a0000000000000000000000000000001","name":"\uae40\uc2dc\ud5d8","origin":"https:\/\/shop.example\/certifications\/",`
	const born, at, tid, pg = `"birth":162918000,"birthday":"1975-03-02"`, `"certified_at":1791167467`, `"202610051130000000001111"`, `"pg_provider":"danal"`
	tests := []struct {
		name, old, new string
		want           certify.Code
	}{
		{"another record", `"imp_100000000001"`, `"imp_100000000002"`, certify.CodeProviderInvalid},
		{"another record by case", `"imp_100000000001"`, `"IMP_100000000001"`, certify.CodeProviderInvalid},
		{"no imp_uid", `"imp_uid":`, `"imp":`, certify.CodeProviderInvalid},
		{"imp_uid null", `"imp_100000000001"`, `null`, certify.CodeProviderInvalid},
		{"not certified", `"certified":true`, `"certified":false`, certify.CodeVerificationPending},
		{"certified null", `"certified":true`, `"certified":null`, certify.CodeVerificationPending},
		{"certified absent", `"certified":true,`, ``, certify.CodeVerificationPending},
		{"certified a string", `"certified":true`, `"certified":"true"`, certify.CodeProviderInvalid},
		{"certified a number", `"certified":true`, `"certified":1`, certify.CodeProviderInvalid},

		{"certified_at 0", at, `"certified_at":0`, certify.CodeProviderInvalid},
		{"certified_at null", at, `"certified_at":null`, certify.CodeProviderInvalid},
		{"certified_at absent", at + `,`, ``, certify.CodeProviderInvalid},
		{"certified_at negative", at, `"certified_at":-1791167467`, certify.CodeProviderInvalid},
		{"certified_at a date as a number", at, `"certified_at":20261005`, certify.CodeProviderInvalid},
		{"certified_at in milliseconds", at, `"certified_at":1791167467000`, certify.CodeProviderInvalid},
		{"certified_at two days ahead", at, `"certified_at":1795402800`, certify.CodeProviderInvalid},
		{"certified_at a string", at, `"certified_at":"1791167467"`, certify.CodeProviderInvalid},

		{"no birth date", born + `,`, ``, certify.CodeProviderInvalid},
		{"birth 0 and no birthday", born, `"birth":0`, certify.CodeProviderInvalid},
		{"birth and birthday null", born, `"birth":null,"birthday":null`, certify.CodeProviderInvalid},
		{"birth a day later", born, `"birth":163004400,"birthday":"1975-03-02"`, certify.CodeProviderInvalid},
		{"birth a day earlier", born, `"birth":162831600,"birthday":"1975-03-02"`, certify.CodeProviderInvalid},
		{"birth of the future beside a birthday", born, `"birth":4070908800,"birthday":"1975-03-02"`, certify.CodeProviderInvalid},
		{"birthday malformed beside a birth", born, `"birth":162918000,"birthday":"1975-3-2"`, certify.CodeProviderInvalid},
		{"birthday without hyphens", born, `"birthday":"19750302"`, certify.CodeProviderInvalid},
		{"birthday impossible", born, `"birthday":"1975-02-29"`, certify.CodeProviderInvalid},
		{"birthday zeros", born, `"birthday":"0000-00-00"`, certify.CodeProviderInvalid},
		{"birthday tomorrow", born, `"birthday":"2026-11-22"`, certify.CodeProviderInvalid},
		{"birthday a number", born, `"birthday":19750302`, certify.CodeProviderInvalid},
		{"birth a string", born, `"birth":"162918000"`, certify.CodeProviderInvalid},
		{"birth too large", born, `"birth":9223372036854775807`, certify.CodeProviderInvalid},
		{"birth beyond int64", born, `"birth":9223372036854775808`, certify.CodeProviderInvalid},
		{"birth a fraction", born, `"birth":162918000.5`, certify.CodeProviderInvalid},

		{"another PG", pg, `"pg_provider":"nobody"`, certify.CodeChannelRefused},
		{"a PG that is not configured", pg, `"pg_provider":"inicis"`, certify.CodeChannelRefused},
		{"a PG that is not configured, unfinished", unfinished + pg, replace(t, unfinished, "true", "false") + `"pg_provider":"inicis"`, certify.CodeChannelRefused},
		{"a member twice", pg, pg + `,` + pg, certify.CodeProviderInvalid},
		{"certified twice", pg, pg + `,"certified":true`, certify.CodeProviderInvalid},
		{"certified in another case", pg, pg + `,"CERTIFIED":true`, certify.CodeProviderInvalid},
		{"certified in another case alone", `"certified":true`, `"Certified":true`, certify.CodeProviderInvalid},
		{"a long s for an s", `"unique_in_site"`, `"unique_in_\u017fite"`, certify.CodeProviderInvalid},
		{"a member twice that nobody reads", pg, pg + `,"more":[{"a":1,"a":1}]`, certify.CodeProviderInvalid},
		{"a PG by another case", pg, `"pg_provider":"Danal"`, certify.CodeChannelRefused},
		{"PG null", pg, `"pg_provider":null`, certify.CodeChannelRefused},
		{"PG absent", pg + `,`, ``, certify.CodeChannelRefused},
		{"PortOne's test MID", pg + `,"pg_tid":` + tid, `"pg_provider":"inicis_unified","pg_tid":"INISA_MIIiasTest202610051130000000001111"`, certify.CodeChannelRefused},
		{"KG Inicis's test MID", pg + `,"pg_tid":` + tid, `"pg_provider":"inicis_unified","pg_tid":"INISA_INIiasTest202610051130000000001111"`, certify.CodeChannelRefused},
		{"test MID under another PG", tid, `"MIIiasTest"`, certify.CodeChannelRefused},
		{"inicis without pg_tid", pg + `,"pg_tid":` + tid, `"pg_provider":"inicis_unified","pg_tid":null`, certify.CodeChannelRefused},

		{"name a number", `"gender":"male"`, `"gender":"male","name":5`, certify.CodeProviderInvalid},
		{"foreigner_v2 a string", `"foreigner_v2":null`, `"foreigner_v2":"false"`, certify.CodeProviderInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := lookupChanged(t, tt.old, tt.new)
			if got != nil {
				t.Error("an identity came with the error")
			}
			wantCode(t, err, tt.want)
		})
	}
}

// Whose record was refused decides what its visitor is told.
func TestRefusalsNameTheAttempt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, old, new string }{
		{"not certified", `"certified":true`, `"certified":false`},
		{"another PG", `"pg_provider":"danal"`, `"pg_provider":"nobody"`},
		{"a test channel", `"202610051130000000001111"`, `"MIIiasTest"`},
		{"no time", `"certified_at":1791167467`, `"certified_at":0`},
		{"no birthday", `"birth":162918000,"birthday":"1975-03-02"`, `"birth":null`},
	} {
		_, err := lookupChanged(t, tc.old, tc.new)
		var failed *certify.ProviderError
		if !errors.As(err, &failed) || failed.AttemptID != "a0000000000000000000000000000001" || strings.Contains(err.Error(), failed.AttemptID) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	_, err := lookupChanged(t, `"imp_100000000001"`, `"imp_100000000002"`)
	var failed *certify.ProviderError
	if !errors.As(err, &failed) || failed.AttemptID != "" {
		t.Errorf("a record that was not asked for: %v", err)
	}
}

func TestLookupIncompleteRecord(t *testing.T) {
	t.Parallel()
	_, err := newProvider(t, testConfig(newVendor(t, "incomplete"))).Lookup(t.Context(), "imp_100000000009")
	wantCode(t, err, certify.CodeVerificationPending)
}

func TestInsecureAllowTestChannel(t *testing.T) {
	t.Parallel()
	cfg := testConfig(newVendor(t, "inicis_naver"))
	_, err := newProvider(t, cfg).Lookup(t.Context(), "imp_100000000004")
	wantCode(t, err, certify.CodeChannelRefused)
	cfg.InsecureAllowTestChannel = true
	if _, err := newProvider(t, cfg).Lookup(t.Context(), "imp_100000000004"); err != nil {
		t.Errorf("with InsecureAllowTestChannel: %v", err)
	}
	cfg.PGProviders = []string{"danal"}
	_, err = newProvider(t, cfg).Lookup(t.Context(), "imp_100000000004")
	wantCode(t, err, certify.CodeChannelRefused)
}

// FuzzRecord: whatever the vendor says, an identity is complete and of the
// record asked for, and an error says nothing of the record.
func FuzzRecord(f *testing.F) {
	for _, name := range []string{"danal", "danal_phone", "danal_2021", "inicis_naver", "inicis_2024", "inicis_empty_ci", "kcp", "incomplete", "not_found", "token"} {
		f.Add([]byte(fixture(f, name)))
	}
	f.Add([]byte(`{"code":0,"response":{"imp_uid":"imp_100000000001","CERTIFIED":true}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v := newVendor(t, "danal")
		v.other = jsonAnswer(200, string(body))
		id, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
		if err != nil {
			var pe *certify.ProviderError
			if id != nil || !errors.As(err, &pe) || len(pe.Detail) > 200 {
				t.Fatalf("identity beside an error, or an error of another form: %v", err)
			}
			return
		}
		checkIdentity(t, id)
	})
}

func checkIdentity(t *testing.T, id *certify.Identity) {
	t.Helper()
	switch {
	case id.Provider != "iamport" || id.ID != danalID:
		t.Error("another record's identity")
	case id.BirthDate.IsZero() || id.BirthDate.AgeOn(testNow()) < 0:
		t.Error("no birth date")
	case id.VerifiedAt.Year() < 2000 || id.VerifiedAt.After(testNow().Add(24*time.Hour)):
		t.Errorf("verified at %v", id.VerifiedAt)
	case id.Channel != "danal" && id.Channel != "inicis_unified" && id.Channel != "kcp_v2":
		t.Errorf("channel %q", id.Channel)
	case id.Gender != "" && id.Gender != "male" && id.Gender != "female":
		t.Errorf("gender %q", id.Gender)
	case strings.Trim(id.Phone, "0123456789") != "":
		t.Error("a phone number of something else than digits")
	case id.CI != strings.TrimSpace(id.CI), id.DI != strings.TrimSpace(id.DI), id.CI == "null", id.DI == "null":
		t.Error("a CI or DI made of nothing")
	}
}
