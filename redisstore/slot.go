package redisstore

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

const (
	clusterSlots = 16384
	// shards is into how many ranges the slots of a cluster are divided, each with
	// a marker of its own. Every primary that owns 512 slots in a row has one.
	shards       = 64
	slotsOfShard = clusterSlots / shards
)

// slot is the hash slot of a key, as in the specification of the cluster
// (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/).
func slot(key string) int {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			key = tag
		}
	}
	var crc uint16 // CRC16-XMODEM
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % clusterSlots
}

// newMarkers returns the markers of all shards. Where there is one primary, or
// where the prefix puts all keys into one slot, there is one marker.
func newMarkers(prefix string, mode rueidis.ClientMode) (markers [shards]*marker) {
	if mode != rueidis.ClientModeCluster {
		only := &marker{key: prefix + markerKey}
		for i := range markers {
			markers[i] = only
		}
		return markers
	}
	var last *marker
	of := make(map[int]*marker, shards)
	for n := 0; len(of) < shards && n < 100*shards; n++ {
		key := prefix + markerKey + ":{" + strconv.Itoa(n) + "}"
		if shard := slot(key) / slotsOfShard; of[shard] == nil {
			last = &marker{key: key}
			of[shard] = last
		}
	}
	for i := range markers {
		markers[i] = cmp.Or(of[i], last)
	}
	return markers
}
