package iamport_test

import (
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
	"github.com/certify-go/certify/sandbox"
)

// sandboxAt is a sandbox on a loopback port with a clock of its own, and the
// configuration of a provider for it.
type sandboxAt struct {
	t      *testing.T
	server *sandbox.Server
	cfg    iamport.Config
	clock  *atomic.Pointer[time.Time]
}

func newSandboxAt(t *testing.T, now time.Time) sandboxAt {
	t.Helper()
	var clock atomic.Pointer[time.Time]
	clock.Store(&now)
	read := func() time.Time { return *clock.Load() }
	server, err := sandbox.New(sandbox.Config{Now: read})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	cfg := iamport.Config{
		Code: sandbox.DefaultCode, Key: sandbox.DefaultKey, Secret: sandbox.DefaultSecret,
		PGProviders:           []string{sandbox.Danal, sandbox.InicisUnified, sandbox.KCP},
		KCPWithoutTestChannel: true,
		InsecureBaseURL:       web.URL, Now: read,
	}
	return sandboxAt{t, server, cfg, &clock}
}

func (s sandboxAt) verify(person, pg string) string {
	s.t.Helper()
	result, err := s.server.Verify(sandbox.Verification{MerchantUID: attemptID, Person: person, PGProvider: pg})
	if err != nil {
		s.t.Fatal(err)
	}
	return result.ImpUID
}

// TestSandboxPeople meets every person of the sandbox through every PG, on
// days that are easy to get wrong, and checks what the person is there for.
func TestSandboxPeople(t *testing.T) {
	t.Parallel()
	if len(sandbox.People()) == 0 {
		t.Fatal("the sandbox has no people")
	}
	for _, day := range []string{"2026-11-21T12:00:00", "2026-11-21T00:00:00", "2026-12-31T23:59:59", "2027-01-01T00:00:00", "2027-03-01T08:59:59", "2028-02-29T12:00:00"} {
		now := korea(t, day)
		t.Run(day, func(t *testing.T) {
			t.Parallel()
			s := newSandboxAt(t, now)
			p := newProvider(t, s.cfg)
			for _, person := range sandbox.People() {
				for _, pg := range person.Providers {
					t.Run(person.ID+" through "+pg, func(t *testing.T) {
						got, err := p.Lookup(t.Context(), s.verify(person.ID, pg))
						checkPerson(t, person.ID, pg, now, got, err)
					})
				}
			}
		})
	}
}

