package certify

import "time"

// SetElapsed replaces the monotonic clock of the store.
func (s *MemoryStore) SetElapsed(elapsed func() time.Duration) { s.elapsed = elapsed }

// UnderWay counts the callbacks that are being answered, and their attempts.
func (s *Sessions) UnderWay() (attempts, callbacks int) {
	s.underWay.mu.Lock()
	defer s.underWay.mu.Unlock()
	for _, o := range s.underWay.byAttempt {
		callbacks += o.callbacks
	}
	return len(s.underWay.byAttempt), callbacks
}

// For tests of what is decided inside.
var (
	IsLocalPath  = isLocalPath
	IsReturnPath = isReturnPath
)

// ReturnAddress is what an address on the origin is taken for, "" if refused.
func ReturnAddress(origin, s string) string {
	if s = addressOn(origin, s); isReturnPath(s, DefaultPath) {
		return s
	}
	return ""
}

// LoggedOut counts the logouts beside callbacks that are being answered.
func (s *Sessions) LoggedOut() (n int) {
	s.underWay.mu.Lock()
	defer s.underWay.mu.Unlock()
	for _, o := range s.underWay.byAttempt {
		n += o.logouts
	}
	return n
}
