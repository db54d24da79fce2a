package certifytest

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// NewSessions makes Sessions for a test. What cfg leaves out it makes up: an
// Origin, "https://app.example", a key of this run alone, and a Logger that
// writes to t's output.
func NewSessions(t testing.TB, cfg certify.SessionConfig) *certify.Sessions {
	t.Helper()
	if cfg.Origin == "" {
		cfg.Origin = "https://app.example"
	}
	if cfg.Keys == nil {
		cfg.Keys = newKeys(t)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	s, err := certify.NewSessions(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newKeys(t testing.TB) *certify.Keys {
	t.Helper()
	line, err := certify.GenerateKey("HS256")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := certify.ParseKeys(line)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// A Clock stands still until it is told to go on. Its Now is for
// [certify.SessionConfig] and [NewSandbox]. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that shows at.
func NewClock(at time.Time) *Clock { return &Clock{now: at} }

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance lets d pass; a negative d turns the clock back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
