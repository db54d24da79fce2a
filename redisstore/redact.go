package redisstore

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// redacted holds no password, and nothing that may hold one.
func (c Config) redacted() string {
	return fmt.Sprintf("redisstore.Config{InitAddress: %q, Prefix: %q, Timeout: %s, Replicas: %d}", c.Client.InitAddress, c.Prefix, c.Timeout, c.Replicas)
}

// String returns where Redis is, without passwords.
func (c Config) String() string { return c.redacted() }

// Format prints where Redis is, without passwords, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.redacted()) }

// LogValue returns where Redis is, without passwords.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

// MarshalJSON returns where Redis is, without passwords.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.redacted()) }
