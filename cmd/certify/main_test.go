package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // parts
	}{
		{"nothing", nil, 2, "", "Usage: certify"},
		{"help", []string{"help"}, 0, "sandbox ", ""},
		{"-h", []string{"-h"}, 0, "Usage: certify", ""},
		{"--help", []string{"--help"}, 0, "Usage: certify", ""},
		{"unknown command", []string{"frobnicate"}, 2, "", `no command "frobnicate"`},
		{"help of a command", []string{"sandbox", "-h"}, 0, "", "-addr"},
		{"unknown flag", []string{"sandbox", "-port", "1"}, 2, "", "-port"},
		{"stray argument", []string{"sandbox", "now"}, 2, "", `unexpected argument "now"`},
		{"every interface", []string{"sandbox", "-addr", ":0"}, 2, "", "not a loopback address"},
		{"every interface by number", []string{"sandbox", "-addr", "0.0.0.0:0"}, 2, "", "not a loopback address"},
		{"every ipv6 interface", []string{"sandbox", "-addr", "[::]:0"}, 2, "", "not a loopback address"},
		{"public address", []string{"sandbox", "-addr", "192.0.2.1:0"}, 2, "", "not a loopback address"},
		{"host name", []string{"sandbox", "-addr", "shop.example:0"}, 2, "", "not a loopback address"},
		{"no port", []string{"sandbox", "-addr", "127.0.0.1"}, 2, "", "not host:port"},
		{"bad port", []string{"sandbox", "-addr", "127.0.0.1:nope"}, 1, "", "certify sandbox:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// A command that would serve in spite of its arguments ends at once.
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			var stdout, stderr bytes.Buffer
			if code := run(ctx, tt.args, &stdout, &stderr); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
			}
			if (tt.stderr != "") == (stdout.Len() > 0) {
				t.Errorf("written to the wrong stream: stdout %q, stderr %q", stdout.String(), stderr.String())
			}
		})
	}
}
