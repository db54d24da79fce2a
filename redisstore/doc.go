// Package redisstore is a [certify.Store] on Redis 7 or Valkey, for apps that
// run in more than one process.
//
//	store, err := redisstore.New(redisstore.Config{
//		Client: rueidis.ClientOption{
//			InitAddress: []string{"redis.internal:6379"},
//			Username:    "certify", Password: os.Getenv("REDIS_PASSWORD"),
//			TLSConfig:   &tls.Config{},
//		},
//	})
//	if err != nil { … }
//	defer store.Close()
//	sessions, err := certify.NewSessions(certify.SessionConfig{Store: store, …})
//
// An attempt is taken by one command, SET with NX and GET, which tells what
// stands there already; every entry ends by itself (PX). Each call concerns one
// key, so that the keys may lie on different nodes of a cluster. Reads and
// writes go to the primary. docs/scale.md tells how to run many processes, and
// has figures.
//
// # Revocations in memory
//
// Every gated request asks whether its claim was revoked, and nearly always it
// was not. A Store keeps such answers in memory, and Redis tells it of every
// revocation that is written, by the client-side caching of RESP3
// (https://redis.io/docs/latest/develop/reference/client-side-caching/) in
// broadcasting mode: Redis keeps no table of who asked what. Each node is asked
// four times a second whether it is still a primary. An answer is used only if
// the connection that tells of changes proved itself within the last second. When
// that connection is lost, all answers are forgotten, and Redis is asked each
// time until it is back. So a revocation counts everywhere within a second of
// its being written, and normally before the process that wrote it has answered,
// for as long as Redis has one primary. A process sees its own writes at once.
//
// A slot of a cluster that moves to a node that has only just joined is heard
// when the client has seen the new map of the cluster: it looks every second.
// Where two primaries answer, because one is cut off and does not know it, those
// who reach only that one hear nothing from the other. Config.CacheFor bounds how
// long an answer is used whatever happens. A machine that was suspended may use
// answers of before for a second after it wakes.
//
// # When Redis lost its data
//
// A Redis that was emptied, restarted without its data, or replaced by a replica
// that lacked it, would have revoked claims admitted again without any error. A
// Store keeps a marker, an entry with a random value and without an end, and
// looks for it after every new connection, when Redis says that it was flushed,
// and once a minute. It also looks for the last entry that it wrote itself in
// the last ten minutes, which a replica that was late does not have. No answer of a new connection counts
// before these looks. What is missing is logged as an error and given to the
// handler of [Store.HandleDataLoss]. A cluster has up to 64 markers, spread over
// its slots, which move along with the slots.
//
// # When Redis is slow or gone
//
// Every call ends within Config.Timeout, with an error: certify answers 503
// with Retry-After, and nobody is let in. Nothing need be restarted when Redis
// is back. An error leaves open whether a write was done; repeating it is safe.
// A node that gave no answer for a second is known to be silent: calls fail at
// once then, and the connection that watches the node tries again alone.
// Config.InsecureAdmitWhenDown is for teams that prefer entry to refusal.
//
// New succeeds while Redis is away, hung, loading or full. The Store connects by
// itself later and makes the checks then. A Redis that turns out to be unfit is
// logged as an error and is not used.
//
// # What Redis must be
//
// Redis must keep what it is given: New refuses a maxmemory-policy other than
// noeviction, and a change of it is logged within a minute. Without persistence
// (appendonly yes) Redis forgets everything in a restart, and replication is
// asynchronous: a failover forgets what the new primary had not received. Claims
// that were revoked are then good again until they end, and the browser that
// began an attempt can use it for another verification. Config.Replicas waits
// for replicas (WAIT) before a write counts. This makes such loss rarer, not
// impossible: a primary that was cut off together with a replica still confirms.
//
// The user needs the keys of Config.Prefix and these permissions:
//
//	ACL SETUSER certify on >password ~certify:* +get +set +pttl +ping +info +client|tracking
//
// and +cluster|slots +cluster|shards in a cluster, +role with Sentinel, +wait +eval
// +pexpiretime +pexpireat with Config.Replicas. No other command is sent, so that
// none is denied.
//
// # The client
//
// [github.com/redis/rueidis] was chosen over [github.com/redis/go-redis/v9],
// each in the newest version, for two reasons. It hands over every message of
// RESP3 as it arrives, on connections to each node of a cluster or behind
// Sentinel; go-redis offers client-side caching for single nodes only, calls it
// experimental, keeps its table in Redis and looks for messages at intervals.
// And it sends the commands of many callers in one pipeline: 64 callers on two
// cores needed 5.5 µs for a GET, and 22 µs with the pool of go-redis. The answers
// are kept by this package and not by rueidis, which keeps them for each
// connection: an answer would outlive the move of its slot, nothing tells when
// the connection was last heard, and a hit costs 370 ns (680 ns in go-redis)
// where it costs 105 ns here.
//
// New sets these options of the client: DisableCache, DisableRetry (certify
// repeats what is safe), AlwaysPipelining and DialCtxFn, which calls the
// operator's. Where they are zero it sets the name of connections (certify), no
// CLIENT SETINFO, timeouts, buffer and pool sizes, and the intervals at which a
// cluster and Sentinel are asked who is where.
package redisstore
