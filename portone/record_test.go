package portone_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/portone"
)

func birthDate(t testing.TB, s string) certify.BirthDate {
	t.Helper()
	b, err := certify.ParseBirthDate(s, testNow())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func utc(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func lookup(t testing.TB, p *portone.Provider) *certify.Identity {
	t.Helper()
	id, err := p.Lookup(t.Context(), danalID)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

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
		fixture      string
		test         bool // on a test channel
		hasCI, hasDI bool
		want         certify.Identity // CI and DI aside
	}{
		{fixture: "danal", hasCI: true, hasDI: true, want: certify.Identity{
			ID: "b0000000000000000000000000000001", Channel: "danal", VerifiedAt: utc(t, "2026-10-05T02:31:07.123456Z"),
			Name: "김시험", BirthDate: birthDate(t, "1975-03-02"), Gender: "male"}},
		{fixture: "danal_contracted", hasCI: true, hasDI: true, want: certify.Identity{
			ID: "b0000000000000000000000000000002", Channel: "danal", VerifiedAt: utc(t, "2026-10-06T00:16:20.5Z"),
			Name: "이시험", BirthDate: birthDate(t, "1994-12-31"), Gender: "female",
			Phone: "01000000002", Carrier: "LGU_MVNO", Nationality: certify.NationalityForeigner}},
		{fixture: "inicis", hasCI: true, want: certify.Identity{
			ID: "b0000000000000000000000000000003", Channel: "inicis_unified", VerifiedAt: utc(t, "2026-10-07T03:02:03Z"),
			Name: "박시험", BirthDate: birthDate(t, "2000-02-29"), Gender: "male",
			Phone: "01000000003", Nationality: certify.NationalityKorean, NationalitySelfAsserted: true}},
		{fixture: "inicis_kakao", want: certify.Identity{
			ID: "b0000000000000000000000000000004", Channel: "inicis_unified", VerifiedAt: utc(t, "2026-10-08T03:02:03Z"),
			Name: "최시험", BirthDate: birthDate(t, "1981-01-01"), Phone: "01000000004"}},
		{fixture: "kcp", hasCI: true, hasDI: true, want: certify.Identity{
			ID: "b0000000000000000000000000000005", Channel: "kcp_v2", VerifiedAt: utc(t, "2026-10-11T07:02:03Z"),
			Name: "윤시험", BirthDate: birthDate(t, "1969-12-31"),
			Phone: "01000000005", Carrier: "KT", Nationality: certify.NationalityKorean}},
		{fixture: "kcp_test", test: true, hasCI: true, hasDI: true, want: certify.Identity{
			ID: "b0000000000000000000000000000006", Channel: "kcp_v2", VerifiedAt: utc(t, "2026-10-12T07:02:03Z"),
			Name: "강시험", BirthDate: birthDate(t, "1990-01-01"), Gender: "female",
			Phone: "01000000006", Carrier: "KT", Nationality: certify.NationalityKorean}},
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
			tt.want.Provider, tt.want.AttemptID, tt.want.CI, tt.want.DI = "portone", tt.want.ID, got.CI, got.DI
			compareIdentity(t, *got, tt.want)
		})
	}
}

const (
	ci1 = "BwwRFhsgJSovNDk+Q0hNUldcYWZrcHV6f4SJjpOYnaKnrLG2u8DFys/U2d7j6O3y9/wBBgsQFRofJCkuMzg9Qg=="
	di1 = "MC0GCCqGSIb3DQIJAyEACw4RFBcaHSAjJiksLzI1ODs+QURHSk1QU1ZZXF9iZWg="
)

func TestLookupGivesCIAndDI(t *testing.T) {
	t.Parallel()
	got := lookup(t, newProvider(t, testConfig(newVendor(t, "danal"))))
	if got.CI != ci1 || got.DI != di1 {
		t.Error("CI or DI is not what the record says")
	}
}

// lookupChanged looks the danal fixture up with one part of it changed.
func lookupChanged(t testing.TB, old, new string) (*certify.Identity, error) {
	t.Helper()
	v := &vendor{answer: jsonAnswer(200, replace(t, fixture(t, "danal"), old, new))}
	return newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
}

