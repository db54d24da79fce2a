package certify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
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
