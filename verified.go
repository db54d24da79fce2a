package certify

import "time"

// DefaultVerifiedClaims is the number of tokens whose signature is verified
// only once: up to some 100 MB when all are in use.
const DefaultVerifiedClaims = 100_000

// verifiedFor is how long a token is taken for verified: long enough to save
// nearly all the work, and short enough that those who left make room.
const verifiedFor = time.Hour

// A trust is the keys of the moment, and the claims of tokens that these very
// keys have verified: they come and go together, so that no claim outlives the
// keys it was trusted for.
type trust struct {
	*Keys
	verified *shelf[Claim] // by the whole token; nil to verify each time
}

func newTrust(keys *Keys, limit int) *trust {
	if limit < 0 {
		return &trust{Keys: keys}
	}
	return &trust{keys, newShelf[Claim](limit)}
}

// recall returns a copy, since what a request does to its claim must not reach
// the next. It says nothing of what may change: the time, revocation and the
// account are judged anew.
func (t *trust) recall(token string, now time.Time) (*Claim, bool) {
	if t.verified == nil || len(token) > claimToken.limit {
		return nil, false
	}
	c, ok := t.verified.get(token, now)
	return &c, ok
}

// remember keeps a copy of c, unless there is no room: then the token is
// verified again the next time.
func (t *trust) remember(token string, c *Claim, now time.Time) {
	until := now.Add(verifiedFor)
	if c.ExpiresAt.Before(until) {
		until = c.ExpiresAt
	}
	if t.verified != nil && now.Before(until) {
		t.verified.put(token, *c, until, now, true)
	}
}

// verify judges what never changes about a token.
func (s *Sessions) verify(token string) (*Claim, error) {
	t, now := s.keys.Load(), s.now()
	if c, ok := t.recall(token, now); ok {
		return c, nil
	}
	payload, err := claimToken.open(token, t.verifier)
	if err != nil {
		return nil, err
	}
	c, err := readClaim(payload, s.issuer, s.audience)
	if err != nil {
		return nil, err
	}
	t.remember(token, c, now)
	return c, nil
}
