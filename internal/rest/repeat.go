package rest

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// minHedge is the least time that a try has to itself.
const minHedge = 500 * time.Millisecond

// A result is what one try brought.
type result struct {
	answer *Answer
	err    error
}

// isFinal reports whether another try would change nothing: the API answered
// and did not fail, or it named the time at which to ask again.
func (r result) isFinal() bool {
	return r.err == nil && (r.answer.Status < http.StatusInternalServerError || r.answer.RetryAfter > 0)
}

// repeat sends r, and again where that may help: after a failure, when no
// other try is under way, and beside a try that takes long. It returns the
// first final answer and cancels the other try.
func (c *Client) repeat(ctx context.Context, r Request) (*Answer, error) {
	tries, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan result, maxTries) // so that a cancelled try can end
	started, running := 0, 0
	start := func() {
		started++
		running++
		go func() {
			answer, err := c.try(tries, r)
			results <- result{answer, err}
		}()
	}
	c.budget.addCall()
	start()
	slow := time.NewTimer(c.halfOfTime(ctx))
	defer slow.Stop()
	isHedged := false
	for {
		select {
		case <-slow.C:
			if started < maxTries && c.budget.take() {
				isHedged = true
				start()
			}
		case got := <-results:
			running--
			switch {
			case got.isFinal():
				c.budget.addSuccess()
				return got.answer, got.err
			case running > 0:
				continue
			case isHedged || started == maxTries || ctx.Err() != nil || !c.budget.take() || !pause(ctx, started):
				return got.answer, got.err
			}
			start()
			slow.Reset(c.halfOfTime(ctx))
		}
	}
}

// halfOfTime is how long a try may take before a second starts beside it. It is
// no less than half a second, which an answer takes now and then.
func (c *Client) halfOfTime(ctx context.Context) time.Duration {
	left := c.cfg.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(deadline))
	}
	return max(left/2, minHedge)
}

// pause waits before the next try, with jitter so that servers that failed
// together do not come back together. It reports false, at once where it can,
// when ctx ends before.
func pause(ctx context.Context, try int) bool {
	wait := time.Duration(float64(firstWait<<(try-1)) * (0.5 + rand.Float64())) // #nosec G404 -- nobody gains by guessing when a call is repeated
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// A budget bounds the requests that are sent again, so that a provider that
// fails gets little more than one request a call. A bucket holds a few to begin
// with; each call adds a tenth, and each success a half.
type budget struct {
	mu   sync.Mutex
	left float64 // requests
}

const (
	maxBudget  = 10.0
	perCall    = 0.1
	perSuccess = 0.5
)

func newBudget() *budget { return &budget{left: maxBudget} }

func (b *budget) addCall()    { b.add(perCall) }
func (b *budget) addSuccess() { b.add(perSuccess) }

func (b *budget) add(n float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+n, maxBudget)
}

// take reports whether one more request may be sent, and takes it.
func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
