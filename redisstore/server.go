package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// checkServer makes sure that Redis stores as this package needs it.
func (s *Store) checkServer(cfg Config) error {
	if err := s.checkStoring(cfg.Timeout); err != nil || cfg.InsecureAllowEviction {
		return err
	}
	nodes := s.client.Nodes()
	for addr, node := range nodes {
		err := checkEviction(node, cfg.Timeout)
		if isConnectionLost(err) && len(nodes) > 1 {
			cfg.Logger.Warn("redisstore: a node of the cluster does not answer: whether it evicts is not known", "node", addr, "error", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkStoring tries what everything depends on, where permissions, a replica
// or an old version show.
func (s *Store) checkStoring(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	key := s.prefix + "probe:" + rand.Text()
	for _, want := range []string{"", "first"} {
		cmd := s.client.B().Set().Key(key).Value("first").Nx().Get().PxMilliseconds(1000).Build()
		switch o := read(s.client.Do(ctx, cmd)); {
		case o.err != nil:
			return fmt.Errorf("redisstore: Redis does not take SET with NX and GET, which needs version 7, a primary and permission: %w", o.err)
		case o.value != want:
			return errors.New("redisstore: SET with NX and GET does not tell what stands: this is not Redis 7 or Valkey")
		}
	}
	return read(s.client.Do(ctx, s.client.B().Get().Key(key).Build())).err
}

var errEvicts = errors.New("redisstore: maxmemory-policy is not noeviction: when its memory is full, Redis would forget revocations and used attempts. Set it to noeviction, or InsecureAllowEviction")

// checkEviction asks INFO, which managed services allow where CONFIG is not.
func checkEviction(c rueidis.CommandClient, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	info, err := c.Do(ctx, c.B().Info().Section("memory").Build()).ToString()
	if err != nil {
		return fmt.Errorf("%w (INFO must tell maxmemory_policy, unless InsecureAllowEviction is set)", explain(err))
	}
	if !strings.Contains(info, "\nmaxmemory_policy:noeviction\r\n") {
		return errEvicts
	}
	return nil
}
