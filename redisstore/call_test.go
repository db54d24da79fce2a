package redisstore_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify/redisstore"
)

// The bound of a call, to the nanosecond.
func TestCallsEndInTime(t *testing.T) {
	t.Parallel()
	left := errors.New("left")
	for _, row := range []struct {
		name    string
		patient time.Duration // until when the visitor waits
		takes   time.Duration // Redis to answer
		want    time.Duration
		err     error
	}{
		{"an answer in time", time.Hour, timeout - 1, timeout - 1, nil},
		{"an answer too late", time.Hour, timeout + 1, timeout, redisstore.ErrNoAnswer},
		{"no answer", time.Hour, 24 * time.Hour, timeout, redisstore.ErrNoAnswer},
		{"a visitor who leaves first", timeout / 2, 24 * time.Hour, timeout / 2, context.DeadlineExceeded},
		{"a visitor who has left", 0, 0, 0, context.DeadlineExceeded},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), row.patient)
				defer cancel()
				began := time.Now()
				err := redisstore.NewCaller(timeout).Call(ctx, func() error { <-time.After(row.takes); return left })
				if want := row.err; want == nil && err != left || want != nil && !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
				if took := time.Since(began); took != row.want {
					t.Errorf("it took %s, want %s", took, row.want)
				}
				<-time.After(row.takes) // for Redis to answer whom nobody waits for
			})
		})
	}
}

// Who finds as many under way as there may be waits for the timeout, and no
// more, too.
func TestCallsWaitForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := redisstore.NewCaller(timeout)
		silent := make(chan struct{})
		for range redisstore.MaxInFlight {
			go func() { _ = c.Call(t.Context(), func() error { <-silent; return nil }) }()
		}
		synctest.Wait()
		began := time.Now()
		err := c.Call(t.Context(), func() error { t.Error("one more was let through"); return nil })
		if took := time.Since(began); took != timeout || !errors.Is(err, redisstore.ErrNoAnswer) {
			t.Errorf("after %s: %v", took, err)
		}
		close(silent)
		synctest.Wait()
		if err := c.Call(t.Context(), func() error { return nil }); err != nil {
			t.Errorf("when there is room again: %v", err)
		}
	})
}
