package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify/redisstore"
)

func TestAdmitWhenDown(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(*server){"gone": (*server).kill, "silent": (*server).stop} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redisServer(t)
			var unchecked atomic.Int64
			var why atomic.Pointer[error]
			cfg := config(redis.addr)
			cfg.Timeout, cfg.InsecureAdmitWhenDown = timeout, true
			cfg.Unchecked = func(_ context.Context, err error) { unchecked.Add(1); why.Store(&err) }
			s, _ := openWarm(t, cfg, 1)
			eventually(t, "something is revoked", func() bool { return s.Put(t.Context(), "revoked:out", "1", time.Hour) == nil })
			eventually(t, "it is found, and not passed unchecked", func() bool {
				before := unchecked.Load()
				_, ok, err := s.Get(t.Context(), "revoked:out")
				return ok && err == nil && unchecked.Load() == before
			})
			away(redis)
			eventually(t, "a revocation is forgotten", func() bool {
				_, ok, err := s.Get(t.Context(), "revoked:out")
				if err != nil {
					t.Fatal(err)
				}
				return !ok
			})
			if unchecked.Load() == 0 || why.Load() == nil {
				t.Error("nobody heard of it")
			}
			get(t, s, "account:any", false)
			admitsNothingElse(t, s)
			s.Close()
			before := unchecked.Load()
			if _, ok, err := s.Get(t.Context(), "revoked:out"); ok || err == nil || unchecked.Load() != before {
				t.Errorf("a closed store admits: %v", err)
			}
		})
	}
}

// That a visitor leaves is no sign that Redis is down.
func TestWhoLeavesIsNotAdmitted(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	cfg := config(redis.addr)
	cfg.InsecureAdmitWhenDown, cfg.Timeout = true, redisstore.MaxTimeout-time.Second
	cfg.Unchecked = func(context.Context, error) {}
	s, _ := openWarm(t, cfg, 1)
	for round := range 20 { // until a visitor leaves before the silence is known
		redis.stop()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(timeout/10, cancel)
		_, _, err := s.Get(ctx, fmt.Sprint("revoked:", round))
		known := s.Silent("revoked:a")
		redis.cont()
		switch {
		case errors.Is(err, context.Canceled):
			return
		case !known:
			t.Fatalf("a visitor who left is told: %v", err)
		}
		eventually(t, "it answers again", func() bool { return !s.Silent("revoked:a") })
	}
	t.Error("the silence was known too early in each of 20 rounds")
}

// A Redis that is up and refuses is not down: it may have taken a permission
// away by mistake, and nobody would notice that everybody passes.
func TestAdmitWhenDownOnly(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	cfg := redis.as("certify", permissions)
	cfg.Timeout, cfg.InsecureAdmitWhenDown = redisstore.MaxTimeout/2, true
	cfg.Unchecked = func(_ context.Context, err error) {
		if strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("Redis refuses a lookup, and it passes: %v", err)
		}
	}
	s, _ := openWarm(t, cfg, 1)
	redis.do("ACL", "SETUSER", "certify", "-get")
	eventually(t, "the refusal is told", func() bool { // on a slow machine Redis may seem to be down
		_, _, err := s.Get(t.Context(), "revoked:a")
		return t.Failed() || err != nil && strings.Contains(err.Error(), "NOPERM")
	})
	for says, down := range map[string]bool{
		"LOADING Redis is loading the dataset in memory": true, "CLUSTERDOWN The cluster is down": true, "MASTERDOWN Link with MASTER is down": true,
		"WRONGTYPE Operation against a key": false, "NOAUTH Authentication required.": false, "ERR unknown": false,
	} {
		if redisstore.SaysDown(says) != down {
			t.Errorf("%s: down is %t", says, !down)
		}
	}
}

// admitsNothingElse wants everything but lookups of revocations to fail.
func admitsNothingElse(t *testing.T, s *redisstore.Store) {
	t.Helper()
	if _, _, err := s.Get(t.Context(), "attempt:a"); err == nil {
		t.Error("Get of an attempt is answered")
	}
	if _, err := s.PutIfAbsent(t.Context(), "attempt:a", "v", time.Minute); err == nil {
		t.Error("PutIfAbsent is confirmed")
	}
	if s.Put(t.Context(), "revoked:b", "1", time.Hour) == nil {
		t.Error("Put is confirmed")
	}
}

// Without a function of the app's it is logged, and not for every visitor.
func TestAdmitWhenDownIsLogged(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	cfg := config(redis.addr)
	cfg.Timeout, cfg.InsecureAdmitWhenDown, cfg.CacheEntries = timeout, true, -1
	s, book := openWarm(t, cfg, 1)
	if book.count("InsecureAdmitWhenDown is set") != 1 {
		t.Error("it does not say that it will admit")
	}
	redis.kill()
	began := time.Now()
	for range 20 {
		get(t, s, "revoked:out", false)
	}
	if n := book.count("visitors pass without a look"); n < 1 || n > 1+int(time.Since(began)/(9*time.Second)) {
		t.Errorf("20 visitors passed unchecked, and the log says so %d times", n)
	}
	if book.count("level=ERROR") == 0 {
		t.Error("it is no error in the log")
	}
}
