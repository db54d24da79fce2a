package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

// beMain makes the test binary the shop itself, for the tests of the process.
const beMain = "CERTIFY_BE_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		observed()
		main()
		os.Exit(0)
	}
	code := m.Run()
	stopChromium()
	os.Exit(code)
}

// noon is a Korean noon, so that a test of some minutes stays in one day.
var noon = time.Date(2026, 8, 10, 12, 0, 0, 0, korea)

// patience is what a test waits for what it started itself.
const patience = 20 * time.Second

// A stand is the whole program, running, on a clock that the test sets.
type stand struct {
	t             testing.TB
	shop, sandbox string // URLs without a slash at the end
	db            string
	provider      string // v1 or v2
	output        *output

	mu      sync.Mutex
	clock   time.Time
	private []string // whatever nobody may print

	windows sync.Map // ids of the provider's windows that tests have seen
}

// output is what the program prints and logs, for those who wait for a line.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.written <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// wait waits for the URLs that the program prints once it listens.
func (o *output) wait(t testing.TB, ended <-chan error) (shop, sandbox string) {
	t.Helper()
	timeout := time.After(patience)
	urls := regexp.MustCompile(`(?s)open +(http://\S+)/\n  sandbox +(http://\S+)/sandbox `)
	for {
		if found := urls.FindStringSubmatch(o.String()); found != nil {
			return found[1], found[2]
		}
		select {
		case <-o.written:
		case err := <-ended:
			t.Fatalf("the program ended: %v\n%s", err, o)
		case <-timeout:
			t.Fatalf("the program does not listen:\n%s", o)
		}
	}
}

func newStand(t testing.TB) *stand { return newStandAt(t, noon) }

// newStandAt starts the program at that time, or with the real clock if zero.
func newStandAt(t testing.TB, at time.Time) *stand { return newStandOn(t, v1, at) }

func newStandOn(t testing.TB, provider string, at time.Time) *stand {
	t.Helper()
	s := &stand{t: t, clock: at, provider: provider, db: filepath.Join(t.TempDir(), "members.db"), output: &output{written: make(chan struct{}, 1)}}
	p := program{
		getenv: func(string) string { return "" }, stdout: s.output, now: s.now,
		logger: slog.New(slog.NewTextHandler(s.output, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- p.run(ctx, []string{"-addr", "127.0.0.1:0", "-sandbox", "127.0.0.1:0", "-db", s.db, "-provider", provider})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the program ended with: %v", err)
		}
		s.noSecrets("the output", s.output.String())
	})
	s.shop, s.sandbox = s.output.wait(t, ended)
	return s
}

func (s *stand) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clock.IsZero() {
		return time.Now()
	}
	return s.clock
}

func (s *stand) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

// hide names something that nobody may print.
func (s *stand) hide(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) > 4 && !slices.Contains(s.private, secret) {
			s.private = append(s.private, secret)
		}
	}
}

func (s *stand) noSecrets(where, text string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, secret := range s.private {
		if at := strings.Index(text, secret); at >= 0 {
			s.t.Errorf("%s holds personal data or a token (number %d, at byte %d)", where, i, at)
		}
	}
}

// onBoth tests the same through both providers.
func onBoth(t *testing.T, test func(t *testing.T, provider string)) {
	t.Helper()
	for _, provider := range []string{v1, v2} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			test(t, provider)
		})
	}
}

// learn hides what the sandbox knows of a verified person, as the provider
// gets it.
func (s *stand) learn(id string) {
	s.t.Helper()
	if s.provider == v2 {
		s.learnV2(id)
		return
	}
	token := s.fetch(http.MethodPost, "/users/getToken", `{"imp_key":"`+sandbox.DefaultKey+`","imp_secret":"`+sandbox.DefaultSecret+`"}`, "")["response"].(map[string]any)["access_token"].(string)
	record := s.fetch(http.MethodGet, "/certifications/"+id, "", "Bearer "+token)["response"].(map[string]any)
	s.hide(token, id, sandbox.DefaultSecret)
	s.hideTexts(record, "name", "birthday", "phone", "unique_key", "unique_in_site", "pg_tid")
	if birth, ok := record["birth"].(float64); ok && birth != 0 {
		s.hide(fmt.Sprintf("%.0f", birth))
	}
	if name, _ := record["name"].(string); record["certified"] == true && name == "" {
		s.t.Fatal("the sandbox's record has no name: this test would search for nothing")
	}
}

func (s *stand) learnV2(id string) {
	s.t.Helper()
	record := s.fetch(http.MethodGet, "/identity-verifications/"+id, "", "PortOne "+sandbox.DefaultAPISecret)
	s.hide(sandbox.DefaultAPISecret)
	s.hideTexts(record, "pgTxId", "pgRawResponse")
	customer, _ := record["verifiedCustomer"].(map[string]any)
	s.hideTexts(customer, "name", "birthDate", "phoneNumber", "ci", "di")
	if name, _ := customer["name"].(string); record["status"] == "VERIFIED" && name == "" {
		s.t.Fatal("the sandbox's record has no name: this test would search for nothing")
	}
}

func (s *stand) hideTexts(from map[string]any, names ...string) {
	for _, name := range names {
		if value, ok := from[name].(string); ok {
			s.hide(value)
		}
	}
}

func (s *stand) fetch(method, path, body, authorization string) map[string]any {
	s.t.Helper()
	req, err := http.NewRequest(method, s.sandbox+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", authorization)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s: status %d: %v", method, path, res.StatusCode, err)
	}
	return answer
}

// lookups counts how often the shop has asked the sandbox for a record.
func (s *stand) lookups() int {
	route := `route="GET /certifications/{imp_uid}"`
	if s.provider == v2 {
		route = `route="GET /identity-verifications/{id}"`
	}
	return strings.Count(s.output.String(), route)
}
