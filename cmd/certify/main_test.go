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
		{"help of a command, asked the other way", []string{"help", "sandbox"}, 0, "-addr", ""},
		{"help of keygen", []string{"help", "keygen"}, 0, "must never change", ""},
		{"help of inspect", []string{"help", "inspect"}, 0, "ends with 0 if it verifies", ""},
		{"help of version", []string{"help", "version"}, 0, "Usage: certify version", ""},
		{"help of no command", []string{"help", "frobnicate"}, 2, "", `no command "frobnicate"`},
		{"version of something", []string{"version", "sandbox"}, 2, "", `unexpected argument "sandbox"`},
		{"exit codes are told", []string{"help"}, 0, "with 2 if it was used wrongly", ""},
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

// Every command is listed, tells about itself, and refuses what it does not know.
func TestEveryCommandHelps(t *testing.T) {
	t.Parallel()
	var list bytes.Buffer
	usage(&list)
	for _, c := range commands() {
		if !strings.Contains(list.String(), "  "+c.name+" ") || !strings.Contains(list.String(), c.summary) {
			t.Errorf("%s is not listed:\n%s", c.name, list.String())
		}
		for args, code := range map[string]int{"-h": 0, "-no-such-flag": 2} {
			var stdout, stderr bytes.Buffer
			if got := c.run(t.Context(), []string{args}, &stdout, &stderr); got != code || stdout.Len() > 0 || stderr.Len() == 0 {
				t.Errorf("certify %s %s: exit code %d, stdout %q, stderr %q", c.name, args, got, stdout.String(), stderr.String())
			}
		}
	}
}
