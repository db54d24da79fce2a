package redisstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/redisstore"
)

// A bureau verifies whoever asks, as a 40-year-old. It stands for the provider
// that all instances share.
type bureau struct{ done sync.Map }

func (b *bureau) Name() string { return "bureau" }

func (b *bureau) Begin(certify.Attempt) certify.Start {
	return certify.Start{Script: "https://bureau.example/sdk.js", IDName: "merchant_uid", Calls: []certify.Call{{Function: "SDK.open"}}}
}

func (b *bureau) CallbackID(v url.Values, a certify.Attempt) (string, error) {
	if id := v.Get("imp_uid"); id != "" {
		return id, nil
	}
	return "", certify.CodeVerificationIDMissing
}

// verify completes a verification of the attempt.
func (b *bureau) verify(id, attempt string) { b.done.Store(id, attempt) }

func (b *bureau) Lookup(_ context.Context, id string) (*certify.Identity, error) {
	attempt, ok := b.done.Load(id)
	if !ok {
		return nil, &certify.ProviderError{Code: certify.CodeVerificationRefused, Detail: "no such record"}
	}
	now := time.Now()
	born, err := certify.ParseBirthDate(now.AddDate(-40, 0, 0).Format(time.DateOnly), now)
	if err != nil {
		return nil, err
	}
	return &certify.Identity{ID: id, AttemptID: attempt.(string), Channel: "danal", VerifiedAt: now, BirthDate: born, DI: "synthetic"}, nil
}

// An instance is one of several processes that serve an app.
type instance struct {
	*httptest.Server
	sessions *certify.Sessions
}

func instances(t testing.TB, n int, cfg redisstore.Config, nodes int, b *bureau) (all []*instance) {
	t.Helper()
	keys := newKeys(t)
	for range n {
		store, _ := openWarm(t, cfg, nodes)
		all = append(all, newInstance(t, b, certify.SessionConfig{Keys: keys, Store: store, Account: login}))
	}
	return all
}

func newKeys(t testing.TB) *certify.Keys {
	t.Helper()
	line, err := certify.GenerateKey("HS256")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := certify.ParseKeys(line)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// login is the app's own.
func login(r *http.Request) (string, error) {
	c, err := r.Cookie("login")
	if err != nil {
		return "", nil
	}
	return c.Value, nil
}

func newInstance(t testing.TB, b *bureau, cfg certify.SessionConfig) *instance {
	t.Helper()
	cfg.Origin, cfg.Logger = "http://127.0.0.1:8080", slog.New(slog.DiscardHandler)
	sessions, err := certify.NewSessions(cfg)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: b, Pepper: []byte(strings.Repeat("pepper", 6))})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/certifications", handler)
	mux.Handle("/certifications/", handler)
	mux.Handle("/cellar", certify.Require(certify.YouthProtection())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "wine") })))
	in := &instance{httptest.NewServer(sessions.Load(mux)), sessions}
	t.Cleanup(in.Close)
	return in
}

// A visitor keeps cookies, which all instances get: they are one host.
type visitor struct {
	t      testing.TB
	client *http.Client
}

func newVisitor(t testing.TB, account string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(&url.URL{Scheme: "http", Host: "127.0.0.1"}, []*http.Cookie{{Name: "login", Value: account, Path: "/"}})
	return &visitor{t, &http.Client{Jar: jar}}
}

