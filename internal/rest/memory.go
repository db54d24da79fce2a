package rest

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// minRetryAfter and maxRetryAfter bound what Retry-After may ask for: a
	// wrong header must not stop verifications for a day.
	minRetryAfter = time.Second
	maxRetryAfter = 5 * time.Minute

	// shortPause follows a refusal of all requests that names no time.
	shortPause = 5 * time.Second
)

// retryAfter is the time after which resp asks to send the request again, or
// 0: RFC 9110, section 10.2.3, seconds or an HTTP date. A date counts from the
// answer's own Date, as the clocks may differ.
func retryAfter(resp *http.Response) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	value := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if IsDigits(value, 1, 20) {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return max(time.Duration(seconds)*time.Second, minRetryAfter)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(at.Sub(now), minRetryAfter), maxRetryAfter)
}

// A memory keeps, by the request's name, an answer that stands for all such
// requests for a while. Names are few and hold no ids.
type memory struct {
	mu   sync.Mutex
	kept map[string]keptAnswer
}

type keptAnswer struct {
	answer *Answer
	until  time.Time // compared by the monotonic clock
}

func newMemory() *memory { return &memory{kept: make(map[string]keptAnswer)} }

// recall returns the answer that is kept for r, with the time that remains.
func (m *memory) recall(r Request) *Answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept, ok := m.kept[r.Name]
	left := time.Until(kept.until)
	if !ok || left <= 0 {
		return nil
	}
	answer := *kept.answer
	answer.RetryAfter = left
	return &answer
}

// keep keeps answer if it refuses every request of r's name. An end that lies
// later stays.
func (m *memory) keep(r Request, answer *Answer) {
	if answer.RetryAfter == 0 && refusesAll(r, answer.Status) {
		answer.RetryAfter = shortPause
	}
	if answer.RetryAfter == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if until := time.Now().Add(answer.RetryAfter); until.After(m.kept[r.Name].until) {
		m.kept[r.Name] = keptAnswer{answer, until}
	}
}

// refusesAll reports whether status is about the merchant and not about the one
// request. A 401 for a token is about that token.
func refusesAll(r Request, status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusForbidden:
		return true
	case http.StatusUnauthorized:
		return r.Authorization == ""
	}
	return false
}
