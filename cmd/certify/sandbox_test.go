package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

// asCommand makes the test binary behave as the command itself.
const asCommand = "CERTIFY_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// origin reads what the command prints until it has told its address.
func origin(t *testing.T, stdout io.Reader) (string, string) {
	t.Helper()
	var text strings.Builder
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			break
		}
	}
	m := regexp.MustCompile(`REST API +(http://\S+)`).FindStringSubmatch(text.String())
	if m == nil {
		t.Fatalf("no address in %q", text.String())
	}
	return m[1], text.String()
}

func TestSandboxServesUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	stdout, out := io.Pipe()
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"sandbox", "-addr", "127.0.0.1:0"}, out, io.Discard) }()
	base, text := origin(t, stdout)
	for _, want := range []string{
		sandbox.DefaultCode, sandbox.DefaultKey, sandbox.DefaultSecret, base + "/sandbox/people", base + "/v1/iamport.js",
		sandbox.DefaultStoreID, sandbox.DefaultAPISecret, base + "/v2/browser-sdk.js", sandbox.ChannelKeyDanal + "\n",
		sandbox.ChannelKeyInicis + "\n", sandbox.ChannelKeyKCP + "\n", sandbox.ChannelKeyInicisTest + " ", sandbox.ChannelKeyKCPTest + " ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the announcement lacks %s", want)
		}
	}
	for _, path := range []string{"/sandbox", "/sandbox/people", "/v1/iamport.js", "/v2/browser-sdk.js"} {
		resp, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", path, resp.StatusCode)
		}
	}
	cancel()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d, want 0", got)
	}
}

func TestServeUntilStopsListening(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveUntil(ctx, listener, http.NotFoundHandler()) }()
	resp, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is still open: %v", err)
	}
}

func TestSandboxPortTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var stderr strings.Builder
	if code := run(t.Context(), []string{"sandbox", "-addr", taken.Addr().String()}, io.Discard, &stderr); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(stderr.String(), "in use") {
		t.Errorf("stderr %q", stderr.String())
	}
}

func TestSandboxEndsWellOnSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "sandbox", "-addr", "127.0.0.1:0")
			cmd.Env = append(os.Environ(), asCommand+"=1")
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			origin(t, stdout)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("the command ended with %v", err)
			}
		})
	}
}