func TestLookupRefusesRecords(t *testing.T) {
	t.Parallel()
	const (
		invalid, pending, refused = certify.CodeProviderInvalid, certify.CodeVerificationPending, certify.CodeChannelRefused

		verified, version, live = `"status":"VERIFIED"`, `"version":"V2"`, `"type":"LIVE"`
		at, born, name          = `"verifiedAt":"2026-10-05T02:31:07.123456Z"`, `"birthDate":"1975-03-02"`, `"name":"김시험"`
		key, channel, customer  = `"key":"channel-key-live-1"`, `"channel":`, `"verifiedCustomer":`
		none                    = ``
	)
	tests := []struct {
		name, old, new string
		want           certify.Code
	}{
		{"another record", danalID, "b0000000000000000000000000000002", invalid},
		{"another record by case", danalID, strings.ToUpper(danalID), invalid},
		{"no id", `"id":"b0`, `"x":"b0`, invalid},
		{"id null", `"` + danalID + `"`, `null`, invalid},
		{"id a number", `"` + danalID + `"`, `1`, invalid},

		{"version V1", version, `"version":"V1"`, invalid},
		{"version null", version, `"version":null`, invalid},
		{"version absent", `,` + version, none, invalid},
		{"version by case", version, `"version":"v2"`, invalid},

		{"ready", verified, `"status":"READY"`, pending},
		{"failed", verified, `"status":"FAILED"`, pending},
		{"another status", verified, `"status":"EXPIRED"`, invalid},
		{"another status by case", verified, `"status":"Verified"`, invalid},
		{"status twice", verified, `"status":"READY",` + verified, invalid},
		{"status in two cases", verified, `"status":"READY","STATUS":"VERIFIED"`, invalid},
		{"status in another case alone", verified, `"Status":"VERIFIED"`, invalid},
		{"the channel's type in two cases", live, `"type":"TEST","Type":"LIVE"`, invalid},
		{"the customer's name in two cases", name, name + `,"NAME":"x"`, invalid},
		{"a member twice that nobody reads", verified, verified + `,"more":[{"a":1,"a":1}]`, invalid},
		{"status null", verified, `"status":null`, invalid},
		{"status absent", verified + `,`, none, invalid},
		{"status a boolean", verified, `"status":true`, invalid},

		{"test channel", live, `"type":"TEST"`, refused},
		{"another type of channel", live, `"type":"STAGING"`, refused},
		{"type by case", live, `"type":"live"`, refused},
		{"type null", live, `"type":null`, refused},
		{"type absent", live + `,`, none, refused},
		{"channel null", channel, `"channel":null,"x":`, refused},
		{"channel absent", channel, `"x":`, refused},
		{"another channel", key, `"key":"channel-key-live-9"`, refused},
		{"a part of our channel's key", key, `"key":"channel-key-live-"`, refused},
		{"key null", key, `"key":null`, refused},
		{"key absent", key + `,`, none, refused},
		{"key empty", key, `"key":""`, refused},
		{"channel a string", channel, `"channel":"LIVE","x":`, invalid},

		{"verifiedAt null", at, `"verifiedAt":null`, invalid},
		{"verifiedAt absent", at + `,`, none, invalid},
		{"verifiedAt empty", at, `"verifiedAt":""`, invalid},
		{"verifiedAt without an offset", at, `"verifiedAt":"2026-10-05T02:31:07"`, invalid},
		{"verifiedAt a date", at, `"verifiedAt":"2026-10-05"`, invalid},
		{"verifiedAt Unix seconds", at, `"verifiedAt":1791167467`, invalid},
		{"verifiedAt before phones verified", at, `"verifiedAt":"1999-12-31T23:59:59Z"`, invalid},
		{"verifiedAt two days ahead", at, `"verifiedAt":"2026-11-23T03:00:00Z"`, invalid},
		{"verifiedAt impossible", at, `"verifiedAt":"2026-02-30T03:00:00Z"`, invalid},

		{"no customer", customer, `"x":`, invalid},
		{"customer null", customer, `"verifiedCustomer":null,"x":`, invalid},
		{"no name", name + `,`, none, invalid},
		{"name null", name, `"name":null`, invalid},
		{"name blank", name, `"name":" "`, invalid},
		{"name a number", name, `"name":5`, invalid},
		{"no birthDate", born + `,`, none, invalid},
		{"birthDate null", born, `"birthDate":null`, invalid},
		{"birthDate without hyphens", born, `"birthDate":"19750302"`, invalid},
		{"birthDate with a time", born, `"birthDate":"1975-03-02T00:00:00Z"`, invalid},
		{"birthDate impossible", born, `"birthDate":"1975-02-29"`, invalid},
		{"birthDate zeros", born, `"birthDate":"0000-00-00"`, invalid},
		{"birthDate tomorrow", born, `"birthDate":"2026-11-22"`, invalid},
		{"birthDate too long ago", born, `"birthDate":"1875-03-02"`, invalid},
		{"birthDate a number", born, `"birthDate":19750302`, invalid},
		{"isForeigner a string", name, name + `,"isForeigner":"false"`, invalid},
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

func TestLookupUnfinishedRecords(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{"ready": "b0000000000000000000000000000007", "failed": "b0000000000000000000000000000008"} {
		_, err := newProvider(t, testConfig(newVendor(t, name))).Lookup(t.Context(), id)
		wantCode(t, err, certify.CodeVerificationPending)
		if !strings.HasSuffix(err.Error(), strings.ToUpper(name)) {
			t.Errorf("%s: the error does not name the status: %v", name, err)
		}
	}
	onTestChannel := &vendor{answer: jsonAnswer(200, replace(t, fixture(t, "ready"), `"LIVE"`, `"TEST"`))} // it may end on another
	_, err := newProvider(t, testConfig(onTestChannel)).Lookup(t.Context(), "b0000000000000000000000000000007")
	wantCode(t, err, certify.CodeVerificationPending)
	_, err = newProvider(t, testConfig(newVendor(t, "v1"))).Lookup(t.Context(), "b0000000000000000000000000000009")
	wantCode(t, err, certify.CodeProviderInvalid)
}

// TestFailedMayBecomeVerified: people try again under one id.
func TestFailedMayBecomeVerified(t *testing.T) {
	t.Parallel()
	failed := replace(t, fixture(t, "failed"), "b0000000000000000000000000000008", danalID)
	v := &vendor{answer: inTurn(jsonAnswer(200, failed), jsonAnswer(200, fixture(t, "danal")))}
	p := newProvider(t, testConfig(v))
	_, err := p.Lookup(t.Context(), danalID)
	wantCode(t, err, certify.CodeVerificationPending)
	lookup(t, p)
}

func TestInsecureAllowTestChannel(t *testing.T) {
	t.Parallel()
	const id = "b0000000000000000000000000000006"
	cfg := testConfig(newVendor(t, "kcp_test"))
	_, err := newProvider(t, cfg).Lookup(t.Context(), id)
	wantCode(t, err, certify.CodeChannelRefused)
	cfg.InsecureAllowTestChannel = true
	if _, err := newProvider(t, cfg).Lookup(t.Context(), id); err != nil {
		t.Errorf("with InsecureAllowTestChannel: %v", err)
	}
	cfg.ChannelKeys = cfg.ChannelKeys[:1]
	_, err = newProvider(t, cfg).Lookup(t.Context(), id)
	wantCode(t, err, certify.CodeChannelRefused)
	cfg = testConfig(&vendor{answer: jsonAnswer(200, replace(t, fixture(t, "kcp_test"), `"type":"TEST",`, ``))})
	cfg.InsecureAllowTestChannel = true
	_, err = newProvider(t, cfg).Lookup(t.Context(), id)
	wantCode(t, err, certify.CodeChannelRefused)
}

// TestDefaultClock: the clock is the host's, which in a synctest bubble stands
// at the first day of 2000.
func TestDefaultClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(newVendor(t, "danal"))
		cfg.Now = nil
		_, err := newProvider(t, cfg).Lookup(t.Context(), danalID)
		wantCode(t, err, certify.CodeProviderInvalid)
		cfg.Transport = &vendor{answer: jsonAnswer(200, replace(t, fixture(t, "danal"), `"verifiedAt":"2026-10-05T`, `"verifiedAt":"2000-01-01T`))}
		lookup(t, newProvider(t, cfg))
	})
}

