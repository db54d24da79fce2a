package certify

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

// LoggedOut counts the logouts beside callbacks that are being answered.
func (s *Sessions) LoggedOut() (n int) {
	s.underWay.mu.Lock()
	defer s.underWay.mu.Unlock()
	for _, o := range s.underWay.byAttempt {
		n += o.logouts
	}
	return n
}
