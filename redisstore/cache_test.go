package redisstore_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify/redisstore"
)

var noon = time.Date(2026, 8, 10, 12, 0, 0, 0, time.UTC)

func learn(c *redisstore.Cache, key string, e redisstore.Entry) {
	_, version, _ := c.Look(key)
	c.Learn(key, e, version)
}

func TestCacheRemembers(t *testing.T) {
	t.Parallel()
	c := redisstore.NewCache(1000)
	absent := redisstore.Entry{Until: noon.Add(time.Minute)}
	present := redisstore.Entry{Value: "1", OK: true, Until: noon.Add(time.Second)}
	learn(c, "absent", absent)
	learn(c, "present", present)
	for _, row := range []struct {
		key  string
		want redisstore.Entry
		ok   bool
	}{{"absent", absent, true}, {"present", present, true}, {"other", redisstore.Entry{}, false}} {
		if got, _, ok := c.Look(row.key); ok != row.ok || got != row.want {
			t.Errorf("%s: %+v, %t", row.key, got, ok)
		}
	}
	c.Drop("absent")
	if _, _, ok := c.Look("absent"); ok {
		t.Error("it remembers what changed")
	}
	c.Flush()
	if _, _, ok := c.Look("present"); ok || c.Size() != 0 {
		t.Error("it remembers what was flushed")
	}
}

// An answer that was on its way when a change was told may be the older of the
// two.
func TestCacheRefusesOvertakenAnswers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*redisstore.Cache){
		"a change":   func(c *redisstore.Cache) { c.Drop("key") },
		"all may be": (*redisstore.Cache).Flush,
	} {
		c := redisstore.NewCache(1000)
		_, version, _ := c.Look("key")
		change(c)
		c.Learn("key", redisstore.Entry{Until: noon.Add(time.Minute)}, version)
		if _, _, ok := c.Look("key"); ok {
			t.Errorf("%s: it remembers an answer from before", name)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	const entries = 10_000
	c := redisstore.NewCache(entries)
	until := noon.Add(time.Hour)
	for i := range 20 * entries {
		learn(c, fmt.Sprint("revoked:", i), redisstore.Entry{Until: until})
		if i%1000 == 0 {
			if _, _, ok := c.Look("revoked:0"); !ok {
				t.Fatalf("what is in use was forgotten after %d others", i)
			}
		}
	}
	if n := c.Size(); n > entries || n < entries/3 {
		t.Errorf("%d entries, with room for %d", n, entries)
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, row := range []struct {
		name string
		ages []time.Duration
		want bool
	}{
		{"no node", nil, false},
		{"just now", []time.Duration{0}, true},
		{"a second ago", []time.Duration{time.Second}, true},
		{"more than a second ago", []time.Duration{time.Second + 1}, false},
		{"never", []time.Duration{redisstore.Silent}, false},
		{"all of them", []time.Duration{0, 1, 2}, true},
		{"one never", []time.Duration{0, redisstore.Silent, 0}, false},
		{"a replica, too", []time.Duration{0, redisstore.Replica, 0}, true},
		{"only a replica", []time.Duration{redisstore.Replica}, false},
		{"one long ago", []time.Duration{0, 0, day}, false},
	} {
		synctest.Test(t, func(t *testing.T) { // where no time passes by itself
			if got := redisstore.Fresh(row.ages...); got != row.want {
				t.Errorf("%s: %t", row.name, got)
			}
		})
	}
}
