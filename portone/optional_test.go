package portone_test

import (
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// The vendor may add fields and values; the optional ones may hold anything.
func TestLookupOptionalFields(t *testing.T) {
	t.Parallel()
	phone := func(id *certify.Identity) string { return id.Phone }
	gender := func(id *certify.Identity) string { return id.Gender }
	carrier := func(id *certify.Identity) string { return id.Carrier }
	di := func(id *certify.Identity) string { return id.DI }
	ci := func(id *certify.Identity) string { return id.CI }
	const male, dob = `"gender":"MALE"`, `"birthDate":"1975-03-02"`
	tests := []struct {
		name, old, new string
		field          func(*certify.Identity) string
		want           string
	}{
		{"gender female", male, `"gender":"FEMALE"`, gender, "female"},
		{"gender other", male, `"gender":"OTHER"`, gender, ""},
		{"gender unknown to us", male, `"gender":"X"`, gender, ""},
		{"gender as in V1", male, `"gender":"male"`, gender, ""},
		{"gender null", male, `"gender":null`, gender, ""},
		{"gender absent", male + `,`, ``, gender, ""},
		{"phone", dob, dob + `,"phoneNumber":"01000000001"`, phone, "01000000001"},
		{"phone with hyphens", dob, dob + `,"phoneNumber":"010-0000-0001"`, phone, ""},
		{"phone in another alphabet", dob, dob + `,"phoneNumber":"０１０"`, phone, ""},
		{"phone too long", dob, dob + `,"phoneNumber":"` + strings.Repeat("0", 21) + `"`, phone, ""},
		{"phone null", dob, dob + `,"phoneNumber":null`, phone, ""},
		{"operator", dob, dob + `,"operator":"SKT_MVNO"`, carrier, "SKT_MVNO"},
		{"operator unknown to us", dob, dob + `,"operator":"FOURTH"`, carrier, "FOURTH"},
		{"operator null", dob, dob + `,"operator":null`, carrier, ""},
		{"DI absent", `,"di":"` + di1 + `"`, ``, di, ""},
		{"DI null", `"` + di1 + `"`, `null`, di, ""},
		{"DI empty", `"` + di1 + `"`, `""`, di, ""},
		{"DI blank", `"` + di1 + `"`, `" \t"`, di, ""},
		{"DI the word null", `"` + di1 + `"`, `"null"`, di, ""},
		{"DI the word undefined", `"` + di1 + `"`, `"undefined"`, di, ""},
		{"DI of 66 characters", `"` + di1 + `"`, `"` + strings.Repeat("Ab", 33) + `"`, di, strings.Repeat("Ab", 33)},
		{"DI escaped", di1, strings.ReplaceAll(di1, "+", `\u002b`), di, di1},
		{"CI null", `"` + ci1 + `"`, `null`, ci, ""},
		{"CI empty", `"` + ci1 + `"`, `""`, ci, ""},
		{"unknown field", male, male + `,"sandbox":{"is":[1,null]}`, gender, "male"},
		{"pgRawResponse of another type", `"pgRawResponse":`, `"pgRawResponse":{"a":1},"x":`, gender, "male"},
		{"customData of another type", `"version":`, `"customData":[1],"version":`, gender, "male"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := lookupChanged(t, tt.old, tt.new)
			if err != nil {
				t.Fatal(err)
			}
			if s := tt.field(got); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

func TestLookupTimes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ at, want string }{
		{"2026-10-05T02:31:07Z", "2026-10-05T02:31:07Z"},
		{"2026-10-05T02:31:07.1Z", "2026-10-05T02:31:07.1Z"},
		{"2026-10-05T02:31:07.123456789Z", "2026-10-05T02:31:07.123456789Z"},
		{"2026-10-05T11:31:07+09:00", "2026-10-05T02:31:07Z"},
		{"2026-10-05T11:31:07.000+09:00", "2026-10-05T02:31:07Z"},
		{"2026-10-04T18:31:07-08:00", "2026-10-05T02:31:07Z"},
		{"2026-10-05T02:31:07+00:00", "2026-10-05T02:31:07Z"},
		{"2026-10-05t02:31:07z", "2026-10-05T02:31:07Z"},
		{"2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z"}, // a day ahead of our clock
		{"2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z"},
	} {
		got, err := lookupChanged(t, "2026-10-05T02:31:07.123456Z\",\"pgTxId", tt.at+"\",\"pgTxId")
		if err != nil {
			t.Errorf("%s: %v", tt.at, err)
			continue
		}
		if s := got.VerifiedAt.Format(time.RFC3339Nano); s != tt.want {
			t.Errorf("%s was read as %s, want %s", tt.at, s, tt.want)
		}
	}
}

func TestLookupNationality(t *testing.T) {
	t.Parallel()
	const korean, foreigner, unknown = certify.NationalityKorean, certify.NationalityForeigner, certify.NationalityUnknown
	tests := []struct {
		name, field, pg string
		want            certify.Nationality
		selfAsserted    bool
	}{
		{"Danal, absent", ``, "DANAL", unknown, false},
		{"Danal, null", `"isForeigner":null,`, "DANAL", unknown, false},
		{"Danal, false", `"isForeigner":false,`, "DANAL", korean, false},
		{"Danal, true", `"isForeigner":true,`, "DANAL", foreigner, false},
		{"KCP, false", `"isForeigner":false,`, "KCP_V2", korean, false},
		{"KCP, true", `"isForeigner":true,`, "KCP_V2", foreigner, false},
		{"Inicis, absent", ``, "INICIS_UNIFIED", unknown, false},
		{"Inicis, false", `"isForeigner":false,`, "INICIS_UNIFIED", korean, true},
		{"Inicis, true", `"isForeigner":true,`, "INICIS_UNIFIED", foreigner, true},
		{"a PG unknown to us", `"isForeigner":true,`, "SOMEBODY", foreigner, true},
		{"no PG", `"isForeigner":true,`, "", foreigner, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := replace(t, fixture(t, "danal"), `"name":"김시험",`, `"name":"김시험",`+tt.field)
			v := &vendor{answer: jsonAnswer(200, replace(t, body, `"DANAL"`, `"`+tt.pg+`"`))}
			got := lookup(t, newProvider(t, testConfig(v)))
			if got.Nationality != tt.want || got.NationalitySelfAsserted != tt.selfAsserted {
				t.Errorf("nationality %d, self-asserted %t; want %d, %t", got.Nationality, got.NationalitySelfAsserted, tt.want, tt.selfAsserted)
			}
		})
	}
}

// TestDIOfInicis: KG Inicis gives no DI. One that is there all the same was
// made with a salt of the page's, which the visitor can choose.
func TestDIOfInicis(t *testing.T) {
	t.Parallel()
	with := replace(t, fixture(t, "inicis"), `"ci":`, `"di":"`+di1+`","ci":`)
	id, err := newProvider(t, testConfig(&vendor{answer: jsonAnswer(200, with)})).Lookup(t.Context(), "b0000000000000000000000000000003")
	if err != nil {
		t.Fatal(err)
	}
	if id.DI != "" {
		t.Error("a DI of KG Inicis counts")
	}
}
