package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// realSet is a whole set for the real service. Nothing in it is anybody's.
func realSet(t testing.TB) map[string]string {
	t.Helper()
	key, err := certify.GenerateKey("EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"IMP_CODE": "imp99999999", "IMP_KEY": "key-of-a-test", "IMP_SECRET": "secret-of-a-test", "IMP_PG": "danal, inicis_unified",
		"CERTIFY_KEYS": key, "CERTIFY_PEPPER": certify.GeneratePepper(),
	}
}

func lookup(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestHalfASetNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	whole := realSet(t)
	for name := range whole {
		env := maps.Clone(whole)
		env[name] = " "
		_, err := readSettings(nil, lookup(env), io.Discard)
		if err == nil || !strings.Contains(err.Error(), "but not "+name+":") {
			t.Errorf("without %s: %v", name, err)
		}
		only := map[string]string{name: whole[name]}
		_, err = readSettings(nil, lookup(only), io.Discard)
		if err == nil || !strings.HasPrefix(err.Error(), name+" set, but not ") {
			t.Errorf("with only %s: %v", name, err)
		}
		for value := range maps.Values(whole) {
			if err != nil && strings.Contains(err.Error(), value) {
				t.Errorf("with only %s: the error repeats a value", name)
			}
		}
	}
}

// with is env with one variable more, or another value of it.
func with(env map[string]string, name, value string) map[string]string {
	env = maps.Clone(env)
	env[name] = value
	return env
}

func TestSettings(t *testing.T) {
	t.Parallel()
	none, whole := map[string]string{}, realSet(t)
	tests := []struct {
		name string
		args string
		env  map[string]string
		err  string // "" if it works
	}{
		{"nothing", "", none, ""},
		{"another loopback", "-addr [::1]:9000 -sandbox localhost:0", none, ""},
		{"every address, sandboxed", "-addr :8080", none, "-addr \":8080\" is not a loopback address"},
		{"any address, sandboxed", "-addr 0.0.0.0:8080", none, "-addr \"0.0.0.0:8080\" is not a loopback address"},
		{"another machine's address, sandboxed", "-addr 192.0.2.1:8080", none, "is not a loopback address"},
		{"a name, sandboxed", "-addr wine.example:8080", none, "is not a loopback address"},
		{"no port", "-addr 127.0.0.1", none, "is not host:port"},
		{"the sandbox for everybody", "-sandbox 0.0.0.0:8787", none, "-sandbox \"0.0.0.0:8787\" is not a loopback address"},
		{"an origin elsewhere, sandboxed", "", with(none, "ORIGIN", "https://wine.example"), "ORIGIN is not on this machine"},
		{"an origin here, sandboxed", "", with(none, "ORIGIN", "http://localhost:8080"), ""},
		{"an argument", "serve", none, "unexpected argument \"serve\""},
		{"the whole set", "", whole, ""},
		{"the whole set for everybody", "-addr :8080", whole, "ORIGIN is missing"},
		{"the whole set for everybody, with an origin", "-addr :8080", with(whole, "ORIGIN", "https://wine.example"), ""},
		{"the whole set and a sandbox", "-sandbox 127.0.0.1:1", whole, "-sandbox is for the sandbox"},
		{"the whole set without a port", "-addr 127.0.0.1", whole, "is not host:port"},
		{"bad keys", "", with(whole, "CERTIFY_KEYS", "hunter2"), "CERTIFY_KEYS: "},
		{"a bad pepper", "", with(whole, "CERTIFY_PEPPER", "hunter2"), "CERTIFY_PEPPER: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := readSettings(strings.Fields(tt.args), lookup(tt.env), io.Discard)
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("error %v, want %q", err, tt.err)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Error("the error repeats the secret")
			case err == nil && (cfg.real != nil) != (len(tt.env) > 1):
				t.Errorf("real service: %v", cfg.real != nil)
			}
		})
	}
}

func TestSettingsPrintWithoutSecrets(t *testing.T) {
	t.Parallel()
	cfg, err := readSettings(nil, lookup(realSet(t)), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%+v %#v %+v %#v", cfg, cfg, cfg.real, cfg.real); strings.Contains(text, "secret-of-a-test") || !strings.HasSuffix(text, "[redacted] [redacted]") {
		t.Errorf("printed: %s", text)
	}
}

func TestRunRefusesAnythingButLoopback(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"-addr", "0.0.0.0:0"}, lookup(nil), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("run: %v", err)
	}
}

func TestTheDefaultSandboxPortMayBeTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	said := &output{written: make(chan struct{}, 1)}
	cfg := settings{sandboxAddr: taken.Addr().String()}
	free, err := program{stdout: said}.listenSandbox(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	if !strings.Contains(said.String(), cfg.sandboxAddr+" is taken") {
		t.Errorf("said %q", said)
	}
	cfg.sandboxChosen = true
	if l, err := (program{stdout: said}).listenSandbox(cfg); err == nil {
		l.Close()
		t.Error("another port than the chosen one was taken")
	}
}

// What "localhost" is, the machine's resolver says.
func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	t.Parallel()
	if l, err := listenLoopback("0.0.0.0:0"); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("listening on %v: %v", l.Addr(), err)
	}
}

// Whoever is being answered when the shop closes gets the answer.
func TestClosingLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	closing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stop()
		for { // until nobody new is let in
			conn, err := net.Dial("tcp", address)
			if err != nil {
				_, _ = io.WriteString(w, "good night")
				return
			}
			conn.Close()
			if r.Context().Err() != nil {
				return
			}
		}
	})
	ended := make(chan error, 1)
	go func() { ended <- program{logger: slog.New(slog.DiscardHandler)}.serve(ctx, listener, closing) }()
	client := http.Client{Timeout: patience}
	res, err := client.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); err != nil || string(text) != "good night" {
		t.Errorf("the answer is %q: %v", text, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestCookiesOnHTTPS(t *testing.T) {
	t.Parallel()
	s := newTestShop(t, "https://wine.example")
	w := httptest.NewRecorder()
	born, err := certify.ParseBirthDate("1990-05-15", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	id := &certify.Identity{Purpose: signUp, CI: strings.Repeat("c", 88), BirthDate: born}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if _, err := s.accept(r, id); err != nil {
		t.Fatal(err)
	}
	if err := s.signIn(w, r, id, "1"); err != nil {
		t.Fatal(err)
	}
	c := w.Result().Cookies()
	if len(c) != 1 || c[0].Name != "__Host-moonlight" || !c[0].Secure || !c[0].HttpOnly || c[0].Domain != "" || c[0].Path != "/" {
		t.Errorf("the login cookie is %v", c)
	}
}

func TestTheShopNeedsAGoodOrigin(t *testing.T) {
	t.Parallel()
	env := realSet(t)
	env["ORIGIN"] = "http://wine.example"
	err := run(t.Context(), []string{"-addr", "127.0.0.1:0", "-db", filepath.Join(t.TempDir(), "members.db")}, lookup(env), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "Origin is plain http") {
		t.Errorf("run: %v", err)
	}
	env["ORIGIN"], env["IMP_PG"] = "https://wine.example", "paypal"
	err = run(t.Context(), []string{"-addr", "127.0.0.1:0"}, lookup(env), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "PGProviders") {
		t.Errorf("run: %v", err)
	}
}
