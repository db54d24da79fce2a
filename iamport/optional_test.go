package iamport_test

import (
	"strings"
	"testing"

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
	escapedDI, escapedCI := strings.ReplaceAll(di1, "/", `\/`), strings.ReplaceAll(ci1, "/", `\/`)
	tests := []struct {
		name, old, new string
		field          func(*certify.Identity) string
		want           string
	}{
		{"gender other", `"gender":"male"`, `"gender":"other"`, gender, ""},
		{"gender in Korean", `"gender":"male"`, `"gender":"남"`, gender, ""},
		{"gender null", `"gender":"male"`, `"gender":null`, gender, ""},
		{"gender empty", `"gender":"male"`, `"gender":""`, gender, ""},
		{"gender absent", `"gender":"male",`, ``, gender, ""},
		{"gender", `"gender":"male"`, `"gender":"female"`, gender, "female"},
		{"phone null", `"gender":"male"`, `"phone":null`, phone, ""},
		{"phone empty", `"gender":"male"`, `"phone":""`, phone, ""},
		{"phone with hyphens", `"gender":"male"`, `"phone":"010-0000-0001"`, phone, ""},
		{"phone international", `"gender":"male"`, `"phone":"+821000000001"`, phone, ""},
		{"phone", `"gender":"male"`, `"phone":"01000000001"`, phone, "01000000001"},
		{"carrier null", `"gender":"male"`, `"carrier":null`, carrier, ""},
		{"carrier of the future", `"gender":"male"`, `"carrier":"STAR_LINK"`, carrier, "STAR_LINK"},
		{"DI null", `"` + escapedDI + `"`, `null`, di, ""},
		{"DI empty", `"` + escapedDI + `"`, `""`, di, ""},
		{"DI blank", `"` + escapedDI + `"`, `" \t"`, di, ""},
		{"DI the word null", `"` + escapedDI + `"`, `"null"`, di, ""},
		{"DI the word undefined", `"` + escapedDI + `"`, `"undefined"`, di, ""},
		{"DI of 66 characters", `"` + escapedDI + `"`, `"` + strings.Repeat("Ab", 33) + `"`, di, strings.Repeat("Ab", 33)},
		{"CI empty", `"` + escapedCI + `"`, `""`, ci, ""},
		{"CI the word null", `"` + escapedCI + `"`, `"null"`, ci, ""},
		{"unknown field", `"gender":"male"`, `"gender":"male","sandbox":{"is":[1,null]}`, gender, "male"},
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

func TestLookupNationality(t *testing.T) {
	t.Parallel()
	const old = `"foreigner":false,"foreigner_v2":null`
	tests := []struct {
		name, fields, pg string
		want             certify.Nationality
		selfAsserted     bool
	}{
		{"danal, null", `"foreigner_v2":null`, "danal", certify.NationalityUnknown, false},
		{"danal, foreigner false does not count", `"foreigner":false`, "danal", certify.NationalityUnknown, false},
		{"danal, foreigner true does not count", `"foreigner":true`, "danal", certify.NationalityUnknown, false},
		{"danal, v2 beats foreigner", `"foreigner":true,"foreigner_v2":false`, "danal", certify.NationalityKorean, false},
		{"danal, true", `"foreigner":false,"foreigner_v2":true`, "danal", certify.NationalityForeigner, false},
		{"kcp_v2, true", `"foreigner_v2":true`, "kcp_v2", certify.NationalityForeigner, false},
		{"inicis_unified, null", `"foreigner_v2":null`, "inicis_unified", certify.NationalityUnknown, false},
		{"inicis_unified, false", `"foreigner_v2":false`, "inicis_unified", certify.NationalityKorean, true},
		{"inicis_unified, true", `"foreigner_v2":true`, "inicis_unified", certify.NationalityForeigner, true},
		{"inicis, true", `"foreigner_v2":true`, "inicis", certify.NationalityForeigner, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, "danal")
			body := replace(t, fixture(t, "danal"), old, tt.fields)
			v.other = jsonAnswer(200, replace(t, body, `"danal"`, `"`+tt.pg+`"`))
			cfg := testConfig(v)
			cfg.PGProviders = append(cfg.PGProviders, "inicis")
			got, err := newProvider(t, cfg).Lookup(t.Context(), danalID)
			if err != nil {
				t.Fatal(err)
			}
			if got.Nationality != tt.want || got.NationalitySelfAsserted != tt.selfAsserted {
				t.Errorf("nationality %d, self-asserted %t; want %d, %t", got.Nationality, got.NationalitySelfAsserted, tt.want, tt.selfAsserted)
			}
		})
	}
}
