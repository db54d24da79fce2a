package sandbox

import (
	"fmt"
	"io"
	"log/slog"
)

const redactedConfig = "sandbox.Config{redacted}"

// Format keeps the secret out of logs, whatever the verb.
func (Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedConfig) }

// LogValue keeps the secret out of structured logs.
func (Config) LogValue() slog.Value { return slog.StringValue(redactedConfig) }

// Format keeps the secret, the token and the records out of logs.
func (*Server) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "sandbox.Server") }

// LogValue keeps the secret, the token and the records out of structured logs.
func (*Server) LogValue() slog.Value { return slog.StringValue("sandbox.Server") }
