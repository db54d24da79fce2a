package sandbox

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"sync"
	"time"
)

const (
	tokenLife      = 30 * time.Minute
	tokenExtension = 5 * time.Minute
	tokenLastCall  = time.Minute
)

// tokens issues the merchant's one access token by the vendor's rules, made
// for many servers that share a key: everybody who asks gets the same token
// with the same expiry, 5 minutes more if under a minute is left, and a new
// one only after it expired.
type tokens struct {
	mu      sync.Mutex
	token   string
	expires time.Time
}

func (t *tokens) issue(now time.Time) (string, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := t.expires.Sub(now)
	switch {
	case left <= 0:
		t.token, t.expires = newToken(), now.Truncate(time.Second).Add(tokenLife)
	case left < tokenLastCall:
		t.expires = t.expires.Add(tokenExtension)
	}
	return t.token, t.expires
}

// valid is false before the first token: the zero time is long past.
func (t *tokens) valid(token string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return now.Before(t.expires) && same(token, t.token)
}

// newToken has the shape of the vendor's: 40 hex digits.
func newToken() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
