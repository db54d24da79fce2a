package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/redisstore"
)

// A patient store asks again where it got no answer: on a machine that stands
// still for a second, connections are given up, and calls with them. To repeat
// a call with the same value is no harm, by the contract of [certify.Store].
type patient struct {
	testing.TB
	*redisstore.Store
}

var _ certify.Store = patient{}

func (p patient) ask(ctx context.Context, call func() error) error {
	for deadline := time.Now().Add(patience); ; tick() {
		err := call()
		if !redisstore.IsUnanswered(err) || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		p.Logf("asked again after: %v", err)
	}
}

func (p patient) PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (stands string, err error) {
	err = p.ask(ctx, func() error { stands, err = p.Store.PutIfAbsent(ctx, key, value, ttl); return err })
	return stands, err
}

func (p patient) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	return p.ask(ctx, func() error { return p.Store.Put(ctx, key, value, ttl) })
}

func (p patient) Get(ctx context.Context, key string) (value string, ok bool, err error) {
	err = p.ask(ctx, func() error { value, ok, err = p.Store.Get(ctx, key); return err })
	return value, ok, err
}
