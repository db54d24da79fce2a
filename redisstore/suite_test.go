package redisstore_test

import (
	"crypto/rand"
	"strings"
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
			Store: patient{t, here}, Peer: patient{t, elsewhere},
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

// anyBytes are keys that the contract of Store does not ask for: Redis takes
// them, and a cluster reads braces in them.
func anyBytes() []string {
	keys := []string{"\x00\x00", "\xff\xfe", "\xed\xa0\x80", "키", "a b", "a\r\nb", "$3\r\nfoo\r\n", "{}", "{a}b", "{a}c", "{\x00}", "}{", "a{", strings.Repeat("k", 4096)}
	for b := range 256 {
		keys = append(keys, string([]byte{byte(b)}), string([]byte{'x', byte(b), 'x'}))
	}
	return keys
}

// takesAnyBytes wants the keys kept apart and found, here and elsewhere, those
// that are remembered and those that are not.
func takesAnyBytes(t *testing.T, cfg redisstore.Config, nodes int) {
	t.Helper()
	cfg.Prefix = "bytes:" + rand.Text() + ":"
	one, _ := openWarm(t, cfg, nodes)
	other, _ := openWarm(t, cfg, nodes)
	here, elsewhere := patient{t, one}, patient{t, other}
	for _, prefix := range []string{"", "revoked:", "account:"} {
		for _, key := range anyBytes() {
			key = prefix + key
			if got, ok, err := here.Get(t.Context(), key); ok || err != nil {
				t.Errorf("Get(%.40q) = %.40q, %t, %v before it was put", key, got, ok, err)
			}
			if stands, err := here.PutIfAbsent(t.Context(), key, key+"\x00", time.Hour); stands != key+"\x00" || err != nil {
				t.Errorf("PutIfAbsent(%.40q) = %.40q, %v", key, stands, err)
			}
		}
		for _, key := range anyBytes() {
			key = prefix + key
			heard(t, other, key, key+"\x00", time.Now())
			if stands, err := elsewhere.PutIfAbsent(t.Context(), key, "late", time.Hour); stands != key+"\x00" || err != nil {
				t.Errorf("PutIfAbsent(%.40q) elsewhere = %.40q, %v", key, stands, err)
			}
			if err := elsewhere.Put(t.Context(), key, "\xff"+key, time.Hour); err != nil {
				t.Errorf("Put(%.40q): %v", key, err)
			}
			heard(t, one, key, "\xff"+key, time.Now())
		}
	}
}

func TestKeysOfAnyBytes(t *testing.T) {
	t.Parallel()
	takesAnyBytes(t, config(redisServer(t).addr), 1)
}
