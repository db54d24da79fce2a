package redisstore

import "time"

const (
	logBurst = 10
	logEvery = time.Minute
)

// A logLimit lets the first ten lines pass in each minute, for what may happen
// many times a second. It is for one goroutine.
type logLimit struct {
	began   time.Time
	passed  int
	dropped int
}

// allows reports whether a line may be logged, and how many were not since the
// last one that was.
func (l *logLimit) allows(now time.Time) (dropped int, ok bool) {
	if now.Sub(l.began) >= logEvery {
		l.began, l.passed = now, 0
	}
	if l.passed == logBurst {
		l.dropped++
		return 0, false
	}
	l.passed++
	dropped, l.dropped = l.dropped, 0
	return dropped, true
}
