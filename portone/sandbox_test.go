package portone_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
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

// A site is an app with a Handler, and one visitor's browser.
type site struct {
	sandboxAt
	url     string
	browser *http.Client
	log     *logbook
}

// A logbook is what the site tells its operator.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newSite(t *testing.T) site {
	t.Helper()
	return newSiteWith(t, func(*portone.Config) {})
}

func newSiteWith(t *testing.T, change func(*portone.Config)) site {
	t.Helper()
	s := newSandboxAt(t, time.Now())
	change(&s.cfg)
	said := &logbook{}
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	key, err := certify.GenerateKey("HS256")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := certify.ParseKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{
		Origin: web.URL, Keys: keys, Logger: slog.New(slog.NewTextHandler(said, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	pepper, err := certify.ParsePepper(certify.GeneratePepper())
	if err != nil {
		t.Fatal(err)
	}
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: newProvider(t, s.cfg), Pepper: pepper})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/certifications/", handler)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return site{s, web.URL + "/certifications", &http.Client{Jar: jar}, said}
}

func (s site) post(path, body string) (int, map[string]any) {
	s.t.Helper()
	resp, err := s.browser.Post(s.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func (s site) begin() string {
	s.t.Helper()
	_, answer := s.post("/attempts", "{}")
	id, _ := answer["identityVerificationId"].(string)
	if len(id) != 32 {
		s.t.Fatalf("the attempt has the id %q", id)
	}
	return id
}

// TestHandler runs the whole: attempt, window, callback, claim.
func TestHandler(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.begin()
	callback := `{"transactionType":"IDENTITY_VERIFICATION","identityVerificationId":"` + id + `","identityVerificationTxId":"x"}`
	if status, problem := s.post("/confirm", callback); status == http.StatusOK || problem["code"] != string(certify.CodeVerificationPending) {
		t.Errorf("before the window opened: %d %v", status, problem["code"])
	}
	if _, err := s.server.VerifyIdentity(sandbox.IdentityVerification{ID: id, Person: sandbox.Adult, Fail: true}); err != nil {
		t.Fatal(err)
	}
	if _, problem := s.post("/confirm", `{"identityVerificationId":"`+id+`","code":"x"}`); problem["code"] != string(certify.CodeVerificationCancelled) {
		t.Errorf("after a failure: %v", problem["code"])
	}
	if _, err := s.server.VerifyIdentity(sandbox.IdentityVerification{ID: id, Person: sandbox.Adult}); err != nil {
		t.Fatal(err)
	}
	thief := newSite(t)
	thief.url = s.url
	thief.begin()
	if status, problem := thief.post("/confirm", callback); status != http.StatusForbidden || problem["code"] != string(certify.CodeAttemptMissing) {
		t.Errorf("another browser: %d %v", status, problem["code"])
	}
	status, answer := s.post("/confirm", callback)
	claim, _ := answer["claim"].(map[string]any)
	if status != http.StatusOK || claim["birth_year"] != 1990.0 {
		t.Errorf("the callback: %d", status)
	}
}

// TestHandlerWithOwnForm follows the package documentation's four steps.
func TestHandlerWithOwnForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, ctx, r := newProvider(t, s.cfg), t.Context(), s.sendRequest(sandbox.Adult)
	id := s.begin()
	if err := p.Send(ctx, id, r); err != nil {
		t.Fatal(err)
	}
	if err := p.Confirm(ctx, id, s.server.SentCode(r.PhoneNumber)); err != nil {
		t.Fatal(err)
	}
	callback := `{"identityVerificationId":"` + id + `"}`
	thief := newSite(t)
	thief.url = s.url
	thief.begin()
	if status, _ := thief.post("/confirm", callback); status != http.StatusForbidden {
		t.Errorf("another browser: %d", status)
	}
	if status, answer := s.post("/confirm", callback); status != http.StatusOK || answer["claim"] == nil {
		t.Errorf("the callback: %d", status)
	}
}
