package certify

import (
	"fmt"
	"io"
	"log/slog"
)

func (cfg HandlerConfig) redacted() string {
	return fmt.Sprintf("certify.HandlerConfig{Path:%q Pepper:[redacted]}", cfg.Path)
}

// String returns the path alone.
func (cfg HandlerConfig) String() string { return cfg.redacted() }

// Format prints the path alone, whatever the verb.
func (cfg HandlerConfig) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, cfg.redacted()) }

// LogValue returns the path alone.
func (cfg HandlerConfig) LogValue() slog.Value { return slog.StringValue(cfg.redacted()) }

func (h Handler) redacted() string { return fmt.Sprintf("certify.Handler(%s)", h.path) }

// String returns the path alone.
func (h Handler) String() string { return h.redacted() }

// Format prints the path alone, whatever the verb.
func (h Handler) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, h.redacted()) }

// LogValue returns the path alone.
func (h Handler) LogValue() slog.Value { return slog.StringValue(h.redacted()) }
