package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// maxInFlight bounds what piles up while Redis hangs: commands that it has not
// answered, though nobody waits for them any more. The client gives a hung
// connection up after a second or two. Until then one node of a cluster must not
// take all the room from the others, at 1,000 requests a second and more.
const maxInFlight = 4096

// errNoAnswer leaves open whether a write was done. Doing it again is safe.
var errNoAnswer = errors.New("redisstore: no answer from Redis in time")

var errClosed = errors.New("redisstore: the store is closed")

// An outcome is what Redis said.
type outcome struct {
	value string
	ok    bool
	err   error
}

// A caller bounds calls to Redis, whatever the client does meanwhile: it may
// be connecting, following a cluster's redirections or waiting for room.
type caller struct {
	timeout time.Duration
	slots   chan struct{}
	closed  chan struct{}
}

func newCaller(timeout time.Duration) *caller {
	return &caller{timeout, make(chan struct{}, maxInFlight), make(chan struct{})}
}

// call runs f aside and waits for it, for the timeout at most. An abandoned f
// keeps its slot: it ends when the client gives the connection up.
func (c *caller) call(ctx context.Context, f func() outcome) outcome {
	if err := ctx.Err(); err != nil {
		return outcome{err: err}
	}
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
	case <-c.closed:
		return outcome{err: errClosed}
	case <-timer.C:
		return outcome{err: cmp.Or(ctx.Err(), errNoAnswer)}
	case <-ctx.Done():
		return outcome{err: ctx.Err()}
	}
	done := make(chan outcome, 1)
	go func() {
		done <- f()
		<-c.slots
	}()
	select {
	case o := <-done:
		return o
	case <-timer.C:
		return outcome{err: cmp.Or(ctx.Err(), errNoAnswer)}
	case <-ctx.Done():
		return outcome{err: ctx.Err()}
	}
}

// wait returns once no call is under way, or the patience has ended. No other
// call begins then.
func (c *caller) wait(patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for range cap(c.slots) {
		select {
		case c.slots <- struct{}{}:
		case <-timer.C:
			return
		}
	}
}

// read makes an outcome of a reply that is a string or nil.
func read(r rueidis.RedisResult) outcome {
	value, err := r.ToString()
	if rueidis.IsRedisNil(err) {
		return outcome{}
	}
	return outcome{value, err == nil, explain(err)}
}

// explain says what went wrong in words that do not differ from call to call:
// who logs them need not log the same fault twice.
func explain(err error) error {
	var op *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &op): // without the local port
		return fmt.Errorf("redisstore: %s %v: %w", op.Op, op.Addr, op.Err)
	}
	return fmt.Errorf("redisstore: %w", err)
}

// isConnectionLost reports whether Redis never said anything.
func isConnectionLost(err error) bool {
	var said *rueidis.RedisError
	return err != nil && !errors.As(err, &said) && !errors.Is(err, rueidis.ErrClosing)
}

// isReadOnly reports whether Redis refused a write because it is a replica.
func isReadOnly(err error) bool {
	var said *rueidis.RedisError
	return errors.As(err, &said) && strings.HasPrefix(said.Error(), "READONLY")
}

// isDown reports whether Redis is not there to answer, rather than answering
// that it will not: that it loads its data, or that the cluster has lost a part,
// is the same as silence.
func isDown(err error) bool {
	var said *rueidis.RedisError
	if isUnfit(err) {
		return false
	}
	if !errors.As(err, &said) {
		return err != nil && !errors.Is(err, rueidis.ErrClosing) && !errors.Is(err, errClosed)
	}
	return saysDown(said.Error())
}

func saysDown(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	return word == "LOADING" || word == "CLUSTERDOWN" || word == "MASTERDOWN"
}
