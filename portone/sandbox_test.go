package portone_test

import (
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
	"github.com/certify-go/certify/portone"
	"github.com/certify-go/certify/sandbox"
)

// sandboxAt is a sandbox on a loopback port with a clock of its own, and the
// configuration of a provider for it.
type sandboxAt struct {
	t      *testing.T
	server *sandbox.Server
	cfg    portone.Config
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
	cfg := portone.Config{
		StoreID: sandbox.DefaultStoreID, Secret: sandbox.DefaultAPISecret,
		ChannelKeys:     []string{sandbox.ChannelKeyDanal, sandbox.ChannelKeyInicis, sandbox.ChannelKeyKCP},
		InsecureBaseURL: web.URL, Now: read,
	}
	return sandboxAt{t, server, cfg, &clock}
}

func (s sandboxAt) pass(d time.Duration) {
	later := s.clock.Load().Add(d)
	s.clock.Store(&later)
}

func (s sandboxAt) verify(v sandbox.IdentityVerification) {
	s.t.Helper()
	v.ID = attemptID
	if _, err := s.server.VerifyIdentity(v); err != nil {
		s.t.Fatal(err)
	}
}

// TestSandboxPeople meets every person of the sandbox through every live
// channel, and compares with what V1 says of the same person through the same
// PG: above all, the DI is the same.
func TestSandboxPeople(t *testing.T) {
	t.Parallel()
	channels := map[string]string{sandbox.ChannelKeyDanal: sandbox.Danal, sandbox.ChannelKeyInicis: sandbox.InicisUnified, sandbox.ChannelKeyKCP: sandbox.KCP}
	for _, person := range sandbox.People() {
		for key, pg := range channels {
			if !slices.Contains(person.Providers, pg) || person.ID == sandbox.TestChannel {
				continue
			}
			t.Run(person.ID+" through "+pg, func(t *testing.T) {
				t.Parallel()
				s := newSandboxAt(t, testNow())
				s.verify(sandbox.IdentityVerification{Person: person.ID, ChannelKey: key})
				got, err := newProvider(t, s.cfg).Lookup(t.Context(), attemptID)
				if person.ID == sandbox.NeverFinishes || person.ID == sandbox.FinishesLate {
					wantCode(t, err, certify.CodeVerificationPending)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				want := s.throughV1(person.ID, pg)
				want.Provider, want.ID, want.AttemptID = "portone", attemptID, attemptID
				compareIdentity(t, *got, want)
				if (got.DI != "") != (pg != sandbox.InicisUnified) {
					t.Error("the DI is not as the PG gives it")
				}
			})
		}
	}
}

func (s sandboxAt) throughV1(person, pg string) certify.Identity {
	s.t.Helper()
	p, err := iamport.New(iamport.Config{
		Code: sandbox.DefaultCode, Key: sandbox.DefaultKey, Secret: sandbox.DefaultSecret, PGProviders: []string{pg},
		KCPWithoutTestChannel: true, InsecureBaseURL: s.cfg.InsecureBaseURL, Now: s.cfg.Now,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	result, err := s.server.Verify(sandbox.Verification{MerchantUID: attemptID, Person: person, PGProvider: pg})
	if err != nil {
		s.t.Fatal(err)
	}
	id, err := p.Lookup(s.t.Context(), result.ImpUID)
	if err != nil {
		s.t.Fatal(err)
	}
	return *id
}

func TestSandboxTestChannels(t *testing.T) {
	t.Parallel()
	for key, person := range map[string]string{sandbox.ChannelKeyKCPTest: sandbox.Adult, sandbox.ChannelKeyInicisTest: sandbox.TestChannel} {
		s := newSandboxAt(t, testNow())
		s.verify(sandbox.IdentityVerification{Person: person, ChannelKey: key})
		_, err := newProvider(t, s.cfg).Lookup(t.Context(), attemptID)
		wantCode(t, err, certify.CodeChannelRefused)
		s.cfg.ChannelKeys = []string{key} // a test channel does not count by being named
		_, err = newProvider(t, s.cfg).Lookup(t.Context(), attemptID)
		wantCode(t, err, certify.CodeChannelRefused)
		s.cfg.InsecureAllowTestChannel = true
		if _, err := newProvider(t, s.cfg).Lookup(t.Context(), attemptID); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestSandboxStates(t *testing.T) {
	t.Parallel()
	s := newSandboxAt(t, testNow())
	p := newProvider(t, s.cfg)
	lookup := func() error {
		_, err := p.Lookup(t.Context(), attemptID)
		return err
	}
	wantCode(t, lookup(), certify.CodeVerificationPending)
	wantType(t, lookup(), portone.ErrNotFound)
	s.verify(sandbox.IdentityVerification{Person: sandbox.Adult, Fail: true})
	wantCode(t, lookup(), certify.CodeVerificationPending)
	s.verify(sandbox.IdentityVerification{Person: sandbox.Adult, After: time.Minute})
	wantCode(t, lookup(), certify.CodeVerificationPending)
	s.pass(time.Minute)
	if err := lookup(); err != nil {
		t.Errorf("failed, then ready, then verified: %v", err)
	}
	s.cfg.Secret = testSecret
	p = newProvider(t, s.cfg)
	wantCode(t, lookup(), certify.CodeProviderMisconfigured)
	s.cfg.Secret, s.cfg.StoreID = sandbox.DefaultAPISecret, testStore
	p = newProvider(t, s.cfg)
	wantCode(t, lookup(), certify.CodeProviderMisconfigured)
}

func (s sandboxAt) sendRequest(person string) portone.SendRequest {
	s.t.Helper()
	typed, err := s.server.ParticularsOf(person)
	if err != nil {
		s.t.Fatal(err)
	}
	return portone.SendRequest{
		Name: typed.Name, PhoneNumber: typed.PhoneNumber, IdentityNumber: typed.IdentityNumber,
		Operator: "KT", Method: portone.MethodSMS, IPAddress: netip.MustParseAddr("192.0.2.7"),
	}
}

func TestSandboxOTP(t *testing.T) {
	t.Parallel()
	s := newSandboxAt(t, testNow())
	p, ctx := newProvider(t, s.cfg), t.Context()
	r := s.sendRequest(sandbox.Adult)
	wantType(t, p.Confirm(ctx, attemptID, "123456"), portone.ErrNotFound)
	stranger := r
	stranger.Name = "아무개"
	wantType(t, p.Send(ctx, attemptID, stranger), portone.ErrPGProvider)
	wantType(t, p.Resend(ctx, attemptID), portone.ErrNotSent)
	if err := p.Send(ctx, attemptID, r); err != nil {
		t.Fatal(err)
	}
	wantType(t, p.Send(ctx, attemptID, r), portone.ErrAlreadySent)
	if err := p.Resend(ctx, attemptID); err != nil {
		t.Fatal(err)
	}
	wantType(t, p.Confirm(ctx, attemptID, "1234567890"), portone.ErrPGProvider)
	_, err := p.Lookup(ctx, attemptID)
	wantCode(t, err, certify.CodeVerificationPending)
	if err := p.Confirm(ctx, attemptID, s.server.SentCode(r.PhoneNumber)); err != nil {
		t.Fatal(err)
	}
	if id, err := p.Lookup(ctx, attemptID); err != nil || id.Name != r.Name {
		t.Errorf("Lookup after Confirm: %v", err)
	}
	for _, err := range []error{p.Send(ctx, attemptID, r), p.Resend(ctx, attemptID), p.Confirm(ctx, attemptID, "123456")} {
		wantType(t, err, portone.ErrAlreadyVerified)
	}
	for range 5 {
		wantType(t, p.Send(ctx, danalID, stranger), portone.ErrPGProvider)
	}
	wantType(t, p.Send(ctx, danalID, r), portone.ErrMaxTransactionCountReached)
	s.cfg.ChannelKeys = []string{"channel-key-live-9"}
	err = newProvider(t, s.cfg).Send(ctx, attemptID, r)
	wantType(t, err, portone.ErrChannelNotFound)
	wantCode(t, err, certify.CodeProviderMisconfigured)
}
