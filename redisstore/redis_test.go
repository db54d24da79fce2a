package redisstore_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/certify-go/certify/redisstore"
)

// patience is for what a busy machine may make slow.
const patience = 60 * time.Second

// A server is a real Redis of the test's own.
type server struct {
	t    testing.TB
	addr string
	args []string
	log  string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
}

// redisServer starts one on a free port, with what is given on its command line.
func redisServer(t testing.TB, args ...string) *server {
	t.Helper()
	needBinary(t, "redis-server")
	for range 5 { // another process may take the port first
		port := freePort(t)
		s := &server{t: t, addr: "127.0.0.1:" + port, log: filepath.Join(t.TempDir(), "redis.log")}
		s.args = append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", filepath.Dir(s.log), "--logfile", s.log,
			"--save", "", "--appendonly", "no", "--databases", "16"}, args...)
		if s.start() {
			t.Cleanup(s.kill)
			return s
		}
	}
	t.Fatal("redis-server does not start")
	return nil
}

func needBinary(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("CERTIFY_REQUIRE_REAL") == "1" {
		t.Fatalf("%s is missing, and CERTIFY_REQUIRE_REAL is set: apt-get install %s", name, name)
	}
	t.Skipf("skipped, since %s is missing: nothing of this was tested against a real Redis", name)
}

// freePort is below the ports that connections are made from: one could take it
// while a server is down.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(10_000 + rand.IntN(20_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// start reports whether Redis answers.
func (s *server) start() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cmd = exec.Command("redis-server", s.args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	cmd, exited := s.cmd, make(chan struct{})
	s.exited = exited
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		select {
		case <-exited:
			return false
		default:
		}
		if reply, err := raw(s.addr, "PING"); err == nil && (strings.HasPrefix(reply, "+PONG") || strings.HasPrefix(reply, "-NOAUTH")) {
			return true
		}
		tick()
	}
	return false
}

// kill is kill -9: nothing is saved, nothing said.
func (s *server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	_ = s.cmd.Process.Kill()
	<-s.exited
}

func (s *server) restart() {
	s.t.Helper()
	if !s.start() {
		s.t.Fatal("redis-server does not start again")
	}
}

// stop is kill -STOP: its connections stay open, and nothing answers. It
// returns when Redis stands still.
func (s *server) stop() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	status := fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid)
	eventually(s.t, "Redis is stopped", func() bool {
		text, err := os.ReadFile(status)
		return err != nil || bytes.Contains(text, []byte("State:\tT")) // no /proc, no proof
	})
}

func (s *server) cont() { s.signal(syscall.SIGCONT) }

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// do sends a command on a connection of its own, and wants no error.
func (s *server) do(args ...string) string {
	s.t.Helper()
	reply, err := raw(s.addr, args...)
	for range 5 { // a sentinel that promotes a server ends its connections
		if err == nil {
			break
		}
		tick()
		reply, err = raw(s.addr, args...)
	}
	if err != nil || strings.HasPrefix(reply, "-") {
		s.t.Fatalf("%s: %s: %v %s", s.addr, strings.Join(args, " "), err, reply)
	}
	return reply
}

// stat is a number that INFO tells.
func (s *server) stat(name string) int64 {
	s.t.Helper()
	_, rest, _ := strings.Cut(s.do("INFO", "everything"), "\n"+name+":")
	text, _, _ := strings.Cut(rest, "\r")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatalf("INFO %s: %v", name, err)
	}
	return n
}

// calls is how often Redis was asked for a command.
func (s *server) calls(command string) int64 {
	s.t.Helper()
	info := s.do("INFO", "commandstats")
	_, rest, found := strings.Cut(info, "cmdstat_"+command+":calls=")
	if !found {
		return 0
	}
	text, _, _ := strings.Cut(rest, ",")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// raw speaks RESP without the client under test.
func raw(addr string, args ...string) (string, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := c.Write(b.Bytes()); err != nil {
		return "", err
	}
	return readReply(bufio.NewReader(c))
}

// readReply returns one reply as it was sent.
func readReply(r *bufio.Reader) (string, error) {
	reply, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	n, _ := strconv.Atoi(strings.TrimSpace(reply[1:]))
	switch {
	case reply[0] == '$' && n >= 0: // less is nil
		body := make([]byte, n+2)
		_, err = io.ReadFull(r, body)
		reply += string(body)
	case reply[0] == '*':
		for range n {
			part, failed := readReply(r)
			reply, err = reply+part, errors.Join(err, failed)
		}
	}
	return reply, err
}

// tick waits a little for another process, whose clock no test can set.
func tick() { <-time.After(5 * time.Millisecond) }

// eventually waits for what another process or goroutine is about to do.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); tick() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// config is for stores on the given addresses that log to nowhere, and wait for
// a busy machine.
func config(addrs ...string) redisstore.Config {
	return redisstore.Config{
		Client:  rueidis.ClientOption{InitAddress: addrs},
		Timeout: redisstore.MaxTimeout,
		Logger:  slog.New(slog.DiscardHandler),
	}
}

// open tries again where the machine was too slow for a short timeout.
func open(t testing.TB, cfg redisstore.Config) *redisstore.Store {
	t.Helper()
	var s *redisstore.Store
	var err error
	for deadline := time.Now().Add(patience / 4); s == nil; tick() {
		if s, err = redisstore.New(cfg); s == nil && time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	t.Cleanup(s.Close)
	return s
}

// A logbook keeps what a store logs, and can wait for it.
type logbook struct {
	slog.Handler
	mu   sync.Mutex
	text bytes.Buffer
}

func newLogbook() *logbook {
	l := &logbook{}
	l.Handler = slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})
	return l
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

func bookLogger(l *logbook) *slog.Logger { return slog.New(l) }

const (
	hears = "cache on: a node tells of revocations"
	lost  = "cache off: a node does not tell of revocations"
)

// openWarm waits until each of the nodes tells of changes, so that answers are
// kept in memory.
func openWarm(t testing.TB, cfg redisstore.Config, nodes int) (*redisstore.Store, *logbook) {
	t.Helper()
	book := newLogbook()
	cfg.Logger = slog.New(book)
	s := open(t, cfg)
	if cfg.CacheEntries >= 0 {
		eventually(t, hears, func() bool { return book.count(hears) >= nodes })
	}
	return s, book
}

// fastForward shortens what is left to every key that begins with prefix.
func fastForward(t testing.TB, prefix string, d time.Duration, servers ...*server) {
	t.Helper()
	for _, s := range servers {
		c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.addr}, DisableCache: true, ForceSingleClient: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctx := context.Background()
		keys, err := c.Do(ctx, c.B().Keys().Pattern(strings.ReplaceAll(prefix, "[", `\[`)+"*").Build()).AsStrSlice()
		if err != nil {
			t.Fatal(err)
		}
		for batch := range slices.Chunk(keys, 100) {
			for _, key := range batch {
				left, err := c.Do(ctx, c.B().Pttl().Key(key).Build()).AsInt64()
				if err == nil && left >= 0 {
					err = c.Do(ctx, c.B().Pexpire().Key(key).Milliseconds(left-d.Milliseconds()).Build()).Error()
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
