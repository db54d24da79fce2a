package main

import (
	"io"
	"strings"
	"testing"
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

// A shop that cannot reach the Redis it was given does not open: it would
// remember by itself what the others must know.
func TestARedisThatIsNotThere(t *testing.T) {
	t.Parallel()
	p := program{getenv: lookup(nil), stdout: io.Discard, logger: quiet(), now: realClock}
	err := p.run(t.Context(), []string{"-addr", "127.0.0.1:0", "-sandbox", "127.0.0.1:0", "-redis", "127.0.0.1:1"})
	if err == nil || !strings.Contains(err.Error(), "redisstore: ") {
		t.Errorf("it opens: %v", err)
	}
}
