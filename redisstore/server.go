package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

var (
	errRESP2   = errors.New("redisstore: the server, or a proxy in between, does not speak RESP3 (HELLO 3), which tells of revocations: connect to Redis itself")
	errVersion = errors.New("redisstore: Redis must be version 7 or later, or Valkey")
	errEvicts  = errors.New("redisstore: maxmemory-policy is not noeviction: when its memory is full, Redis would forget revocations and used attempts. Set it to noeviction, or InsecureAllowEviction")
)

// sayHello returns what the server says about itself. HELLO needs no permission.
func sayHello(client rueidis.CommandClient, timeout time.Duration) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	reply, err := client.Do(ctx, client.B().Arbitrary("HELLO", "3").Build()).AsMap()
	if err != nil {
		return nil, explain(err)
	}
	hello := make(map[string]string, len(reply))
	for name, value := range reply {
		if text, err := value.ToString(); err == nil {
			hello[name] = text
		}
	}
	return hello, nil
}

// checkProtocol makes sure that the server speaks RESP3, and is not of an older
// version, as far as it tells.
func checkProtocol(client rueidis.Client, timeout time.Duration) error {
	for _, node := range client.Nodes() {
		hello, err := sayHello(node, timeout)
		switch {
		case isRedisError(err) && !isTransient(err):
			return unfit(fmt.Errorf("%w: %w", errRESP2, err))
		case err != nil && client.Mode() == rueidis.ClientModeCluster:
			continue // one node of many
		case err != nil:
			return err
		}
		major, _, _ := strings.Cut(hello["version"], ".")
		if n, err := strconv.Atoi(major); err == nil && n < 7 {
			return unfit(fmt.Errorf("%w: this is version %s", errVersion, hello["version"]))
		}
	}
	return nil
}

// checkStoring tries what everything depends on, where permissions, a replica
// or an old version show.
func checkStoring(client rueidis.Client, cfg Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), cfg.Timeout)
	defer cancel()
	key := cfg.Prefix + "probe:" + rand.Text()
	for _, want := range []string{"", "first"} {
		cmd := client.B().Set().Key(key).Value("first").Nx().Get().PxMilliseconds(1000).Build()
		o := read(client.Do(ctx, cmd))
		switch {
		case isRedisError(o.err) && !isTransient(o.err):
			return unfit(fmt.Errorf("redisstore: Redis does not take SET with NX and GET, which needs version 7, a primary and permission: %w", o.err))
		case o.err != nil:
			return o.err
		case o.value != want:
			return unfit(errors.New("redisstore: SET with NX and GET does not tell what stands: this is not Redis 7 or Valkey"))
		}
	}
	o := read(client.Do(ctx, client.B().Get().Key(key).Build()))
	if isRedisError(o.err) && !isTransient(o.err) {
		return unfit(o.err)
	}
	return o.err
}

// checkEvictionOfAll asks every node. One node of a cluster may be away.
func checkEvictionOfAll(client rueidis.Client, cfg Config) error {
	if cfg.InsecureAllowEviction {
		return nil
	}
	nodes := client.Nodes()
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

// checkEviction asks INFO, which managed services allow where CONFIG is not.
func checkEviction(c rueidis.CommandClient, timeout time.Duration) error {
	info, err := askInfo(c, "memory", timeout)
	switch {
	case isRedisError(err) && !isTransient(err):
		return unfit(fmt.Errorf("%w (INFO must tell maxmemory_policy, unless InsecureAllowEviction is set)", err))
	case err != nil:
		return err
	case info["maxmemory_policy"] != "noeviction":
		return unfit(errEvicts)
	}
	return nil
}

// warnOfNoPersistence logs which nodes keep nothing through a restart. INFO does
// not tell whether snapshots are configured, but whether there was one. A server
// that hides these fields is not judged.
func warnOfNoPersistence(client rueidis.Client, cfg Config) {
	for addr, node := range client.Nodes() {
		info, err := askInfo(node, "persistence", cfg.Timeout)
		if err != nil || info["aof_enabled"] != "0" {
			continue
		}
		lost := "everything that was written since the last snapshot"
		if info["rdb_saves"] == "0" && info["rdb_changes_since_last_save"] != "" {
			lost = "everything that was written since it started, as there was no snapshot since"
		}
		cfg.Logger.Warn("redisstore: Redis has no append-only file: a restart forgets revocations and used attempts. Set appendonly yes", "node", addr, "forgets", lost)
	}
}

// askInfo returns the fields of a section of INFO.
func askInfo(c rueidis.CommandClient, section string, timeout time.Duration) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	text, err := c.Do(ctx, c.B().Info().Section(section).Build()).ToString()
	if err != nil {
		return nil, explain(err)
	}
	fields := make(map[string]string)
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}
