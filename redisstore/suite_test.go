package redisstore_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/certify-go/certify/certifytest"
	"github.com/certify-go/certify/redisstore"
)

// conform runs the suite for two processes that share a Redis: each store that
// it opens has a prefix of its own.
func conform(t *testing.T, cfg redisstore.Config, servers ...*server) {
	t.Helper()
	certifytest.StoreSuite(t, func(t testing.TB) certifytest.StoreSubject {
		cfg := cfg
		cfg.Prefix = "suite:" + rand.Text() + ":"
		here, _ := openWarm(t, cfg, len(servers))
		elsewhere, _ := openWarm(t, cfg, len(servers))
		return certifytest.StoreSubject{
			Store: here, Peer: elsewhere,
			Advance: func(d time.Duration) { fastForward(t, cfg.Prefix, d, servers...) },
		}
	})
}

func TestSuite(t *testing.T) {
	t.Parallel()
	s := redisServer(t)
	for name, change := range map[string]func(*redisstore.Config){
		"as it comes":   func(*redisstore.Config) {},
		"without cache": func(cfg *redisstore.Config) { cfg.CacheEntries = -1 },
		"a tiny cache":  func(cfg *redisstore.Config) { cfg.CacheEntries = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(s.addr)
			cfg.Timeout = redisstore.MaxTimeout // of a thousand callers on a busy machine
			change(&cfg)
			conform(t, cfg, s)
		})
	}
}
