package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/rueidis"
)

// touch writes an entry again as it is: from Redis 7.2 on, WAIT waits only for
// what its own connection wrote, and what stands there may be another's that no
// replica knows of yet.
const touch = `local t = redis.call('PEXPIRETIME', KEYS[1])
if t > 0 then redis.call('PEXPIREAT', KEYS[1], t) end`

// sendAndWait writes on one connection and waits there until enough replicas
// have it, too. With fewer the entry stands and the call fails: repeating it
// waits again.
func (s *Store) sendAndWait(client rueidis.Client, key string, cmd rueidis.Completed, mayStand bool) (o outcome) {
	ctx, cancel := context.WithTimeout(context.Background(), s.calls.timeout) // the client does not probe a connection that waits
	defer cancel()
	conn, release := client.Dedicate()
	defer release()
	replies := conn.DoMulti(ctx, cmd, s.waitCommand(conn))
	if o = read(replies[0]); o.err != nil {
		return o
	}
	if mayStand && o.ok {
		again := conn.B().Eval().Script(touch).Numkeys(1).Key(s.prefix + key).Build()
		replies = conn.DoMulti(ctx, again, s.waitCommand(conn))
		if err := replies[0].Error(); err != nil && !rueidis.IsRedisNil(err) {
			return outcome{err: explain(err)}
		}
	}
	confirmed, err := replies[1].AsInt64()
	switch {
	case err != nil:
		return outcome{err: explain(err)}
	case confirmed < int64(s.replicas):
		return outcome{err: fmt.Errorf("redisstore: %d replicas confirmed the write within %s, fewer than Config.Replicas %d", confirmed, s.patience, s.replicas)}
	}
	return o
}

func (s *Store) waitCommand(conn rueidis.DedicatedClient) rueidis.Completed {
	return conn.B().Wait().Numreplicas(int64(s.replicas)).Timeout(s.patience.Milliseconds()).Build()
}
