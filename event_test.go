package certify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var events []certify.Event
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
		c.Event = func(_ context.Context, e certify.Event) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, e)
		}
	}}).browser()
	b.get("/cellar")
	b.pass()
	b.post("/certifications", `{"imp_uid":"imp_404"}`)
	b.provider.fail = func(string) error {
		return &certify.ProviderError{Code: certify.CodeProviderMisconfigured, Detail: "getToken: HTTP 401"}
	}
	b.post("/certifications", `{"imp_uid":"imp_401"}`)
	b.post("/certifications/logout", "")

	var kinds []string
	for _, e := range events {
		kinds = append(kinds, strings.TrimSpace(string(e.Kind)+" "+string(e.Code)))
		if !e.Time.Equal(noon) {
			t.Errorf("%s at %s", e.Kind, e.Time)
		}
		if slices.Contains([]certify.EventKind{certify.EventVerified, certify.EventIssued}, e.Kind) && (e.Txn == "" || e.Provider != "fake") {
			t.Errorf("%s without txn or provider: %+v", e.Kind, e)
		}
		noSecrets(t, "an event", fmt.Sprintf("%+v", e))
	}
	want := []string{"denied verification_required", "started", "verified", "issued", "refused verification_refused", "operator_fault provider_misconfigured", "revoked"}
	if !slices.Equal(kinds, want) {
		t.Errorf("events\n%q, want\n%q", kinds, want)
	}
}

// A fault that every visitor meets is logged once, and again when it lasts.
func TestFaultsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.begin("/")
	b.provider.fail = func(string) error {
		return &certify.ProviderError{Code: certify.CodeProviderMisconfigured, Detail: "getToken: HTTP 401"}
	}
	for range 5 {
		b.post("/certifications", `{"imp_uid":"imp_1"}`)
	}
	if n := strings.Count(b.log.String(), "operator_fault"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	b.wait(11 * time.Minute)
	b.post("/certifications", `{"imp_uid":"imp_1"}`)
	if n := strings.Count(b.log.String(), "level=ERROR"); n != 2 {
		t.Errorf("logged %d times after ten minutes", n)
	}
}

func TestPersonalDataRedactsItself(t *testing.T) {
	t.Parallel()
	id := certify.Identity{
		Name: secretName, Phone: secretPhone, CI: secretCI, DI: secretDI, BirthDate: born(t, "1990-03-14", noon),
	}
	keys := testKeys(t)
	for _, v := range []any{id, &id, id.BirthDate, &id.BirthDate, keys, []certify.Identity{id}, map[string]any{"id": id}, struct{ B certify.BirthDate }{id.BirthDate}} {
		var out strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		noSecrets(t, fmt.Sprintf("%T", v), out.String())
		for _, secret := range []string{"1990", "7c6", "AAAA", "[0 0 0"} {
			if strings.Contains(out.String(), secret) {
				t.Errorf("%T prints %q: %s", v, secret, out.String())
			}
		}
	}
}

// Of an error of the app's the log has all that names nobody: two faults are
// told apart, and the person stays out.
func TestFaultsOfAcceptNameTheirTypes(t *testing.T) {
	t.Parallel()
	var fault error
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "", fault }
	}}).browser()
	b.provider.verify("imp_1", b.begin("/"))
	down := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	deep := errors.New(secretName)
	for range 20 {
		deep = fmt.Errorf("of %s: %w", secretName, deep)
	}
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"plain", &net.OpError{Op: secretName}, "an error of type *net.OpError\""},
		{"wrapped", fmt.Errorf("of %s: %w", secretName, down), "an error of type *fmt.wrapError around *net.OpError around *os.SyscallError around syscall.Errno\""},
		{"joined", errors.Join(errors.New(secretName), &os.PathError{}), "an error of type *errors.joinError of *errors.errorString, *fs.PathError\""},
		{"joined, one wrapped", fmt.Errorf("%w, %w", fmt.Errorf("of %s: %w", secretName, down), os.ErrClosed), "an error of type *fmt.wrapErrors of *fmt.wrapError around *net.OpError around *os.SyscallError around syscall.Errno, *errors.errorString\""},
		{"of nothing", fmt.Errorf("of %s: %w", secretName, nil), "an error of type *fmt.wrapError\""},
		{"wrapped twenty times", deep, strings.Repeat(" around *fmt.wrapError", 9) + "\""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fault = tc.err
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 500 {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			if !strings.Contains(b.log.String(), tc.want) {
				t.Errorf("the log has no %q:\n%s", tc.want, b.log.String())
			}
		})
	}
}

// A visitor who leaves ends the app's query, too: that is no fault. Where the
// app's deadline ends it, the database may be down.
func TestAVisitorWhoLeftIsNoFault(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		ends func(ctx context.Context, leave func())
		want certify.EventKind
	}{
		{"who stays", func(context.Context, func()) {}, certify.EventFault},
		{"who leaves", func(_ context.Context, leave func()) { leave() }, certify.EventRefused},
		{"whom a deadline ends", func(ctx context.Context, _ func()) { <-ctx.Done() }, certify.EventFault},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, leave := context.WithTimeout(t.Context(), time.Minute)
				defer leave()
				kinds := callbackEvents(ctx, t, func() error {
					tc.ends(ctx, leave)
					return errors.New("the query was ended")
				})
				if !slices.Equal(kinds, []certify.EventKind{tc.want}) {
					t.Errorf("%q, want %q", kinds, tc.want)
				}
			})
		})
	}
}

// callbackEvents are what the operator hears of a callback whose Accept fails.
func callbackEvents(ctx context.Context, t *testing.T, accept func() error) (kinds []certify.EventKind) {
	t.Helper()
	s := quiet(t, func(c *certify.SessionConfig) {
		c.Event = func(_ context.Context, e certify.Event) {
			if e.Code == certify.CodeInternal {
				kinds = append(kinds, e.Kind)
			}
		}
	})
	provider := &fakeProvider{now: func() time.Time { return noon }}
	h, err := certify.NewHandler(certify.HandlerConfig{
		Sessions: s, Provider: provider, Pepper: testPepper,
		Accept: func(*http.Request, *certify.Identity) (string, error) { return "", accept() },
	})
	if err != nil {
		t.Fatal(err)
	}
	start := httptest.NewRecorder()
	h.ServeHTTP(start, httptest.NewRequest("POST", "/certifications/attempts", nil))
	attempt := start.Result().Cookies()[0]
	provider.verify("imp_1", strings.TrimPrefix(attempt.Name, "__Host-certify-attempt-"))
	r := httptest.NewRequestWithContext(ctx, "GET", "/certifications/redirect?imp_uid=imp_1", nil)
	r.AddCookie(attempt)
	h.ServeHTTP(httptest.NewRecorder(), r)
	return kinds
}
