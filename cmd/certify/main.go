// Command certify has the tools that go with the certify library.
//
//	certify keygen [-alg HS256|EdDSA|ES256] [-pepper]
//
// makes the line of the environment that a service needs.
//
//	certify inspect [-jwks FILE] [-issuer ISS] [-audience AUD] TOKEN
//
// explains a claim's token, and says whether it verifies and why not.
//
//	certify sandbox [-addr 127.0.0.1:8787]
//
// plays i'mport (PortOne V1) and PortOne V2 identity verification on this
// machine, with test people instead of real ones.
//
//	certify version
//
// says which version this is. "certify help" lists all commands, and "certify
// help COMMAND" tells about one.
//
// # Exit codes
//
// A command ends with 0 if it went well, with 1 if it failed, and with 2 if it
// was used wrongly. For inspect 0 means that the token verifies, 1 that it does
// not, and 2 that nobody could tell.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Exit codes.
const (
	exitWell = iota
	exitFailed
	exitMisused
)

// command is one subcommand; each has a file of its own. run answers the exit
// code, and returns when ctx ends.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, args []string, stdout, stderr io.Writer) int
}

func commands() []command {
	return []command{
		keygenCommand(),
		inspectCommand(os.Stdin, os.Getenv, time.Now),
		sandboxCommand(),
		versionCommand(),
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return exitMisused
	}
	if args[0] == "help" || isHelp(args[0]) {
		return help(ctx, args[1:], stdout, stderr)
	}
	if c, ok := find(args[0]); ok {
		return c.run(ctx, args[1:], stdout, stderr)
	}
	return unknown(args[0], stderr)
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

// help tells about one command, or lists them. It was asked for, so it goes to
// stdout.
func help(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stdout)
		return exitWell
	}
	if c, ok := find(args[0]); ok {
		return c.run(ctx, []string{"-h"}, stdout, stdout)
	}
	return unknown(args[0], stderr)
}

func find(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

func unknown(name string, stderr io.Writer) int {
	fmt.Fprintf(stderr, "certify: there is no command %q\n\n", name)
	usage(stderr)
	return exitMisused
}

func usage(w io.Writer) {
	fmt.Fprint(w, `certify has the tools that go with the certify library, which gates routes by
mobile identity verification (휴대폰 본인인증).

Usage: certify <command> [arguments]

`)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, `  help      tell about a command, or show this text

Begin with

  certify keygen            CERTIFY_KEYS=…, the key that signs claims
  certify keygen -pepper    CERTIFY_PEPPER=…, the key of the DI hash
  certify sandbox           a provider on this machine, with test people

"certify help <command>" tells more. A command ends with 0 if it went well, with
1 if it failed, and with 2 if it was used wrongly. Secrets go to stdout, alone on
their line, and everything else that is said to stderr.
`)
}
