package certify

import (
	"strings"
	"time"
)

// DefaultVerifiedClaims is the number of tokens whose signature is verified
// only once: up to some 100 MB when all are in use.
const DefaultVerifiedClaims = 100_000

// verifiedFor is how long a token is taken for verified: long enough to save
// nearly all the work, and short enough that those who left make room.
const verifiedFor = time.Hour

// A verified claim is shared by all requests that show its token, and never
// changed: whoever might change it gets a copy. It says nothing of what may
// change by itself: the time, revocation and the account are judged anew.
type verified struct {
	Claim
	token   string // the whole of it
	entries storeEntries
}

// A trust is the keys of the moment, and the claims of tokens that these very
// keys have verified: they come and go together, so that no claim outlives the
// keys it was trusted for.
type trust struct {
	*Keys
	verified *shelf[*verified] // by the end of the token; nil to verify each time
}

func newTrust(keys *Keys, limit int) *trust {
	if limit < 0 {
		return &trust{Keys: keys}
	}
	return &trust{keys, newShelf[*verified](limit)}
}

// tailBytes of a token are from its signature, where no two are alike: they
// are quicker to hash than all of it.
const tailBytes = 43

// recall returns the claim of a token that was verified before. It is found by
// its end, and compared as a whole.
func (t *trust) recall(token string, now time.Time) *verified {
	if t.verified == nil || len(token) < tailBytes {
		return nil
	}
	e := t.verified.find(token[len(token)-tailBytes:])
	if e == nil || e.expired(now) || e.value.token != token {
		return nil
	}
	return e.value
}

// remember keeps v, unless there is no room: then the token is verified again
// the next time.
func (t *trust) remember(v *verified, now time.Time) {
	until := now.Add(verifiedFor)
	if v.ExpiresAt.Before(until) {
		until = v.ExpiresAt
	}
	if t.verified != nil && len(v.token) >= tailBytes && now.Before(until) {
		v.token = strings.Clone(v.token) // it is part of a request's header
		t.verified.put(v.token[len(v.token)-tailBytes:], v, until, now, true)
	}
}

// verify judges what never changes about a token.
func (s *Sessions) verify(token string, now time.Time) (*verified, error) {
	t := s.keys.Load()
	if v := t.recall(token, now); v != nil {
		return v, nil
	}
	payload, err := claimToken.open(token, t.verifier)
	if err != nil {
		return nil, err
	}
	c, err := readClaim(payload, s.issuer, s.audience)
	if err != nil {
		return nil, err
	}
	v := &verified{*c, token, entriesOf(c)}
	t.remember(v, now)
	return v, nil
}
