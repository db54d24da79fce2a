package certify

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
	"time"
)

// DefaultVerifiedClaims is the number of tokens whose signature is verified
// only once: some 2 MB at first, and up to 100 MB when all are in use.
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
	until   time.Time // it is remembered
}

// A trust is the keys of the moment, and the claims of tokens that these very
// keys have verified: they come and go together, so that no claim outlives the
// keys it was trusted for.
type trust struct {
	*Keys
	seed   maphash.Seed
	places []place // none to verify each time
	ways   int     // places for each token
}

// A place may hold a claim. A token can have any of a few places that are found
// by its hash, so that nobody waits for a lock and nothing need be swept. The
// tag, all of the hash, saves a look at the others' claims; it proves nothing.
type place struct {
	tag   atomic.Uint64
	claim atomic.Pointer[verified]
}

const maxWays = 8 // of so many, hardly any token finds all taken by later ones

func newTrust(keys *Keys, limit int) *trust {
	ways := min(max(limit, 0), maxWays)
	return &trust{keys, maphash.MakeSeed(), make([]place, max(limit, 0)/max(ways, 1)*ways), ways}
}

// tailBytes of a token are from its signature, where no two are alike: they
// are quicker to hash than all of it.
const tailBytes = 43

func (t *trust) placesOf(token string) (of []place, tag uint64) {
	tag = maphash.String(t.seed, token[max(0, len(token)-tailBytes):])
	if len(t.places) == 0 {
		return nil, tag
	}
	first := int(tag%uint64(len(t.places)/t.ways)) * t.ways // #nosec G115 -- below the number of places
	return t.places[first : first+t.ways], tag
}

// recall returns the claim of a token that was verified before, or nil.
func (t *trust) recall(token string, now time.Time) *verified {
	of, tag := t.placesOf(token)
	for i := range of {
		if of[i].tag.Load() != tag {
			continue
		}
		if v := of[i].claim.Load(); v != nil && v.token == token && now.Before(v.until) {
			return v
		}
	}
	return nil
}

// remember keeps v. Of two that take one place at once, one is verified again.
func (t *trust) remember(v *verified, now time.Time) {
	of, tag := t.placesOf(v.token)
	if len(of) == 0 {
		return
	}
	v.token = strings.Clone(v.token)        // it is part of a request's header
	v.until = now.Add(verifiedFor).Round(0) // by the wall clock, as tokens expire
	if v.ExpiresAt.Before(v.until) {
		v.until = v.ExpiresAt
	}
	p := placeFor(of, tag)
	p.claim.Store(v)
	p.tag.Store(tag)
}

// placeFor returns the token's own place if it has one, else one that nobody
// has, else the one that would be free first.
func placeFor(of []place, tag uint64) *place {
	var until time.Time
	found := &of[0]
	for i := range of {
		v := of[i].claim.Load()
		if v == nil || of[i].tag.Load() == tag {
			return &of[i]
		}
		if i == 0 || v.until.Before(until) {
			found, until = &of[i], v.until
		}
	}
	return found
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
	v := &verified{Claim: *c, token: token, entries: entriesOf(c)}
	t.remember(v, now)
	return v, nil
}
