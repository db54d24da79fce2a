package logins_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gorilla/sessions"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
	"github.com/certify-go/certify/recipes/logins"
)

const origin = "http://127.0.0.1:8080"

// A kind is a login of the app's, as it stands around certify.
type kind struct {
	name    string
	account func(*http.Request) (string, error)
	signIn  func(http.ResponseWriter, *http.Request, *certify.Identity, string) error
	signOut func(http.ResponseWriter, *http.Request)
	around  func(http.Handler) http.Handler
}

func kinds(t *testing.T) []kind {
	login := scs.New()
	ofSCS := logins.SCS{Login: login}
	key := []byte(strings.Repeat("k", 32))
	bare := func(h http.Handler) http.Handler { return h }
	all := []kind{{
		"scs", ofSCS.Account, ofSCS.SignIn,
		func(_ http.ResponseWriter, r *http.Request) { _ = login.Destroy(r.Context()) },
		func(h http.Handler) http.Handler { return login.LoadAndSave(h) },
	}}
	for name, store := range map[string]sessions.Store{"gorilla, cookies": sessions.NewCookieStore(key), "gorilla, files": sessions.NewFilesystemStore(t.TempDir(), key)} {
		g := logins.Gorilla{Store: store}
		all = append(all, kind{name, g.Account, g.SignIn, func(w http.ResponseWriter, r *http.Request) {
			session, _ := store.New(r, "login")
			session.Options = &sessions.Options{Path: "/", MaxAge: -1}
			_ = session.Save(r, w)
		}, bare})
	}
	return all
}

// An app has the login and certify. It is its own provider, too.
type app struct {
	t        *testing.T
	sessions *certify.Sessions
	handler  *certify.Handler
	routes   http.Handler

	mu        sync.Mutex
	reach     map[string]func() // what happens when a callback reaches a moment
	questions int               // to the Store, since the callback began
}

func (a *app) at(moment string) {
	a.mu.Lock()
	do := a.reach[moment]
	delete(a.reach, moment)
	a.mu.Unlock()
	if do != nil {
		do()
	}
}

// Moments of a callback: the app's own, and each question to the Store.
var moments = []string{
	"account", "lookup", "accept", "sign in",
	"store 1", "store 2", "store 3", "store 4", "store 5", "store 6", "store 7", "store 8", "store 9", "store 10", "store 11", "store 12", "store 13",
}

// A watchedStore counts what a callback asks.
type watchedStore struct {
	certify.Store
	app *app
}

func (s watchedStore) Get(ctx context.Context, key string) (string, bool, error) {
	s.app.asked()
	return s.Store.Get(ctx, key)
}

func (s watchedStore) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	s.app.asked()
	return s.Store.Put(ctx, key, value, ttl)
}

func (s watchedStore) PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (string, error) {
	s.app.asked()
	return s.Store.PutIfAbsent(ctx, key, value, ttl)
}

func (a *app) asked() {
	a.mu.Lock()
	a.questions++
	moment := fmt.Sprintf("store %d", a.questions)
	a.mu.Unlock()
	a.at(moment)
}

func (a *app) Name() string { return "test" }

func (a *app) Begin(certify.Attempt) certify.Start { return certify.Start{IDName: "attempt"} }

func (a *app) CallbackID(v url.Values, attempt certify.Attempt) (string, error) {
	if id := v.Get("id"); id != "" {
		return id, nil
	}
	return "", certify.CodeVerificationIDMissing
}

func (a *app) Lookup(_ context.Context, id string) (*certify.Identity, error) {
	a.at("lookup")
	born, err := certify.ParseBirthDate("1990-01-01", time.Now())
	return &certify.Identity{ID: id, AttemptID: id, VerifiedAt: time.Now(), BirthDate: born, CI: "ci", DI: "di"}, err
}

