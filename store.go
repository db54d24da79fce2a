package certify

import (
	"context"
	"time"
)

// A Store remembers used attempts and revoked claims. [MemoryStore] serves one
// process; several need one store that they share.
//
// Keys are at most 128 bytes of ASCII, values at most 256 bytes. Nothing in
// them is personal data. Every entry has a positive ttl, after which it must
// not be found, and before which it must not be dropped: a store that is full
// returns an error. Any error refuses the request with 503, and so does an
// answer that takes longer than 3 seconds: the context ends then.
// Implementations must be safe for concurrent use.
//
// Every call sees what calls before it wrote, in other processes too. One
// exception saves most questions of gates: for keys that begin with "revoked:"
// or "account:", Get may answer for up to a second what stood there before
// another process wrote.
type Store interface {
	// PutIfAbsent stores value under key and returns it, unless something
	// stands there already: then it returns that. It is atomic across all
	// users of the store.
	PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (stands string, err error)

	// Put stores value under key, whatever stood there.
	Put(ctx context.Context, key, value string, ttl time.Duration) error

	// Get returns the value under key, or "" and false.
	Get(ctx context.Context, key string) (value string, ok bool, err error)
}

const storeTimeout = 3 * time.Second

// A promptStore gives up on a Store that does not answer: a gate that waits
// with it for ever would take the app down instead of saying 503.
type promptStore struct{ slow Store }

func (s promptStore) PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(withoutSession(ctx), storeTimeout)
	defer cancel()
	return s.slow.PutIfAbsent(ctx, key, value, ttl)
}

func (s promptStore) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(withoutSession(ctx), storeTimeout)
	defer cancel()
	return s.slow.Put(ctx, key, value, ttl)
}

func (s promptStore) Get(ctx context.Context, key string) (string, bool, error) {
	ctx, cancel := context.WithTimeout(withoutSession(ctx), storeTimeout)
	defer cancel()
	return s.slow.Get(ctx, key)
}
