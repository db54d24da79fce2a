package main

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSettingsOfSeveralProcesses(t *testing.T) {
	t.Parallel()
	none, whole := map[string]string{}, realSet(t)
	shared := with(whole, "IMP_INSECURE_BASE_URL", "http://127.0.0.1:8787")
	for _, tt := range []struct {
		name string
		args string
		env  map[string]string
		err  string // "" if it works
	}{
		{"a Redis", "-redis 127.0.0.1:6379", none, ""},
		{"a Redis elsewhere", "-redis redis.internal:6379", whole, ""},
		{"a Redis without a port", "-redis redis.internal", none, "-redis \"redis.internal\" is not host:port"},
		{"a shared sandbox", "", shared, ""},
		{"a shared sandbox, with an origin here", "", with(shared, "ORIGIN", "http://127.0.0.1:80"), ""},
		{"a shared sandbox and nothing else", "", with(none, "IMP_INSECURE_BASE_URL", "http://127.0.0.1:8787"), "IMP_INSECURE_BASE_URL set, but not IMP_CODE"},
		{"a shared sandbox elsewhere", "", with(whole, "IMP_INSECURE_BASE_URL", "http://sandbox.example"), "IMP_INSECURE_BASE_URL is for a sandbox on this machine"},
		{"a shared sandbox, oddly", "", with(whole, "IMP_INSECURE_BASE_URL", "https://127.0.0.1"), "IMP_INSECURE_BASE_URL is for a sandbox on this machine"},
		{"a shared sandbox for everybody", "-addr :8080", with(shared, "ORIGIN", "http://127.0.0.1:8080"), "is not a loopback address"},
		{"a shared sandbox under another's name", "", with(shared, "ORIGIN", "https://wine.example"), "ORIGIN is not on this machine"},
	} {
		_, err := readSettings(strings.Fields(tt.args), lookup(tt.env), io.Discard)
		switch {
		case tt.err == "" && err != nil:
			t.Errorf("%s: refused: %v", tt.name, err)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		}
	}
}

// A shop opens while its Redis is away, and gates answer 503 until it is there.
// One that cannot use its Redis does not open.
func TestARedisThatIsNotThere(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	v := f.caller()
	v.pass()
	v.client.Transport = nil // which is not polite
	f.redis.end(syscall.SIGKILL)
	f.shops[0].end(syscall.SIGKILL)
	f.shops[0].start()
	at := v.at(0)
	if a := at.open("/"); a.StatusCode != http.StatusOK {
		t.Errorf("the open page without Redis: status %d", a.StatusCode)
	}
	if a := at.open("/cellar"); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("a gated page without Redis: status %d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
	}
	f.redis.start()
	for began := time.Now(); at.open("/cellar").StatusCode != http.StatusOK; <-time.After(5 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("it does not come back")
		}
	}
}

func TestARedisThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	redis := &process{t: t, addr: freeAddr(t), ready: listens}
	_, port, _ := net.SplitHostPort(redis.addr)
	path, dir := needBinary(t, "redis-server"), t.TempDir()
	redis.make = func() *exec.Cmd {
		return exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--maxmemory-policy", "allkeys-lru", "--logfile", filepath.Join(dir, "redis.log"))
	}
	redis.start()
	t.Cleanup(func() { redis.end(syscall.SIGKILL) })
	p := program{getenv: lookup(nil), stdout: io.Discard, logger: quiet(), now: realClock}
	err := p.run(t.Context(), []string{"-addr", "127.0.0.1:0", "-sandbox", "127.0.0.1:0", "-redis", redis.addr})
	if err == nil || !strings.Contains(err.Error(), "noeviction") {
		t.Errorf("it opens: %v", err)
	}
}
