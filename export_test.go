package certify

// UnderWay is the number of attempts whose callbacks are being answered.
func (h *Handler) UnderWay() int {
	h.underWay.mu.Lock()
	defer h.underWay.mu.Unlock()
	return len(h.underWay.byAttempt)
}

// For tests of what is decided inside.
var (
	IsLocalPath  = isLocalPath
	IsReturnPath = isReturnPath
)
