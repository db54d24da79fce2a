package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/certify-go/certify/sandbox"
)

func sandboxCommand() command {
	return command{
		name:    "sandbox",
		summary: "play PortOne identity verification (V1 and V2) on this machine",
		run:     runSandbox,
	}
}

func runSandbox(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("certify sandbox", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, sandboxUsage)
		flags.PrintDefaults()
	}
	addr := flags.String("addr", "127.0.0.1:8787", "loopback `address` to listen on; port 0 takes any free one")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "certify sandbox: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	if err := checkLoopback(*addr); err != nil {
		fmt.Fprintln(stderr, "certify sandbox:", err)
		return 2
	}
	if err := serveSandbox(ctx, *addr, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "certify sandbox:", err)
		return 1
	}
	return 0
}

const sandboxUsage = `Usage: certify sandbox [flags]

plays PortOne's REST APIs, browser SDKs and window on this machine, with test people, and prints what to configure: in
iamport.Config or portone.Config set InsecureBaseURL to the REST API and ScriptURL to the browser SDK.

`

// checkLoopback refuses an address others could reach: the sandbox calls
// whoever asks certified.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("-addr %q is not host:port, such as 127.0.0.1:8787", addr)
	}
	if host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Unmap().IsLoopback() {
		return fmt.Errorf("-addr %q is not a loopback address; others must not reach the sandbox, so use 127.0.0.1, [::1] or localhost", addr)
	}
	return nil
}

func serveSandbox(ctx context.Context, addr string, stdout, stderr io.Writer) error {
	s, err := sandbox.New(sandbox.Config{Logger: slog.New(slog.NewTextHandler(stderr, nil))})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	// "localhost" is what the machine's resolver makes of it.
	if err := checkLoopback(listener.Addr().String()); err != nil {
		_ = listener.Close()
		return err
	}
	announce(stdout, "http://"+listener.Addr().String())
	return serveUntil(ctx, listener, s)
}

func announce(w io.Writer, origin string) {
	fmt.Fprintf(w, `The sandbox is running. It verifies nobody: everyone in it is made up.

  what it is    %[1]s/sandbox
  test people   %[1]s/sandbox/people
  REST API      %[1]s  (of V1 and of V2)

  V1 (i'mport)
  browser SDK   %[1]s/v1/iamport.js
  merchant code %[2]s
  imp_key       %[3]s
  imp_secret    %[4]s

  V2 (PortOne)
  browser SDK   %[1]s/v2/browser-sdk.js
  store id      %[5]s
  API secret    %[6]s
  channel keys  %[7]s

In iamport.Config or portone.Config, InsecureBaseURL is the REST API and ScriptURL the browser SDK.
Ctrl-C ends it and forgets everything.
`, origin, sandbox.DefaultCode, sandbox.DefaultKey, sandbox.DefaultSecret,
		sandbox.DefaultStoreID, sandbox.DefaultAPISecret, strings.Join(channelKeys(), "\n                "))
}

// channelKeys has the live ones first: a provider refuses the others.
func channelKeys() []string {
	const test = "  (a test channel)"
	return []string{
		sandbox.ChannelKeyDanal, sandbox.ChannelKeyInicis, sandbox.ChannelKeyKCP,
		sandbox.ChannelKeyInicisTest + test, sandbox.ChannelKeyKCPTest + test,
	}
}

// serveUntil serves until ctx ends, then lets the requests under way finish.
func serveUntil(ctx context.Context, listener net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}
