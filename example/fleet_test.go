package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

func quiet() *slog.Logger  { return slog.New(slog.DiscardHandler) }
func realClock() time.Time { return time.Now() }

// beObserved is where a process of the tests tells how it is, if anywhere.
const beObserved = "CERTIFY_OBSERVED"

// health is what grows where something leaks.
type health struct {
	Goroutines int
	Heap       uint64 // bytes that are in use after a collection
}

// observed serves the process's health to the test that started it.
func observed() {
	addr := os.Getenv(beObserved)
	if addr == "" {
		return
	}
	go http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		_ = json.NewEncoder(w).Encode(health{runtime.NumGoroutine(), m.HeapAlloc})
	}))
}

// needBinary skips where a real part is missing, or fails where none may be.
func needBinary(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CERTIFY_REQUIRE_REAL") == "1":
		t.Fatalf("%s is missing, and CERTIFY_REQUIRE_REAL is set", name)
	}
	t.Skipf("skipped, since %s is missing: nobody saw several processes serve one shop", name)
	return ""
}

// given are the addresses that tests have, whether somebody listens just now or
// is about to be started again.
var given sync.Map

// freeAddr is below the ports that connections are made from, thousands of them:
// one could take it while nobody listens.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprint("127.0.0.1:", 10_000+rand.IntN(20_000))
		if _, taken := given.LoadOrStore(addr, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// A fleet is three processes of the shop behind a real nginx, which sends each
// request to the next, with one real Redis and one sandbox.
type fleet struct {
	*stand
	people *sandbox.Server
	redis  *process
	net    *wire // between the shops and Redis
	nginx  *process
	shops  []*process
	watch  []string  // where the shops tell how they are
	sink   io.Writer // what they print

	mu   sync.Mutex
	keys string
}

func newFleet(t testing.TB) *fleet { return newFleetPrinting(t, nil) }

// newFleetPrinting keeps what the shops print, unless it is given a sink.
func newFleetPrinting(t testing.TB, sink io.Writer) *fleet {
	t.Helper()
	redis, nginx := needBinary(t, "redis-server"), needBinary(t, "nginx")
	test, err := sandbox.New(sandbox.Config{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	people := httptest.NewServer(test)
	t.Cleanup(people.Close)
	front := freeAddr(t)
	f := &fleet{
		stand:  &stand{t: t, shop: "http://" + front, sandbox: people.URL, output: &output{written: make(chan struct{}, 1)}},
		people: test,
		keys:   generateKey(t),
	}
	if f.sink = sink; sink == nil {
		f.sink = f.output
	}
	dir := t.TempDir()
	f.redis = &process{t: t, addr: freeAddr(t), ready: listens}
	_, port, _ := net.SplitHostPort(f.redis.addr)
	f.redis.make = func() *exec.Cmd {
		return exec.Command(redis, "--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--logfile", filepath.Join(dir, "redis.log"),
			"--appendonly", "yes", "--appendfsync", "always")
	}
	f.launch(f.redis)
	f.net = newWire(t, f.redis.addr)
	pepper := certify.GeneratePepper()
	for i := range 3 {
		f.addShop(i, dir, pepper)
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, []byte(f.nginxConf(dir, front)), 0o600); err != nil {
		t.Fatal(err)
	}
	f.nginx = &process{t: t, addr: front, ready: listens, make: func() *exec.Cmd {
		return exec.Command(nginx, "-p", dir, "-c", conf, "-e", filepath.Join(dir, "nginx.log"))
	}}
	f.launch(f.nginx)
	return f
}

func (f *fleet) launch(p *process) {
	p.start()
	f.t.Cleanup(func() { p.end(syscall.SIGTERM) })
}

func (f *fleet) addShop(i int, dir, pepper string) {
	p := &process{t: f.t, addr: freeAddr(f.t), ready: answers}
	watch := freeAddr(f.t)
	f.watch = append(f.watch, "http://"+watch)
	p.make = func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-addr", p.addr, "-redis", f.net.addr, "-db", filepath.Join(dir, fmt.Sprint("members-", i, ".db")))
		cmd.Env = []string{
			beMain + "=1", beObserved + "=" + watch, "ORIGIN=" + f.shop, "IMP_INSECURE_BASE_URL=" + f.sandbox,
			"IMP_CODE=" + sandbox.DefaultCode, "IMP_KEY=" + sandbox.DefaultKey, "IMP_SECRET=" + sandbox.DefaultSecret, "IMP_PG=" + sandbox.Danal,
			"CERTIFY_KEYS=" + f.currentKeys(), "CERTIFY_PEPPER=" + pepper,
		}
		cmd.Stdout, cmd.Stderr = f.sink, f.sink
		return cmd
	}
	f.shops = append(f.shops, p)
	f.launch(p)
}

// nginxConf is as plain as can be: round robin and no sessions that stick. The
// next shop is asked where one cannot be reached or hangs up, as one does that
// ends; of requests that are no GET only certify's, which may be repeated.
func (f *fleet) nginxConf(dir, front string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "daemon off;\nworker_processes 1;\npid %s/nginx.pid;\nevents { worker_connections 4096; }\nhttp {\n  access_log off;\n", dir)
	for _, temp := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, "  %s_temp_path %s/%s;\n", temp, dir, temp)
	}
	b.WriteString("  upstream shop {\n")
	for _, p := range f.shops {
		fmt.Fprintf(&b, "    server %s max_fails=0;\n", p.addr)
	}
	fmt.Fprintf(&b, "  }\n  proxy_set_header Host $http_host;\n  add_header X-Served-By $upstream_addr always;\n  keepalive_requests 1000000;\n"+
		"  server {\n    listen %s backlog=4096;\n    location / { proxy_pass http://shop; }\n"+
		"    location /certifications { proxy_pass http://shop; proxy_next_upstream error timeout non_idempotent; }\n  }\n}\n", front)
	return b.String()
}

