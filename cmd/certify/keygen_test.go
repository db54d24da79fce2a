package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

func TestKeygen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		line string // what stdout must be, as a regular expression
	}{
		{"default", nil, `CERTIFY_KEYS=hs256-secret:[\w-]{43}\n`},
		{"HS256", []string{"-alg", "HS256"}, `CERTIFY_KEYS=hs256-secret:[\w-]{43}\n`},
		{"EdDSA", []string{"-alg", "EdDSA"}, `CERTIFY_KEYS=eddsa-private:[\w-]{43}\n`},
		{"ES256", []string{"-alg=ES256"}, `CERTIFY_KEYS=es256-private:[\w-]{43}\n`},
		{"pepper", []string{"-pepper"}, `CERTIFY_PEPPER=pepper:[\w-]{43}\n`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var first string
			for range 2 {
				var stdout, stderr bytes.Buffer
				if code := run(t.Context(), append([]string{"keygen"}, tt.args...), &stdout, &stderr); code != 0 || stderr.Len() > 0 {
					t.Fatalf("exit code %d, stderr %q", code, stderr.String())
				}
				if !regexp.MustCompile(`\A` + tt.line + `\z`).MatchString(stdout.String()) {
					t.Errorf("the line is not as it should be: %.20q, %d bytes", stdout.String(), stdout.Len())
				}
				_, value, _ := strings.Cut(strings.TrimSpace(stdout.String()), "=")
				_, keyErr := certify.ParseKeys(value)
				_, pepperErr := certify.ParsePepper(value)
				if (keyErr == nil) == (pepperErr == nil) {
					t.Errorf("as a key: %v; as a pepper: %v", keyErr, pepperErr)
				}
				if value == first {
					t.Error("twice the same")
				}
				first = value
			}
		})
	}
}

func TestKeygenRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"no such algorithm", []string{"-alg", "RS256"}, 2, `no algorithm "RS256"`},
		{"no algorithm", []string{"-alg", "none"}, 2, `no algorithm "none"`},
		{"a pepper of an algorithm", []string{"-pepper", "-alg", "HS256"}, 2, "leave out -alg or -pepper"},
		{"stray argument", []string{"HS256"}, 2, `unexpected argument "HS256"`},
		{"unknown flag", []string{"-bits", "1"}, 2, "-bits"},
		{"help", []string{"-h"}, 0, "-pepper"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), append([]string{"keygen"}, tt.args...), &stdout, &stderr)
			if code != tt.code || stdout.Len() > 0 || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("exit code %d, %d bytes on stdout, stderr %q", code, stdout.Len(), stderr.String())
			}
		})
	}
}
