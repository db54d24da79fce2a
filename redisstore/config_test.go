package redisstore_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/certify-go/certify/redisstore"
)

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*redisstore.Config)
		says   string
	}{
		"no address":                   {func(c *redisstore.Config) { c.Client.InitAddress = nil }, "Client.InitAddress"},
		"short timeout":                {func(c *redisstore.Config) { c.Timeout = time.Microsecond }, "Timeout"},
		"negative timeout":             {func(c *redisstore.Config) { c.Timeout = -1 }, "Timeout"},
		"long timeout":                 {func(c *redisstore.Config) { c.Timeout = redisstore.MaxTimeout + 1 }, "Timeout"},
		"a timeout that admits nobody": {func(c *redisstore.Config) { c.InsecureAdmitWhenDown = true }, "Timeout"},
		"no sign of life":              {func(c *redisstore.Config) { c.Client.Dialer.KeepAlive = -1 }, "KeepAlive"},
		"a late sign of life":          {func(c *redisstore.Config) { c.Client.Dialer.KeepAlive = time.Minute }, "KeepAlive"},
		"patience with the network":    {func(c *redisstore.Config) { c.Client.ConnWriteTimeout = time.Minute }, "ConnWriteTimeout"},
		"a dialer that is ignored": {func(c *redisstore.Config) {
			c.Client.DialFn = func(string, *net.Dialer, *tls.Config) (net.Conn, error) { return nil, nil }
		}, "DialFn"},
		"negative replicas": {func(c *redisstore.Config) { c.Replicas = -1 }, "Replicas"},
		"negative cache":    {func(c *redisstore.Config) { c.CacheFor = -1 }, "CacheFor"},
		"unchecked alone":   {func(c *redisstore.Config) { c.Unchecked = func(context.Context, error) {} }, "InsecureAdmitWhenDown"},
		"replicas only":     {func(c *redisstore.Config) { c.Client.ReplicaOnly = true }, "replicas"},
		"reads to replicas": {func(c *redisstore.Config) { c.Client.SendToReplicas = func(rueidis.Completed) bool { return true } }, "replicas"},
		"a node selector": {func(c *redisstore.Config) {
			c.Client.ReadNodeSelector = func(uint16, []rueidis.NodeInfo) int { return 0 }
		}, "replicas"},
		"a reader endpoint": {func(c *redisstore.Config) { c.Client.Standalone.ReplicaAddress = []string{"127.0.0.1:1"} }, "replicas"},
		"RESP2":             {func(c *redisstore.Config) { c.Client.AlwaysRESP2 = true }, "AlwaysRESP2"},
		"no pipelining":     {func(c *redisstore.Config) { c.Client.DisableAutoPipelining = true }, "DisableAutoPipelining"},
		"its own tracking":  {func(c *redisstore.Config) { c.Client.ClientTrackingOptions = []string{"OPTIN"} }, "CacheEntries"},
		"its own listener":  {func(c *redisstore.Config) { c.Client.OnInvalidations = func([]rueidis.RedisMessage) {} }, "CacheEntries"},
		"its own cache": {func(c *redisstore.Config) {
			c.Client.NewCacheStoreFn = func(rueidis.CacheStoreOption) rueidis.CacheStore { return nil }
		}, "CacheEntries"},
	} {
		cfg := config("127.0.0.1:1")
		row.change(&cfg)
		if s, err := redisstore.New(cfg); s != nil || err == nil || !strings.Contains(err.Error(), row.says) || !strings.HasPrefix(err.Error(), "redisstore: Config.") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever prints a Config, the password is not in it.
func TestConfigHidesPasswords(t *testing.T) {
	t.Parallel()
	cfg := config("redis.internal:6379")
	cfg.Client.Username, cfg.Client.Password = "certify", "open sesame"
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("start", "config", cfg, "pointer", &cfg)
	text, err := json.Marshal(struct{ C redisstore.Config }{cfg})
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{log.String(), string(text), fmt.Sprint(cfg), fmt.Sprintf("%+v %#v %s %q %d", cfg, &cfg, cfg, cfg, cfg), cfg.String()} {
		if strings.Contains(printed, "sesame") || !strings.Contains(printed, "redis.internal:6379") {
			t.Errorf("it prints as %s", printed)
		}
	}
}