func generateKey(t testing.TB) string {
	t.Helper()
	line, err := certify.GenerateKey("HS256")
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func (f *fleet) currentKeys() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys
}

// roll gives all shops new keys, one after the other.
func (f *fleet) roll(keys ...string) {
	f.mu.Lock()
	f.keys = strings.Join(keys, ",")
	f.mu.Unlock()
	for _, p := range f.shops {
		p.end(syscall.SIGTERM)
		p.start()
	}
}

// health asks a shop how it is, again if it was just started and does not tell
// yet.
func (f *fleet) health(i int) health {
	f.t.Helper()
	for deadline := time.Now().Add(patience); ; <-time.After(5 * time.Millisecond) {
		h, err := healthAt(f.watch[i])
		if err == nil {
			return h
		}
		if time.Now().After(deadline) {
			f.t.Fatal(err)
		}
	}
}

func healthAt(url string) (h health, err error) {
	res, err := http.Get(url)
	if err != nil {
		return h, err
	}
	defer res.Body.Close()
	err = json.NewDecoder(res.Body).Decode(&h)
	return h, err
}

// redisClients counts who is connected to Redis.
func (f *fleet) redisClients() (n int) {
	f.t.Helper()
	c, err := net.Dial("tcp", f.redis.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "INFO clients\r\n")
	for lines := bufio.NewScanner(c); lines.Scan(); {
		if _, err := fmt.Sscanf(lines.Text(), "connected_clients:%d", &n); err == nil {
			return n - 1
		}
	}
	f.t.Fatal("Redis does not say who is connected")
	return 0
}

// A caller is a visitor of the fleet, who may go to one process past nginx.
type caller struct {
	*visitor
	f *fleet
}

func (f *fleet) caller() *caller { return f.callerAt(f.shop) }

func (f *fleet) callerAt(url string) *caller {
	s := &stand{t: f.t, shop: url, sandbox: f.sandbox, output: f.output}
	f.t.Cleanup(func() { s.noSecrets("what the processes printed", f.output.String()) })
	c := &caller{s.visitor(), f}
	c.client.Transport = polite{http.DefaultTransport}
	return c
}

// polite comes again where it is asked to: Redis may be too slow on a busy
// machine, and 503 is a right answer then.
type polite struct{ http.RoundTripper }

func (p polite) RoundTrip(req *http.Request) (*http.Response, error) {
	for deadline := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		again := req.Clone(req.Context())
		again.Body, _ = req.GetBody()
		res, err := p.RoundTripper.RoundTrip(again)
		if err != nil || res.StatusCode != http.StatusServiceUnavailable || time.Now().After(deadline) {
			return res, err
		}
		res.Body.Close()
	}
}

// at is the caller with the same cookies, at one process.
func (c *caller) at(i int) *caller {
	other := c.f.callerAt("http://" + c.f.shops[i].addr)
	other.client = c.client
	return other
}

// thief is somebody else who has the caller's cookies.
func (c *caller) thief() *caller {
	u, err := url.Parse(c.shop)
	if err != nil {
		c.t.Fatal(err)
	}
	other := c.f.callerAt(c.shop)
	other.client.Jar.SetCookies(u, c.client.Jar.Cookies(u))
	return other
}

// verified completes a verification at the sandbox.
func (f *fleet) verified(attempt, person string) (impUID string) {
	f.t.Helper()
	done, err := f.people.Verify(sandbox.Verification{MerchantUID: attempt, Person: person, PGProvider: sandbox.Danal})
	if err != nil {
		f.t.Fatal(err)
	}
	return done.ImpUID
}

// pass goes all the way from the start to a claim.
func (c *caller) pass() {
	c.t.Helper()
	if a := c.confirm(c.f.verified(c.begin(""), sandbox.Adult)); a.StatusCode != http.StatusOK {
		c.t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
}
