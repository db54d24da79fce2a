package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/certify-go/certify"
)

// maxInput bounds what is read from stdin, in bytes. A claim has 2 KB at most.
const maxInput = 64 << 10

func inspectCommand(stdin io.Reader, getenv func(string) string, now func() time.Time) command {
	return command{
		name:    "inspect",
		summary: "explain a claim's token, and say whether it verifies",
		run: func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
			in := inspection{getenv: getenv, now: now, stdout: stdout, stderr: stderr}
			return in.run(ctx, args, stdin)
		},
	}
}

// An inspection is one call of "certify inspect".
type inspection struct {
	getenv         func(string) string
	now            func() time.Time
	stdout, stderr io.Writer

	jwks, issuer, audience string
}

func (in *inspection) run(ctx context.Context, args []string, stdin io.Reader) int {
	flags := flag.NewFlagSet("certify inspect", flag.ContinueOnError)
	flags.SetOutput(in.stderr)
	flags.Usage = func() { in.usage(flags) }
	flags.StringVar(&in.jwks, "jwks", "", "`file` with the issuer's public keys; the environment's CERTIFY_KEYS by default")
	flags.StringVar(&in.issuer, "issuer", "", "the `iss` to expect; the token's own by default")
	flags.StringVar(&in.audience, "audience", "", "the `aud` to expect; the token's own by default")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() != 1 {
		return in.misused(errors.New(`one token is needed after the flags, or "-" to read it from stdin`))
	}
	token, err := readToken(flags.Arg(0), stdin)
	if err != nil {
		return in.misused(err)
	}
	x := explain(token, in.now())
	fmt.Fprint(in.stdout, x.text)
	keys, err := in.keys()
	if err != nil {
		return in.misused(err)
	}
	return in.judge(ctx, token, x, keys)
}

func (in *inspection) usage(flags *flag.FlagSet) {
	fmt.Fprint(in.stderr, `Usage: certify inspect [flags] TOKEN
       certify inspect [flags] - < FILE

explains the token of a claim, and ends with 0 if it verifies, 1 if it does not, and 2 if it could not tell.

`)
	flags.PrintDefaults()
}

func (in *inspection) misused(err error) int {
	fmt.Fprintln(in.stderr, "certify inspect:", err)
	return 2
}

func readToken(arg string, stdin io.Reader) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	raw, err := io.ReadAll(io.LimitReader(stdin, maxInput+1))
	if err != nil {
		return "", fmt.Errorf("stdin: %w", err)
	}
	if len(raw) > maxInput {
		return "", fmt.Errorf("stdin holds more than %d bytes: no token has as many", maxInput)
	}
	return string(bytes.TrimSpace(raw)), nil
}

func (in *inspection) keys() (*certify.Keys, error) {
	if in.jwks == "" {
		keys, err := certify.ParseKeys(in.getenv("CERTIFY_KEYS"))
		if err != nil {
			return nil, fmt.Errorf("whether it verifies only the service's keys can tell, in CERTIFY_KEYS or by -jwks FILE: %w", err)
		}
		return keys, nil
	}
	raw, err := os.ReadFile(in.jwks)
	if err != nil {
		return nil, fmt.Errorf("-jwks: %w", err)
	}
	return certify.ParseJWKS(raw)
}

// judge leaves the verdict to the reader that every request meets.
func (in *inspection) judge(ctx context.Context, token string, x explanation, keys *certify.Keys) int {
	issuer := in.expected("iss", "-issuer", in.issuer, x.issuer)
	audience := in.expected("aud", "-audience", in.audience, x.audience)
	sessions, err := certify.NewSessions(certify.SessionConfig{
		Origin: "https://localhost", Keys: keys, Issuer: issuer, Audience: audience, Now: in.now,
		InsecureForgetRevocations: true, // one token is read once: no Store could be asked
	})
	if err == nil {
		_, err = sessions.Read(ctx, token)
	} else if in.issuer != "" || in.audience != "" {
		return in.misused(err)
	}
	if err != nil {
		fmt.Fprintln(in.stdout, "It does NOT verify:", strings.TrimPrefix(err.Error(), "certify: "))
		return 1
	}
	fmt.Fprintln(in.stdout, "It verifies. Only the Store of its service knows whether it was revoked.")
	return 0
}

// expected notes what was taken from the token itself, which proves nothing.
func (in *inspection) expected(member, flagName, given, own string) string {
	if given != "" || own == "" {
		return given
	}
	fmt.Fprintf(in.stdout, "Note: without %s, the token's own %s is taken for the right one.\n", flagName, member)
	return own
}
