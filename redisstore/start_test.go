package redisstore_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify/redisstore"
)

// starts opens a store, which must succeed at the first try and in time.
func starts(t *testing.T, cfg redisstore.Config) *redisstore.Store {
	t.Helper()
	began := time.Now()
	s, err := redisstore.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if took := time.Since(began); took > patience/2 {
		t.Errorf("New took %s", took)
	}
	return s
}

// An instance starts while its Redis is away, refuses everything at once, and
// works when Redis is back.
func TestStartWithoutRedis(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ away, back func(*server) }{
		"gone":   {(*server).kill, (*server).restart},
		"silent": {(*server).stop, (*server).cont},
	} {
		for _, admit := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				redis := redisServer(t, "--appendonly", "yes")
				redis.do("SET", "certify:revoked:out", "1")
				book := newLogbook()
				cfg := config(redis.addr)
				cfg.Timeout, cfg.Logger, cfg.InsecureAdmitWhenDown = timeout, slog.New(book), admit
				var unchecked atomic.Int64
				if admit {
					cfg.Unchecked = func(context.Context, error) { unchecked.Add(1) }
				}
				row.away(redis)
				s := starts(t, cfg)
				late := newLateness(t)
				for range 20 {
					began := time.Now()
					_, ok, err := s.Get(t.Context(), "revoked:out")
					if ok || (err == nil) != admit || late.beyond(time.Since(began), 0) {
						t.Fatalf("a lookup: %t, %v after %s", ok, err, time.Since(began))
					}
					admitsNothingElse(t, s)
				}
				if n := unchecked.Load(); admit != (n == 20) {
					t.Errorf("%d of 20 lookups were reported as unchecked", n)
				}
				if n := book.count("no connection to Redis"); n != 1 {
					t.Errorf("the log says %d times that there is no connection", n)
				}
				row.back(redis)
				heard(t, s, "revoked:out", "1", time.Now())
				takes(t, s, "attempt:a", "mine")
				eventually(t, "it says that it is connected", func() bool { return book.count("connected to Redis") == 1 })
			})
		}
	}
}

// The names of hosts that are not found, and ports where nobody listens, may be
// there later.
func TestStartWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closing := newFakeRedis(t, map[string]string{"HELLO": ""})
	loading := newFakeRedis(t, map[string]string{"SET": "-LOADING Redis is loading the dataset in memory\r\n"})
	crowded := newFakeRedis(t, map[string]string{"HELLO": "-ERR max number of clients reached\r\n"})
	for name, row := range map[string]struct{ addr, says string }{
		"nobody listens":             {"127.0.0.1:" + freePort(t), "refused"},
		"nobody answers":             {silent.Addr().String(), ""},
		"no such host":               {"redis.invalid:6379", "redis.invalid"},
		"a proxy that hangs up":      {closing.addr, "RESP2"},
		"a Redis that loads":         {loading.addr, "LOADING"},
		"a Redis with many visitors": {crowded.addr, "max number of clients"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(row.addr)
			cfg.Timeout = timeout
			s := starts(t, cfg)
			if _, _, err := s.Get(t.Context(), "revoked:a"); err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("a lookup: %v", err)
			}
		})
	}
	cfg := config("redis.internal")
	cfg.Timeout = timeout
	refused(t, "an address without a port", cfg, "missing port")
}

// A Redis that turns out to be unfit when it is there at last is told to the
// operator, and is not used. It is, once it was mended.
func TestStartFindsAnUnfitRedis(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	redis.kill()
	book := newLogbook()
	cfg := config(redis.addr)
	cfg.Timeout, cfg.Logger, cfg.InsecureAdmitWhenDown = timeout, slog.New(book), true
	s := starts(t, cfg)
	get(t, s, "revoked:a", false)
	redis.args = append(redis.args, "--maxmemory-policy", "allkeys-lru")
	redis.restart()
	eventually(t, "the fault is told", func() bool { return book.count("operator fault: this Redis cannot be used") == 1 })
	for range 20 {
		if _, _, err := s.Get(t.Context(), "revoked:a"); err == nil || !strings.Contains(err.Error(), "noeviction") {
			t.Fatalf("an unfit Redis is used, or taken for one that is down: %v", err)
		}
		admitsNothingElse(t, s)
	}
	redis.do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	takes(t, s, "attempt:a", "mine")
	if n := book.count("operator fault"); n != 1 {
		t.Errorf("the fault was told %d times", n)
	}
}

