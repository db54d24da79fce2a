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
// plays i'mport (PortOne V1) identity verification on this machine, with test
// people instead of real ones. "certify help" lists all commands.
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

// command is one subcommand; each has a file of its own. run answers the exit
// code: 0 well, 1 failed, 2 used wrongly. It returns when ctx ends.
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
		return 2
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		usage(stdout)
		return 0
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "certify: there is no command %q\n\n", args[0])
	usage(stderr)
	return 2
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "Usage: certify <command> [arguments]")
	fmt.Fprintln(w)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprintf(w, "  %-9s %s\n", "help", "show this text")
	fmt.Fprintln(w)
	fmt.Fprintln(w, `"certify <command> -h" tells more about a command.`)
}
