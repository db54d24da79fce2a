package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/certify-go/certify"
)

func keygenCommand() command {
	return command{
		name:    "keygen",
		summary: "make a signing key, or the pepper of the DI hash",
		run:     runKeygen,
	}
}

// runKeygen prints one line and nothing else to stdout, ready for a file of
// environment variables.
func runKeygen(_ context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("certify keygen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, `Usage: certify keygen [-alg HS256|EdDSA|ES256]
       certify keygen -pepper

prints one line for the environment of the service: CERTIFY_KEYS, which signs
claims and may be rotated (CERTIFY_KEYS=new,old), or CERTIFY_PEPPER, which keys
the DI hash and must never change. Keep both as you keep passwords:

  certify keygen >> .env && certify keygen -pepper >> .env

`)
		flags.PrintDefaults()
	}
	alg := flags.String("alg", "HS256", "`algorithm`: HS256, or EdDSA or ES256 where other services verify claims with public keys")
	pepper := flags.Bool("pepper", false, "make the pepper, which keys the DI hash and outlives the signing keys")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	algGiven := false
	flags.Visit(func(f *flag.Flag) { algGiven = algGiven || f.Name == "alg" })
	switch {
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "certify keygen: unexpected argument %q\n", flags.Arg(0))
		return 2
	case *pepper && algGiven:
		fmt.Fprintln(stderr, "certify keygen: a pepper has no algorithm: leave out -alg or -pepper")
		return 2
	case *pepper:
		return printLine(stdout, "CERTIFY_PEPPER="+certify.GeneratePepper())
	}
	key, err := certify.GenerateKey(*alg)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	return printLine(stdout, "CERTIFY_KEYS="+key)
}

func printLine(w io.Writer, line string) int {
	if _, err := fmt.Fprintln(w, line); err != nil {
		return 1
	}
	return 0
}