func (v *visitor) send(in *instance, method, path, body string) (status int, header http.Header, doc map[string]any) {
	v.t.Helper()
	req, err := http.NewRequest(method, in.URL+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	_ = json.NewDecoder(res.Body).Decode(&doc)
	return res.StatusCode, res.Header, doc
}

func (v *visitor) want(in *instance, method, path, body string, status int) map[string]any {
	v.t.Helper()
	got, _, doc := v.send(in, method, path, body)
	for deadline := time.Now().Add(patience); got == http.StatusServiceUnavailable && time.Now().Before(deadline); tick() {
		got, _, doc = v.send(in, method, path, body) // as it asked for: the machine stood still
	}
	if got != status {
		v.t.Fatalf("%s %s: status %d, want %d: %v", method, path, got, status, doc["code"])
	}
	return doc
}

// pass begins at one instance and ends at another.
func (v *visitor) pass(b *bureau, begin, end *instance) (attempt string) {
	v.t.Helper()
	attempt = v.want(begin, "POST", "/certifications/attempts", `{"return_to":"/cellar"}`, http.StatusCreated)["merchant_uid"].(string)
	b.verify("imp_"+attempt, attempt)
	v.want(end, "POST", "/certifications", `{"imp_uid":"imp_`+attempt+`"}`, http.StatusOK)
	return attempt
}

// refusedWithin waits for an instance to refuse, which it must within a second.
func (v *visitor) refusedWithin(in *instance, since time.Time) {
	v.t.Helper()
	for {
		asked := time.Since(since)
		status, _, doc := v.send(in, "GET", "/cellar", "")
		if status == http.StatusUnauthorized && doc["code"] == string(certify.CodeClaimRevoked) {
			return
		}
		if status == http.StatusServiceUnavailable && asked < patience { // the machine stood still
			continue
		}
		if status != http.StatusOK || asked > staleFor {
			v.t.Fatalf("%s after the revocation: status %d, %v", asked, status, doc["code"])
		}
	}
}

func TestInstances(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	b := &bureau{}
	in := instances(t, 3, config(redis.addr), 1, b)
	v := newVisitor(t, "kim")
	v.want(in[2], "GET", "/cellar", "", http.StatusUnauthorized)
	v.want(in[0], "POST", "/certifications/attempts", `{}`, http.StatusCreated) // the first of all starts the clock
	var attempt string
	eventually(t, "a verification asks Redis for 1 SET and at most 5 GETs, as docs/scale.md says", func() bool { // beside looks at markers
		sets, gets := redis.calls("set"), redis.calls("get")
		v = newVisitor(t, "kim")
		attempt = v.pass(b, in[0], in[1])
		return redis.calls("set")-sets == 1 && redis.calls("get")-gets <= 5
	})
	v.want(in[2], "GET", "/cellar", "", http.StatusOK)

	// The same again, anywhere, is no harm; something else is.
	v.want(in[2], "POST", "/certifications", `{"imp_uid":"imp_`+attempt+`"}`, http.StatusOK)
	b.verify("imp_other", attempt)
	for _, each := range in {
		if doc := v.want(each, "POST", "/certifications", `{"imp_uid":"imp_other"}`, http.StatusConflict); doc["code"] != string(certify.CodeAttemptUsed) {
			t.Errorf("another verification under the attempt: %v", doc["code"])
		}
	}

	// A gate asks Redis about a claim once, and not again: were the keys of
	// revocations renamed in certify, this package would not know them.
	for _, each := range in {
		eventually(t, "a gate asks no more", func() bool {
			return asks(redis, func() {
				for range 20 {
					v.want(each, "GET", "/cellar", "", http.StatusOK)
				}
			}) == 0
		})
	}

	stolen := newVisitor(t, "kim")
	stolen.client.Jar.SetCookies(&url.URL{Scheme: "http", Host: "127.0.0.1"}, v.client.Jar.Cookies(&url.URL{Scheme: "http", Host: "127.0.0.1"}))
	stolen.want(in[1], "GET", "/cellar", "", http.StatusOK)
	v.want(in[0], "POST", "/certifications/logout", "", http.StatusNoContent)
	out := time.Now()
	for _, each := range in {
		stolen.refusedWithin(each, out)
	}
}

func TestInstancesRevokeAnAccount(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	b := &bureau{}
	in := instances(t, 2, config(redis.addr), 1, b)
	kim, lee := newVisitor(t, "kim"), newVisitor(t, "lee")
	kim.pass(b, in[0], in[1])
	lee.pass(b, in[1], in[0])
	for _, each := range in {
		kim.want(each, "GET", "/cellar", "", http.StatusOK)
		lee.want(each, "GET", "/cellar", "", http.StatusOK)
	}
	if err := in[0].sessions.RevokeAccount(t.Context(), "kim"); err != nil {
		t.Fatal(err)
	}
	out := time.Now()
	kim.refusedWithin(in[0], out)
	kim.refusedWithin(in[1], out)
	lee.want(in[1], "GET", "/cellar", "", http.StatusOK)
}

// Where answers are not kept, a gate asks Redis for the claim and for the site,
// and for the account if there are accounts.
func TestInstancesWithoutCache(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	cfg := config(redis.addr)
	cfg.CacheEntries = -1
	store := open(t, cfg)
	for account, want := range map[string]int64{"": 2, "kim": 3} {
		session := certify.SessionConfig{Keys: newKeys(t), Store: store}
		if account != "" {
			session.Account = login
		}
		b := &bureau{}
		in, v := newInstance(t, b, session), newVisitor(t, account)
		v.pass(b, in, in)
		eventually(t, "10 gated requests ask Redis as often as is written", func() bool { // beside looks at markers
			return asks(redis, func() {
				for range 10 {
					v.want(in, "GET", "/cellar", "", http.StatusOK)
				}
			}) == 10*want
		})
	}
}

// One verification that arrives a hundred times at once, everywhere, is one
// claim.
func TestInstancesRace(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	b := &bureau{}
	in := instances(t, 3, config(redis.addr), 1, b)
	v := newVisitor(t, "kim")
	attempt := v.want(in[0], "POST", "/certifications/attempts", `{"return_to":"/cellar"}`, http.StatusCreated)["merchant_uid"].(string)
	won := make([]string, 60)
	var all sync.WaitGroup
	for i := range won {
		id := fmt.Sprintf("imp_%d", i%2) // two verifications under one attempt
		b.verify(id, attempt)
		all.Go(func() {
			if status, _, doc := v.send(in[i%3], "POST", "/certifications", `{"imp_uid":"`+id+`"}`); status == http.StatusOK {
				won[i] = id
			} else if doc["code"] != string(certify.CodeAttemptUsed) {
				t.Errorf("status %d, %v", status, doc["code"])
			}
		})
	}
	all.Wait()
	ids := make(map[string]int)
	for _, id := range won {
		ids[id]++
	}
	if len(ids) != 2 || ids[""] != len(won)/2 {
		t.Errorf("of two verifications under one attempt passed: %v", ids)
	}
}

func (v *visitor) isAskedToComeAgain(in *instance, late *lateness, method, path, body string) {
	v.t.Helper()
	began := time.Now()
	status, header, doc := v.send(in, method, path, body)
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || doc["code"] != string(certify.CodeStoreUnavailable) {
		v.t.Errorf("%s without Redis: status %d, Retry-After %q, %v", path, status, header.Get("Retry-After"), doc["code"])
	}
	if took := time.Since(began); late.beyond(took, 2*redisstore.MaxTimeout) {
		v.t.Errorf("%s without Redis took %s", path, took)
	}
}

// Without Redis nobody is let in, everybody is asked to come again, and then
// all is as it was.
func TestInstancesWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := redisServer(t, "--appendonly", "yes", "--appendfsync", "always")
	b := &bureau{}
	cfg := config(redis.addr)
	in := instances(t, 2, cfg, 1, b)
	v := newVisitor(t, "kim")
	v.pass(b, in[0], in[1])
	late := newLateness(t)
	other := newVisitor(t, "lee")
	attempt := other.want(in[0], "POST", "/certifications/attempts", `{"return_to":"/cellar"}`, http.StatusCreated)["merchant_uid"].(string)
	b.verify("imp_lee", attempt)
	redis.kill()
	for _, each := range in {
		eventually(t, "what was known is forgotten", func() bool {
			status, _, _ := v.send(each, "GET", "/cellar", "")
			return status != http.StatusOK
		})
	}
	for _, each := range in {
		v.isAskedToComeAgain(each, late, "GET", "/cellar", "")
		v.isAskedToComeAgain(each, late, "POST", "/certifications/logout", "")
		other.isAskedToComeAgain(each, late, "POST", "/certifications", `{"imp_uid":"imp_lee"}`)
	}
	redis.restart()
	eventually(t, "Redis is back", func() bool {
		status, _, _ := v.send(in[1], "GET", "/cellar", "")
		return status == http.StatusOK
	})
	eventually(t, "the verification is finished", func() bool {
		status, _, _ := other.send(in[1], "POST", "/certifications", `{"imp_uid":"imp_lee"}`)
		return status == http.StatusOK
	})
	other.want(in[0], "GET", "/cellar", "", http.StatusOK)
}