func checkPerson(t *testing.T, person, pg string, now time.Time, got *certify.Identity, err error) {
	t.Helper()
	switch person {
	case sandbox.NeverFinishes, sandbox.FinishesLate:
		wantCode(t, err, certify.CodeVerificationPending)
		return
	case sandbox.TestChannel:
		wantCode(t, err, certify.CodeChannelRefused)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bornAsTold(person, got.BirthDate, now) {
		y, m, d := got.BirthDate.Date()
		t.Errorf("born on %d-%02d-%02d, which is not what the person is for", y, m, d)
	}
	checkGiven(t, person, pg, got)
	if got.Provider != "iamport" || got.AttemptID != attemptID || got.Channel != pg || !got.VerifiedAt.Equal(now) || got.Name == "" {
		t.Errorf("provider %q, attempt %q, channel %q, verified at %v", got.Provider, got.AttemptID, got.Channel, got.VerifiedAt)
	}
}

func bornAsTold(person string, born certify.BirthDate, now time.Time) bool {
	year, month, day := born.Date()
	age, calendar := born.AgeOn(now), born.CalendarYearAgeOn(now)
	switch person {
	case sandbox.NineteenToday:
		return age == 19 && (born.AgeOn(now.AddDate(0, 0, -1)) == 18 || day == 28)
	case sandbox.NineteenTomorrow:
		return age == 18 && born.AgeOn(now.AddDate(0, 0, 1)) == 19
	case sandbox.NineteenThisYear:
		return month == time.December && day == 31 && calendar == 19
	case sandbox.Minor:
		return age == 16
	case sandbox.Under14:
		return age == 13
	case sandbox.LeapDay:
		return month == time.February && day == 29
	case sandbox.NewYear:
		return month == time.January && day == 1 && calendar == 18
	case sandbox.SummerTime:
		return year == 1987 && month == time.July && day == 15
	case sandbox.Before1970:
		return year < 1970
	}
	return age >= 19
}

// checkGiven checks what each PG gives and leaves out.
func checkGiven(t *testing.T, person, pg string, got *certify.Identity) {
	t.Helper()
	nationality := certify.NationalityKorean
	switch person {
	case sandbox.Foreigner:
		nationality = certify.NationalityForeigner
	case sandbox.NationalityUnknown:
		nationality = certify.NationalityUnknown
	}
	selfAsserted := pg == sandbox.InicisUnified && nationality != certify.NationalityUnknown
	if got.Nationality != nationality || got.NationalitySelfAsserted != selfAsserted {
		t.Errorf("nationality %d, self-asserted %t; want %d, %t", got.Nationality, got.NationalitySelfAsserted, nationality, selfAsserted)
	}
	for _, f := range []struct {
		name, value string
		want        bool
	}{
		{"CI", got.CI, person != sandbox.NoCI},
		{"DI", got.DI, pg != sandbox.InicisUnified},
		{"phone", got.Phone, pg != sandbox.Danal},
		{"carrier", got.Carrier, pg == sandbox.KCP},
	} {
		if (f.value != "") != f.want {
			t.Errorf("%s given: %t, want %t", f.name, f.value != "", f.want)
		}
	}
}

func TestSandboxFinishesLate(t *testing.T) {
	t.Parallel()
	s := newSandboxAt(t, testNow())
	p := newProvider(t, s.cfg)
	id := s.verify(sandbox.FinishesLate, "")
	_, err := p.Lookup(t.Context(), id)
	wantCode(t, err, certify.CodeVerificationPending)
	later := testNow().Add(2 * time.Second)
	s.clock.Store(&later)
	if _, err := p.Lookup(t.Context(), id); err != nil {
		t.Error(err)
	}
}

func TestSandboxTestChannelAllowed(t *testing.T) {
	t.Parallel()
	s := newSandboxAt(t, testNow())
	s.cfg.InsecureAllowTestChannel = true
	if _, err := newProvider(t, s.cfg).Lookup(t.Context(), s.verify(sandbox.TestChannel, "")); err != nil {
		t.Error(err)
	}
}

func TestSandboxErase(t *testing.T) {
	t.Parallel()
	s := newSandboxAt(t, testNow())
	p := newProvider(t, s.cfg)
	id := s.verify(sandbox.Adult, "")
	if err := p.Erase(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	_, err := p.Lookup(t.Context(), id)
	wantCode(t, err, certify.CodeVerificationRefused)
	wantCode(t, p.Erase(t.Context(), id), certify.CodeVerificationRefused)
}

// TestSandboxTokenExpires: the vendor's clock jumps, ours does not, so the
// token is refused before its time and replaced.
func TestSandboxTokenExpires(t *testing.T) {
	t.Parallel()
	s := newSandboxAt(t, testNow())
	p := newProvider(t, s.cfg)
	id := s.verify(sandbox.Adult, "")
	for i := range 5 {
		now := testNow().Add(time.Duration(i) * 31 * time.Minute)
		s.clock.Store(&now)
		if _, err := p.Lookup(t.Context(), id); err != nil {
			t.Fatalf("after %d lives of a token: %v", i, err)
		}
	}
}

func TestSandboxRefusesCredentials(t *testing.T) {
	t.Parallel()
	s := newSandboxAt(t, testNow())
	s.cfg.Secret = testSecret
	_, err := newProvider(t, s.cfg).Lookup(t.Context(), s.verify(sandbox.Adult, ""))
	wantCode(t, err, certify.CodeProviderMisconfigured)
}

func TestSandboxOTP(t *testing.T) {
	t.Parallel()
	s := newSandboxAt(t, testNow())
	s.cfg.ChannelKey = sandbox.ChannelKeyKCP
	p, ctx := newProvider(t, s.cfg), t.Context()
	typed, err := s.server.ParticularsOf(sandbox.Adult)
	if err != nil {
		t.Fatal(err)
	}
	r := iamport.OTPRequest{
		MerchantUID: attemptID, Name: typed.Name, Phone: typed.PhoneNumber,
		Birth: typed.IdentityNumber[:6], GenderDigit: typed.IdentityNumber[6:], Carrier: "KT",
	}
	stranger := r
	stranger.Name = "아무개"
	_, err = p.RequestOTP(ctx, stranger)
	wantOTPError(t, err, iamport.ErrOTPRefused)
	wantOTPError(t, p.ConfirmOTP(ctx, "imp_000000000000", "123456"), iamport.ErrOTPNotFound)
	uid, err := p.RequestOTP(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Lookup(ctx, uid)
	wantCode(t, err, certify.CodeVerificationPending)
	wantOTPError(t, p.ConfirmOTP(ctx, uid, "1234567890"), iamport.ErrOTPRefused)
	code := s.server.SentCode(typed.PhoneNumber)
	if err := p.ConfirmOTP(ctx, uid, code); err != nil {
		t.Fatal(err)
	}
	wantOTPError(t, p.ConfirmOTP(ctx, uid, code), iamport.ErrOTPMalformed)
	if id, err := p.Lookup(ctx, uid); err != nil || id.AttemptID != attemptID || id.Name != r.Name {
		t.Errorf("Lookup after ConfirmOTP: %v", err)
	}
}
