package redisstore_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/redisstore"
)

// A site whose stores call RevokeAll when data was lost admits none of the claims
// that were revoked before, and takes new ones.
func TestRevokeAllAfterALoss(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*server){
		"kill -9 without persistence": func(s *server) { s.kill(); s.restart() },
		"FLUSHALL":                    func(s *server) { s.do("FLUSHALL") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redisServer(t)
			b := &bureau{}
			keys := newKeys(t)
			var handled atomic.Int64
			var in []*instance
			for range 2 {
				store, _ := openWarm(t, config(redis.addr), 1)
				each := newInstance(t, b, certify.SessionConfig{Keys: keys, Store: store, Account: login})
				store.HandleDataLoss(func(ctx context.Context, _ redisstore.DataLoss) error {
					defer handled.Add(1)
					return each.sessions.RevokeAll(ctx)
				})
				in = append(in, each)
			}
			var out []*visitor
			for i := range 40 {
				v := newVisitor(t, fmt.Sprint("kim", i))
				v.pass(b, in[0], in[1])
				if err := in[i%2].sessions.RevokeAccount(t.Context(), fmt.Sprint("kim", i)); err != nil {
					t.Fatal(err)
				}
				out = append(out, v)
			}
			lose(redis)
			eventually(t, "the loss is handled", func() bool { return handled.Load() > 0 })
			lost := time.Now()
			for time.Since(lost) < 2*time.Second {
				for i, v := range out {
					if status, _, _ := v.send(in[i%2], "GET", "/cellar", ""); status == http.StatusOK {
						t.Fatalf("%s after the loss was handled, a revoked visitor is in again", time.Since(lost))
					}
				}
			}
			newVisitor(t, "lee").pass(b, in[1], in[0])
		})
	}
}
