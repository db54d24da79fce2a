package certify_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A site is an app with certify in it, on a real server, with a clock that the
// test sets.
type site struct {
	*httptest.Server
	t        testing.TB
	provider *fakeProvider
	sessions *certify.Sessions
	log      *syncBuffer

	mu    sync.Mutex
	clock time.Time
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

var (
	testKey    = "hs256-secret:" + strings.Repeat("A", 43)
	testPepper = []byte("pepper-pepper-pepper-pepper-pepper")
)

func testKeys(t testing.TB, lines ...string) *certify.Keys {
	t.Helper()
	if len(lines) == 0 {
		lines = []string{testKey}
	}
	keys, err := certify.ParseKeys(strings.Join(lines, ","))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

type siteConfig struct {
	sessions func(*certify.SessionConfig)
	handler  func(*certify.HandlerConfig)
	routes   func(*http.ServeMux)
}

// noon is a Korean noon, so that a test that goes on for minutes stays in a day.
var noon = time.Date(2026, 8, 10, 12, 0, 0, 0, time.FixedZone("KST", 9*3600))

func newSite(t testing.TB, cfg siteConfig) *site {
	t.Helper()
	s := &site{t: t, clock: noon, log: &syncBuffer{}}
	s.provider = &fakeProvider{now: s.now}
	s.Server = httptest.NewUnstartedServer(nil)
	sc := certify.SessionConfig{
		Origin: "http://" + s.Listener.Addr().String(), Keys: testKeys(t), Now: s.now,
		Logger: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if cfg.sessions != nil {
		cfg.sessions(&sc)
	}
	var err error
	if s.sessions, err = certify.NewSessions(sc); err != nil {
		t.Fatal(err)
	}
	hc := certify.HandlerConfig{Sessions: s.sessions, Provider: s.provider, Pepper: testPepper}
	if cfg.handler != nil {
		cfg.handler(&hc)
	}
	handler, err := certify.NewHandler(hc)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/certifications", handler)
	mux.Handle("/certifications/", handler)
	cellar := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "wine") })
	mux.Handle("/cellar", certify.Require(certify.YouthProtection())(cellar))
	mux.Handle("/pay", certify.Require(certify.All(certify.MinAge(19), certify.FreshWithin(10*time.Minute)))(cellar))
	if cfg.routes != nil {
		cfg.routes(mux)
	}
	s.Config.Handler = s.sessions.Load(mux)
	s.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(s.log, nil), slog.LevelError)
	s.Start()
	t.Cleanup(s.Close)
	t.Cleanup(func() { noSecrets(t, "the log", s.log.String()) })
	return s
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

func (s *site) wait(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

// aToken is a JOSE header and the dot behind it. A hash may have its letters.
var aToken = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.`)

func noSecrets(t testing.TB, where, text string) {
	t.Helper()
	for _, secret := range []string{secretName, "홍길동", secretPhone, secretCI, secretDI, "1990-03-14"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds personal data: %q", where, secret)
		}
	}
	if aToken.MatchString(text) {
		t.Errorf("%s holds a token", where)
	}
}

// A browser keeps cookies and follows no redirects.
type browser struct {
	*site
	jar    *cookiejar.Jar
	client *http.Client
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s, jar, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// An answer is a response, read.
type answer struct {
	*http.Response
	body string
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("status %d, not JSON: %q", a.StatusCode, a.body)
	}
	return m
}

// code is the problem's.
func (a answer) code() string {
	var m struct{ Code string }
	_ = json.Unmarshal([]byte(a.body), &m)
	return m.Code
}

func (b *browser) do(method, path, contentType, body string, header ...string) answer {
	b.t.Helper()
	a, err := b.try(method, path, contentType, body, header...)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// aside is do in another goroutine, which must not end the test.
func (b *browser) aside(method, path, jsonBody string, header ...string) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		a, err := b.try(method, path, "application/json", jsonBody, header...)
		if err != nil {
			a = answer{&http.Response{}, err.Error()}
		}
		done <- a
	}()
	return done
}

func (b *browser) try(method, path, contentType, body string, header ...string) (answer, error) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.URL+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := b.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	where, _, _ := strings.Cut(path, "?")
	noSecrets(b.t, method+" "+where, string(text))
	return answer{res, string(text)}, nil
}

func (b *browser) get(path string, header ...string) answer {
	b.t.Helper()
	return b.do("GET", path, "", "", header...)
}

func (b *browser) post(path, jsonBody string, header ...string) answer {
	b.t.Helper()
	return b.do("POST", path, "application/json", jsonBody, header...)
}

var navigation = []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Accept", "text/html"}

// begin begins an attempt and returns its id.
func (b *browser) begin(returnTo string) string {
	b.t.Helper()
	a := b.post("/certifications/attempts", `{"return_to":"`+returnTo+`"}`)
	if a.StatusCode != http.StatusCreated {
		b.t.Fatalf("begin: status %d: %s", a.StatusCode, a.body)
	}
	return a.json(b.t)["merchant_uid"].(string)
}

// pass verifies an adult from start to claim.
func (b *browser) pass(change ...func(*certify.Identity)) {
	b.t.Helper()
	attempt := b.begin("/cellar")
	b.provider.verify("imp_"+attempt[:12], attempt, change...)
	if a := b.post("/certifications", `{"imp_uid":"imp_`+attempt[:12]+`"}`); a.StatusCode != http.StatusOK {
		b.t.Fatalf("pass: status %d: %s", a.StatusCode, a.body)
	}
}

// cookie returns the value of a cookie that the browser holds.
func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.URL)
	for _, c := range b.jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// rawPost posts JSON without cookies, for answers that may hold a token.
func (s *site) rawPost(t testing.TB, path, body string, header ...string) (int, map[string]any, http.Header) {
	t.Helper()
	req, err := http.NewRequest("POST", s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var doc map[string]any
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		t.Fatalf("POST %s: status %d, not JSON", path, res.StatusCode)
	}
	return res.StatusCode, doc, res.Header
}