// FuzzRecord: whatever the vendor says, an identity is complete and of the
// record asked for, and an error says nothing of the record.
func FuzzRecord(f *testing.F) {
	for _, name := range []string{"danal", "danal_contracted", "inicis", "inicis_kakao", "kcp", "kcp_test", "ready", "failed", "v1", "not_found", "pg_provider", "confirmed"} {
		f.Add([]byte(fixture(f, name)))
	}
	f.Add([]byte(`{"ID":"` + danalID + `","VERSION":"V2","Status":"VERIFIED","channel":{"type":"LIVE"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p := newProvider(t, testConfig(&vendor{answer: jsonAnswer(200, string(body))}))
		wantProviderError(t, p.Confirm(t.Context(), danalID, "123456"))
		id, err := p.Lookup(t.Context(), danalID)
		if err != nil {
			wantProviderError(t, err)
			if id != nil {
				t.Error("an identity came with the error")
			}
			return
		}
		checkIdentity(t, id)
	})
}

func wantProviderError(t *testing.T, err error) {
	t.Helper()
	var pe *certify.ProviderError
	if err != nil && (!errors.As(err, &pe) || len(pe.Detail) > 200) {
		t.Fatalf("an error of another form: %v", err)
	}
}

func checkIdentity(t *testing.T, id *certify.Identity) {
	t.Helper()
	switch {
	case id.Provider != "portone" || id.ID != danalID || id.AttemptID != danalID:
		t.Error("another record's identity")
	case id.BirthDate.IsZero() || id.BirthDate.AgeOn(testNow()) < 0:
		t.Error("no birth date")
	case id.VerifiedAt.Year() < 2000 || id.VerifiedAt.After(testNow().Add(24*time.Hour)) || id.VerifiedAt.Location() != time.UTC:
		t.Errorf("verified at %v", id.VerifiedAt)
	case id.Name == "":
		t.Error("no name")
	case id.Gender != "" && id.Gender != "male" && id.Gender != "female":
		t.Errorf("gender %q", id.Gender)
	case strings.Trim(id.Phone, "0123456789") != "":
		t.Error("a phone number of something else than digits")
	case id.CI != strings.TrimSpace(id.CI), id.DI != strings.TrimSpace(id.DI), id.CI == "null", id.DI == "null":
		t.Error("a CI or DI made of nothing")
	}
}
