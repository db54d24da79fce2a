package forwardauth_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
	"github.com/certify-go/certify/recipes/forwardauth"
)

// patience is what a test waits for what it started itself.
const patience = 60 * time.Second

const wineList = "the list of wines"

// A front is a real server in front of a static site, an app and certify.
type front struct {
	t       *testing.T
	url     string
	clock   *certifytest.Clock
	sandbox *certifytest.Sandbox
	store   *failingStore
	certify *httptest.Server
	session *certify.Sessions
	app     *recorder
}

// A recorder is the app behind, which notes what reaches it.
type recorder struct {
	mu   sync.Mutex
	seen []*http.Request
	body []string
}

func (a *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen, a.body = append(a.seen, r), append(a.body, string(body))
	fmt.Fprint(w, "paid")
}

// last is the last request that reached the app, and how many have.
func (a *recorder) last() (r *http.Request, body string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n = len(a.seen); n == 0 {
		return nil, "", 0
	}
	return a.seen[n-1], a.body[n-1], n
}

// servers are the front servers of the documentation, with its configurations.
var servers = []struct {
	name, config string
	// around makes a whole configuration of the one shown, and args starts the
	// server with it.
	around func(dir, config string) string
	args   func(dir, path string) []string
}{
	{"nginx", "nginx.conf", nginxAround, func(dir, path string) []string {
		return []string{"-p", dir, "-c", path, "-e", filepath.Join(dir, "error.log")}
	}},
	{"caddy", "Caddyfile", func(_, config string) string { return "{\n\tadmin off\n\tauto_https off\n}\n" + config }, func(dir, path string) []string {
		return []string{"run", "--config", path, "--adapter", "caddyfile"}
	}},
}

func nginxAround(dir, config string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "daemon off;\nmaster_process off;\npid %s/nginx.pid;\nevents {}\nhttp {\naccess_log off;\ntypes { text/html html; }\n", dir)
	for _, temp := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, "%s_temp_path %s/%s;\n", temp, dir, temp)
	}
	return b.String() + config + "}\n"
}

// needBinary skips where a real part is missing, or fails where none may be.
func needBinary(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CERTIFY_REQUIRE_REAL") == "1":
		t.Fatalf("%s is missing, and CERTIFY_REQUIRE_REAL is set", name)
	}
	t.Skipf("skipped, since %s is missing: nobody saw it ask certify", name)
	return ""
}

// newFront starts a server on a port that another process may take first: then
// on another one.
func newFront(t *testing.T, server int) *front {
	t.Helper()
	binary := needBinary(t, servers[server].name)
	f := &front{t: t, clock: certifytest.NewClock(noon), app: &recorder{}, store: &failingStore{Store: certify.NewMemoryStore(0, nil)}}
	f.sandbox = certifytest.NewSandbox(t, f.clock.Now)
	app := httptest.NewServer(f.app)
	t.Cleanup(app.Close)
	for range 5 {
		dir, listen, name := t.TempDir(), freeAddr(t), rand.Text()
		f.listenAt(t, listen)
		writeSite(t, filepath.Join(dir, "site"), name)
		config := replaced(t, servers[server].config, map[string]string{
			"127.0.0.1:8080": listen, "127.0.0.1:8081": f.certify.Listener.Addr().String(), "127.0.0.1:8082": app.Listener.Addr().String(),
			"/srv/site": filepath.Join(dir, "site"),
		})
		path := filepath.Join(dir, servers[server].config)
		if err := os.WriteFile(path, []byte(servers[server].around(dir, config)), 0o600); err != nil {
			t.Fatal(err)
		}
		if start(t, exec.Command(binary, servers[server].args(dir, path)...), dir, f.url, name) {
			return f
		}
	}
	t.Fatalf("%s does not start", binary)
	return nil
}

// listenAt is certify for the origin that the front server will have.
func (f *front) listenAt(t *testing.T, listen string) {
	t.Helper()
	f.url = "http://" + listen
	f.session = certifytest.NewSessions(t, certify.SessionConfig{Origin: f.url, Now: f.clock.Now, Store: f.store, Bearer: true})
	handler, err := forwardauth.New(f.session, f.sandbox.IAMPort, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	f.certify = httptest.NewServer(handler)
	t.Cleanup(f.certify.Close)
}

// writeSite writes the static site. Its name tells it from those of other tests.
func writeSite(t *testing.T, dir, name string) {
	t.Helper()
	for file, text := range map[string]string{"index.html": "home", "name.html": name, "wine/index.html": wineList, "wine/red.html": wineList, "wine/cellar/key.html": wineList} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// replaced is a configuration of the documentation, with the addresses of the
// test, each of which it has to name.
func replaced(t *testing.T, name string, with map[string]string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	for from, to := range with {
		if !strings.Contains(config, from) {
			t.Fatalf("%s does not name %s", name, from)
		}
		config = strings.ReplaceAll(config, from, to)
	}
	return config
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start starts a server, waits until it answers with the site of that name, and
// ends it with the test. It reports false if the server ends or another answers.
func start(t *testing.T, cmd *exec.Cmd, home, url, name string) bool {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if got, err := nameAt(url); err == nil {
			return got == name
		}
		select {
		case <-ended:
			t.Logf("%s ended at once:\n%s", cmd.Path, said.String())
			return false
		default:
		}
	}
	t.Fatalf("%s does not listen", cmd.Path)
	return false
}

// nameAt is the name of the site that answers there.
func nameAt(url string) (string, error) {
	res, err := http.Get(url + "/name.html")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}