// A full Redis answers gates from the start, and is checked to the end when it
// takes writes.
func TestStartWithAFullRedis(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	redis.do("SET", "certify:revoked:out", "1")
	redis.do("CONFIG", "SET", "maxmemory", "1")
	book := newLogbook()
	cfg := config(redis.addr)
	cfg.Logger = slog.New(book)
	s := starts(t, cfg)
	get(t, s, "revoked:out", true)
	get(t, s, "revoked:a", false)
	if _, err := (patient{t, s}).PutIfAbsent(t.Context(), "attempt:a", "v", time.Hour); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("PutIfAbsent into a full Redis: %v", err)
	}
	if book.count("Redis takes no writes") != 1 || book.count("version 7") != 0 {
		t.Errorf("what the log says of a full Redis:\n%s", book.text.String())
	}
	redis.do("CONFIG", "SET", "maxmemory", "0")
	takes(t, s, "attempt:a", "mine")
	eventually(t, "it says that Redis takes writes", func() bool { return book.count("takes writes again") == 1 })
}

// A server that was full when it was first seen may still be none that is fit.
func TestFullRedisIsCheckedLater(t *testing.T) {
	t.Parallel()
	full := newFakeRedis(t, map[string]string{"SET": "-OOM command not allowed when used memory > 'maxmemory'.\r\n"})
	book := newLogbook()
	cfg := config(full.addr)
	cfg.Logger, cfg.Timeout, cfg.InsecureAdmitWhenDown = slog.New(book), timeout, true
	s := starts(t, cfg)
	get(t, s, "revoked:a", false)
	full.change(map[string]string{"SET": "+OK\r\n"})
	eventually(t, "the fault is told", func() bool { return book.count("operator fault: this Redis cannot be used") == 1 })
	if _, _, err := s.Get(t.Context(), "revoked:a"); err == nil || !strings.Contains(err.Error(), "does not tell what stands") {
		t.Errorf("it is used: %v", err)
	}
}

// Close ends an instance that never had a connection.
func TestCloseBeforeThereIsRedis(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(*server){"gone": (*server).kill, "silent": (*server).stop} {
		redis := redisServer(t)
		away(redis)
		cfg := config(redis.addr)
		cfg.Timeout = timeout
		s := starts(t, cfg)
		late, began := newLateness(t), time.Now()
		s.Close()
		if took := time.Since(began); late.beyond(took, 5*time.Second) {
			t.Errorf("%s: Close took %s", name, took)
		}
		if _, _, err := s.Get(t.Context(), "revoked:a"); err == nil {
			t.Errorf("%s: a closed store answers", name)
		}
	}
}

func TestPersistenceWarning(t *testing.T) {
	t.Parallel()
	const warns = "Redis has no append-only file"
	for name, row := range map[string]struct {
		aof  string
		warn int
	}{"appendonly no": {"no", 1}, "appendonly yes": {"yes", 0}} {
		redis := redisServer(t, "--appendonly", row.aof)
		_, book := openWarm(t, config(redis.addr), 1)
		if n := book.count(warns); n != row.warn {
			t.Errorf("%s: it warns %d times", name, n)
		}
		if row.warn == 1 && book.count("no snapshot since") != 1 {
			t.Errorf("%s: it does not say that there was no snapshot", name)
		}
	}
	redis := redisServer(t)
	redis.do("SAVE")
	if _, book := openWarm(t, config(redis.addr), 1); book.count("since the last snapshot") != 1 {
		t.Error("it does not say that there was a snapshot")
	}
	book := newLogbook()
	cfg := config(newFakeRedis(t, nil).addr) // which hides these fields
	cfg.Logger = slog.New(book)
	starts(t, cfg)
	if book.count(warns) != 0 {
		t.Error("it judges what it cannot see")
	}
}
