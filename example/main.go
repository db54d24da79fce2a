// Command example is a small wine shop that shows what certify does: an open
// shelf, a cellar for adults, a checkout that wants a verification of the last
// minutes, a page for foreign guests, and one account for each person.
//
//	go run ./example
//
// runs it against certify's sandbox, where the people are invented, through
// i'mport (PortOne V1), with -provider portone through PortOne V2, and with
// both, -provider portone,iamport, while a site moves from one to the other. The
// variables that [settings] names put it in front of the real service.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "moonlight-wine:", err)
		os.Exit(1)
	}
}

// run serves the shop until ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	p := program{getenv: getenv, stdout: stdout, logger: slog.Default(), now: time.Now}
	return p.run(ctx, args)
}

// A program is the shop with the world around it, which tests replace.
type program struct {
	getenv func(string) string
	stdout io.Writer
	logger *slog.Logger
	now    func() time.Time
}

func (p program) run(ctx context.Context, args []string) error {
	cfg, err := readSettings(args, p.getenv, p.stdout)
	if err != nil {
		return err
	}
	if cfg.real == nil {
		return p.runSandboxed(ctx, cfg)
	}
	return p.runReal(ctx, cfg)
}