func newApp(t *testing.T, k kind) *app {
	t.Helper()
	a := &app{t: t, reach: make(map[string]func())}
	a.sessions = certifytest.NewSessions(t, certify.SessionConfig{
		Origin: origin, Logger: slog.New(slog.DiscardHandler), Store: watchedStore{certify.NewMemoryStore(0, nil), a},
		Account: func(r *http.Request) (string, error) { a.at("account"); return k.account(r) },
	})
	var err error
	a.handler, err = certify.NewHandler(certify.HandlerConfig{
		Sessions: a.sessions, Provider: a, Pepper: []byte(strings.Repeat("p", 32)),
		Accept: func(*http.Request, *certify.Identity) (string, error) { a.at("accept"); return "bob", nil },
		SignIn: func(w http.ResponseWriter, r *http.Request, id *certify.Identity, account string) error {
			a.at("sign in")
			return k.signIn(w, r, id, account)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/certifications", a.handler)
	mux.Handle("/certifications/", a.handler)
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		account, err := k.account(r)
		_, _ = fmt.Fprint(w, account, err)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := a.handler.Logout(w, r); err != nil {
			t.Errorf("logout: %v", err)
		}
		k.signOut(w, r)
	})
	a.routes = k.around(a.sessions.Load(mux))
	return a
}

// A browser keeps cookies. Two tabs of it may ask at once.
type browser struct {
	*app
	mu      sync.Mutex
	cookies map[string]string
}

func (a *app) browser() *browser { return &browser{app: a, cookies: make(map[string]string)} }

func (b *browser) do(method, path, body string) *http.Response {
	r := httptest.NewRequest(method, origin+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	b.mu.Lock()
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	b.mu.Unlock()
	w := httptest.NewRecorder()
	b.routes.ServeHTTP(w, r)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return w.Result()
}

func (b *browser) begin() (id string) {
	res := b.do("POST", "/certifications/attempts", `{}`)
	body, _ := io.ReadAll(res.Body)
	_, rest, _ := strings.Cut(string(body), `"attempt":"`)
	id, _, _ = strings.Cut(rest, `"`)
	if len(id) != 32 {
		b.t.Fatalf("no attempt: %d %s", res.StatusCode, body)
	}
	return id
}

func (b *browser) complete(id string) int {
	return b.do("POST", "/certifications", `{"id":"`+id+`"}`).StatusCode
}

func (b *browser) isSignedIn() bool {
	body, _ := io.ReadAll(b.do("GET", "/me", "").Body)
	return strings.HasPrefix(string(body), "bob")
}

// withAttempt is a browser that has an attempt's cookie of this one and no
// other: it went back in its history after its logins ended.
func (b *browser) withAttempt(id string, cookies map[string]string) *browser {
	other := b.app.browser()
	for name, value := range cookies {
		if strings.HasSuffix(name, id) {
			other.cookies[name] = value
		}
	}
	return other
}

// TestSignsIn: the app's login and the claim come together, and a repeat keeps both.
func TestSignsIn(t *testing.T) {
	t.Parallel()
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			b := newApp(t, k).browser()
			id := b.begin()
			for range 2 {
				if status := b.complete(id); status != http.StatusOK || !b.isSignedIn() {
					t.Fatalf("status %d, signed in: %v", status, b.isSignedIn())
				}
			}
			if b.do("POST", "/logout", ""); b.isSignedIn() {
				t.Error("the logout left a login")
			}
		})
	}
}

// TestRepeatsSignNobodyIn: after RevokeAccount, and after a logout in another tab
// at any moment of a callback, whoever has the attempt's cookie and repeats the
// callback is signed in nowhere.
func TestRepeatsSignNobodyIn(t *testing.T) {
	t.Parallel()
	const rounds = 400 // of each kind of login: 1,200 in all
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, k)
			random := rand.New(rand.NewPCG(7, 11))
			for round := range rounds {
				moment := moments[random.IntN(len(moments))]
				revoke, first := random.IntN(2) == 0, random.IntN(3) > 0
				a.round(fmt.Sprintf("round %d: revoked %v, at %q, redeemed before: %v", round, revoke, moment, !first), moment, revoke, first)
			}
		})
	}
}

// patience is for ever, or some milliseconds.
func patience(long bool) <-chan time.Time {
	if long {
		return nil
	}
	return time.After(5 * time.Millisecond)
}

func (a *app) round(name, moment string, revoke, first bool) {
	b := a.browser()
	id := b.begin()
	kept := make(map[string]string)
	for name, value := range b.cookies {
		kept[name] = value
	}
	if !first && b.complete(id) != http.StatusOK {
		a.t.Fatalf("%s: not redeemed", name)
	}
	ended := make(chan struct{})
	end := func() {
		defer close(ended)
		if !revoke {
			b.do("POST", "/logout", "")
		} else if err := a.sessions.RevokeAccount(context.Background(), "bob"); err != nil {
			a.t.Errorf("%s: %v", name, err)
		}
	}
	own := !strings.HasPrefix(moment, "store") && moment != "sign in" // nothing is final yet, and a logout waits for nothing
	a.mu.Lock()
	a.questions = 0
	a.reach[moment] = func() {
		go end()
		select {
		case <-ended:
		case <-patience(own): // a logout may wait for the callback
		}
	}
	a.mu.Unlock()
	status := b.complete(id)
	a.mu.Lock()
	_, unreached := a.reach[moment]
	delete(a.reach, moment)
	a.mu.Unlock()
	if unreached { // the callback asks less often
		end()
	}
	<-ended
	if own && status == http.StatusOK {
		a.t.Errorf("%s: the callback brought a claim, though all had ended before", name)
	}
	if status != http.StatusOK && first && b.isSignedIn() {
		a.t.Errorf("%s: a callback that was refused (%d) signed in", name, status)
	}
	for range 2 {
		other := b.withAttempt(id, kept)
		if status := other.complete(id); status == http.StatusOK || other.isSignedIn() {
			a.t.Errorf("%s: a repeat answers %d, signed in: %v", name, status, other.isSignedIn())
		}
	}
}

// TestOutsideLoadAndSave: scs panics where its session is asked for outside
// LoadAndSave. That is told as what it is, and nobody is asked to verify.
func TestOutsideLoadAndSave(t *testing.T) {
	t.Parallel()
	k := kinds(t)[0]
	k.around = func(h http.Handler) http.Handler { return h }
	b := newApp(t, k).browser()
	if res := b.do("POST", "/certifications/attempts", `{}`); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("an attempt begins: status %d", res.StatusCode)
	}
}

// TestABrokenStoreIsNoLogout: what the store cannot tell is an error.
func TestABrokenStoreIsNoLogout(t *testing.T) {
	t.Parallel()
	g := logins.Gorilla{Store: broken{}}
	if account, err := g.Account(httptest.NewRequest("GET", "/", nil)); err == nil {
		t.Errorf("account %q without an error", account)
	}
}

type broken struct{ sessions.Store }

func (broken) New(*http.Request, string) (*sessions.Session, error) {
	return nil, errors.New("the disk is gone")
}
