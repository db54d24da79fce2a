package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

// A moving shop is stopped and started again with other providers, and keeps
// its keys, its pepper and its members.
type movingShop struct {
	t      *testing.T
	vendor *sandbox.Server
	env    map[string]string
	db     string
	stop   func()
}

func newMovingShop(t *testing.T) *movingShop {
	t.Helper()
	vendor, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	box := httptest.NewServer(vendor)
	t.Cleanup(box.Close)
	env := realSetOfBoth(t)
	for name, value := range map[string]string{
		"IMP_CODE": sandbox.DefaultCode, "IMP_KEY": sandbox.DefaultKey, "IMP_SECRET": sandbox.DefaultSecret,
		"PORTONE_STORE_ID": sandbox.DefaultStoreID, "PORTONE_API_SECRET": sandbox.DefaultAPISecret,
		"PORTONE_CHANNEL_KEYS": sandbox.ChannelKeyDanal, "IMP_INSECURE_BASE_URL": box.URL, "ORIGIN": "http://127.0.0.1:8080",
	} {
		env[name] = value
	}
	m := &movingShop{t: t, vendor: vendor, env: env, db: filepath.Join(t.TempDir(), "members.db"), stop: func() {}}
	t.Cleanup(func() { m.stop() })
	return m
}

// start starts the shop anew, and returns where it listens.
func (m *movingShop) start(providers string) (url string) {
	m.t.Helper()
	m.stop()
	l, err := listenLoopback("127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	args := []string{"-addr", l.Addr().String(), "-db", m.db, "-provider", providers}
	cfg, err := readSettings(args, lookup(m.env), &output{written: make(chan struct{}, 1)})
	if err != nil {
		m.t.Fatal(err)
	}
	p := program{stdout: &output{written: make(chan struct{}, 1)}, logger: slog.New(slog.DiscardHandler), now: time.Now}
	shop := shopConfig{keys: cfg.real.keys, pepper: cfg.real.pepper, origin: cfg.origin}
	if err := cfg.real.furnish(&shop, cfg.providers, p.now); err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.open(ctx, cfg, l, shop) }()
	m.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			m.t.Error(err)
		}
		m.stop = func() {}
	}
	return "http://" + l.Addr().String()
}

func (m *movingShop) visitor(provider string) *visitor {
	return (&stand{t: m.t, provider: provider}).visitor()
}

// Somebody who begins to sign up before the move ends after it, and is the
// same member to both providers.
func TestMovingToV2(t *testing.T) {
	t.Parallel()
	m := newMovingShop(t)
	v := m.visitor(v1)
	v.shop = m.start("iamport")
	result, err := m.vendor.Verify(sandbox.Verification{MerchantUID: v.begin(signUp), Person: sandbox.Adult})
	if err != nil {
		t.Fatal(err)
	}
	v.shop = m.start("portone,iamport")
	want(t, "the callback of before", v.confirm(result.ImpUID), http.StatusOK)
	want(t, "the member", v.open("/me"), http.StatusOK, "회원 번호 1번")

	w := m.visitor(v2)
	w.shop = v.shop
	for n, person := range []string{sandbox.Adult, sandbox.Foreigner} {
		id := w.begin(signUp)
		if _, err := m.vendor.VerifyIdentity(sandbox.IdentityVerification{ID: id, Person: person}); err != nil {
			t.Fatal(err)
		}
		want(t, person+" on V2", w.confirm(id), http.StatusOK)
		want(t, person+" on V2", w.open("/me"), http.StatusOK, "회원 번호 "+string(rune('1'+n))+"번")
		want(t, "signing out", w.send("/signout", ""), http.StatusSeeOther)
	}

	v.shop = m.start("portone")
	want(t, "the member, with V1 gone", v.open("/me"), http.StatusOK, "회원 번호 1번")
	if a := v.post("/certifications/attempts", "{}"); !strings.Contains(a.body, "/v2/browser-sdk.js") || strings.Contains(a.body, "merchant_uid") {
		t.Errorf("a new attempt is not V2's: %s", a.body)
	}
}
