package certify_test

import (
	"context"
	"sync"
	"time"

	"github.com/certify-go/certify"
)

// A failingStore fails while it has an error.
type failingStore struct {
	certify.Store
	mu  sync.Mutex
	err error
}

func (s *failingStore) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *failingStore) fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *failingStore) PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (string, error) {
	if err := s.fault(); err != nil {
		return "", err
	}
	return s.Store.PutIfAbsent(ctx, key, value, ttl)
}

func (s *failingStore) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	if err := s.fault(); err != nil {
		return err
	}
	return s.Store.Put(ctx, key, value, ttl)
}

func (s *failingStore) Get(ctx context.Context, key string) (string, bool, error) {
	if err := s.fault(); err != nil {
		return "", false, err
	}
	return s.Store.Get(ctx, key)
}
