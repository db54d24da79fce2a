package certify_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
	"github.com/certify-go/certify/sandbox"
)

// These examples run a whole site, with the sandbox in place of i'mport.

// must is for examples: they end where an app would report.
func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// startSite serves what build makes, with cookies for plain http, and the
// sandbox's i'mport.
func startSite(build func(origin string, provider *iamport.Provider) http.Handler) (site, box *httptest.Server) {
	box = httptest.NewServer(must(sandbox.New(sandbox.Config{})))
	provider := must(iamport.New(iamport.Config{
		Code: sandbox.DefaultCode, Key: sandbox.DefaultKey, Secret: sandbox.DefaultSecret,
		PGProviders: []string{sandbox.Danal}, InsecureBaseURL: box.URL, ScriptURL: box.URL + "/v1/iamport.js",
	}))
	site = httptest.NewUnstartedServer(nil)
	site.Config.Handler = build("http://"+site.Listener.Addr().String(), provider)
	site.Start()
	return site, box
}

// verifyAs does what a browser and the provider's window do.
func verifyAs(browser *http.Client, site, box, person string) {
	post := func(url string, body map[string]string) (answer map[string]any) {
		res := must(browser.Post(url, "application/json", bytes.NewReader(must(json.Marshal(body)))))
		defer res.Body.Close()
		_ = json.NewDecoder(res.Body).Decode(&answer)
		return answer
	}
	attempt := post(site+"/certifications/attempts", nil)["merchant_uid"].(string)
	done := post(box+"/sandbox/verifications", map[string]string{"merchant_uid": attempt, "person": person})
	post(site+"/certifications", map[string]string{"imp_uid": done["imp_uid"].(string)})
}

func newBrowser() *http.Client { return &http.Client{Jar: must(cookiejar.New(nil))} }

func status(browser *http.Client, url string) int {
	res := must(browser.Get(url))
	_ = res.Body.Close()
	return res.StatusCode
}

// A site with one gated page, from the first request to the last.
func ExampleHandler() {
	site, box := startSite(func(origin string, provider *iamport.Provider) http.Handler {
		sessions := must(certify.NewSessions(certify.SessionConfig{
			Origin: origin,
			Keys:   must(certify.ParseKeys(must(certify.GenerateKey("HS256")))), // from the environment in real life
			Logger: slog.New(slog.DiscardHandler),
		}))
		handler := must(certify.NewHandler(certify.HandlerConfig{
			Sessions: sessions, Provider: provider, Pepper: must(certify.ParsePepper(certify.GeneratePepper())),
		}))
		mux := http.NewServeMux()
		mux.Handle("/certifications", handler)
		mux.Handle("/certifications/", handler)
		mux.Handle("/wine", certify.Require(certify.YouthProtection())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			claim, _ := certify.FromContext(r.Context())
			fmt.Println("a visitor born in", claim.BirthYear)
		})))
		return sessions.Load(mux)
	})
	defer site.Close()
	defer box.Close()

	adult, minor := newBrowser(), newBrowser()
	fmt.Println("nobody verified:", status(adult, site.URL+"/wine"))
	verifyAs(adult, site.URL, box.URL, sandbox.Adult)
	fmt.Println("an adult:", status(adult, site.URL+"/wine"))
	verifyAs(minor, site.URL, box.URL, sandbox.Minor)
	fmt.Println("a minor:", status(minor, site.URL+"/wine"))
	// Output:
	// nobody verified: 401
	// a visitor born in 1990
	// an adult: 200
	// a minor: 403
}

// A claim counts while the account is signed in that it was made for.
func ExampleSessionConfig_account() {
	site, box := startSite(func(origin string, provider *iamport.Provider) http.Handler {
		sessions := must(certify.NewSessions(certify.SessionConfig{
			Origin: origin,
			Keys:   must(certify.ParseKeys(must(certify.GenerateKey("HS256")))),
			Logger: slog.New(slog.DiscardHandler),
			Account: func(r *http.Request) (string, error) { // the app's own login, "" if signed out
				if c, err := r.Cookie("member"); err == nil {
					return c.Value, nil
				}
				return "", nil
			},
		}))
		handler := must(certify.NewHandler(certify.HandlerConfig{
			Sessions: sessions, Provider: provider, Pepper: must(certify.ParsePepper(certify.GeneratePepper())),
		}))
		mux := http.NewServeMux()
		mux.Handle("/certifications/", handler)
		mux.Handle("/certifications", handler)
		mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "member", Value: r.FormValue("as"), Path: "/", HttpOnly: true})
		})
		mux.Handle("/film", certify.Require(certify.YouthMedia())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		return sessions.Load(mux)
	})
	defer site.Close()
	defer box.Close()

	browser := newBrowser()
	status(browser, site.URL+"/login?as=mother")
	verifyAs(browser, site.URL, box.URL, sandbox.Adult)
	fmt.Println("the mother:", status(browser, site.URL+"/film"))
	status(browser, site.URL+"/login?as=child")
	fmt.Println("the child, later, at the same browser:", status(browser, site.URL+"/film"))
	// Output:
	// the mother: 200
	// the child, later, at the same browser: 401
}

// Another service verifies claims with the issuer's public keys. It can issue
// none. As it shares no Store with the issuer, it says that it hears of no
// revocation.
func ExampleNewSessions_publicKeys() {
	var token string // as the issuer's app sends it
	site, box := startSite(func(origin string, provider *iamport.Provider) http.Handler {
		sessions := must(certify.NewSessions(certify.SessionConfig{
			Origin: origin,
			Keys:   must(certify.ParseKeys(must(certify.GenerateKey("EdDSA")))),
			Logger: slog.New(slog.DiscardHandler),
		}))
		handler := must(certify.NewHandler(certify.HandlerConfig{
			Sessions: sessions, Provider: provider, Pepper: must(certify.ParsePepper(certify.GeneratePepper())),
		}))
		mux := http.NewServeMux()
		mux.Handle("/certifications", handler)
		mux.Handle("/certifications/", handler)
		mux.HandleFunc("/token", func(_ http.ResponseWriter, r *http.Request) {
			if c, err := r.Cookie("certify"); err == nil { // "__Host-certify" over https
				token = c.Value
			}
		})
		return sessions.Load(mux)
	})
	defer site.Close()
	defer box.Close()
	browser := newBrowser()
	verifyAs(browser, site.URL, box.URL, sandbox.Adult)
	status(browser, site.URL+"/token")

	res := must(http.Get(site.URL + "/certifications/jwks.json"))
	published := must(io.ReadAll(res.Body))
	_ = res.Body.Close()
	tickets := must(certify.NewSessions(certify.SessionConfig{
		Origin: "https://tickets.example",
		Issuer: site.URL, Audience: site.URL,
		Keys:                      must(certify.ParseJWKS(published)),
		InsecureForgetRevocations: true,
		Logger:                    slog.New(slog.DiscardHandler),
	}))
	claim, err := tickets.Read(context.Background(), token)
	fmt.Println(claim.BirthYear, err)
	_, err = certify.NewHandler(certify.HandlerConfig{Sessions: tickets})
	fmt.Println(err)
	// Output:
	// 1990 <nil>
	// certify: HandlerConfig.Sessions holds public keys only, and cannot issue claims
}

// One person has one account, however often and wherever they verify. The CI
// is looked up by a keyed hash, and never stored.
func ExampleHandlerConfig_onePersonOneAccount() {
	var mu sync.Mutex
	accounts := make(map[string]string) // a database in real life, with a unique index
	key := []byte("a key of its own, derived from the pepper")
	accountOf := func(ci string) string {
		sum := hmac.New(sha256.New, key)
		sum.Write([]byte(ci))
		hash := hex.EncodeToString(sum.Sum(nil))
		mu.Lock()
		defer mu.Unlock()
		if accounts[hash] == "" {
			accounts[hash] = fmt.Sprintf("member-%d", len(accounts)+1)
		}
		return accounts[hash]
	}
	site, box := startSite(func(origin string, provider *iamport.Provider) http.Handler {
		sessions := must(certify.NewSessions(certify.SessionConfig{
			Origin: origin,
			Keys:   must(certify.ParseKeys(must(certify.GenerateKey("HS256")))),
			Logger: slog.New(slog.DiscardHandler),
		}))
		handler := must(certify.NewHandler(certify.HandlerConfig{
			Sessions: sessions, Provider: provider, Pepper: must(certify.ParsePepper(certify.GeneratePepper())),
			Accept: func(_ *http.Request, id *certify.Identity) (string, error) {
				if id.CI == "" { // which is nobody's, and so everybody's
					return "", &certify.Denial{Code: "no_ci", Detail: "이 인증 수단으로는 가입할 수 없습니다."}
				}
				return accountOf(id.CI), nil
			},
		}))
		mux := http.NewServeMux()
		mux.Handle("/certifications", handler)
		mux.Handle("/certifications/", handler)
		mux.HandleFunc("/whoami", func(w http.ResponseWriter, r *http.Request) {
			claim, ok := certify.FromContext(r.Context())
			if !ok {
				fmt.Println("nobody")
				return
			}
			fmt.Println(claim.Subject)
		})
		return sessions.Load(mux)
	})
	defer site.Close()
	defer box.Close()
	for _, person := range []string{sandbox.Adult, sandbox.Foreigner, sandbox.Adult, sandbox.NoCI} {
		browser := newBrowser()
		verifyAs(browser, site.URL, box.URL, person)
		status(browser, site.URL+"/whoami")
	}
	// Output:
	// member-1
	// member-2
	// member-1
	// nobody
}

// What the provider keeps of a verification can be erased, once the attempt is
// over: until then the browser may repeat the callback.
func ExampleHandlerConfig_erase() {
	var provider *iamport.Provider
	verified := make(chan string, 1) // a queue that outlives the process, in real life
	site, box := startSite(func(origin string, p *iamport.Provider) http.Handler {
		provider = p
		sessions := must(certify.NewSessions(certify.SessionConfig{
			Origin: origin,
			Keys:   must(certify.ParseKeys(must(certify.GenerateKey("HS256")))),
			Logger: slog.New(slog.DiscardHandler),
		}))
		return must(certify.NewHandler(certify.HandlerConfig{
			Sessions: sessions, Provider: p, Pepper: must(certify.ParsePepper(certify.GeneratePepper())),
			Accept: func(_ *http.Request, id *certify.Identity) (string, error) {
				select {
				case verified <- id.ID:
				default: // it is queued already: Accept may be called again
				}
				return "", nil
			},
		}))
	})
	defer site.Close()
	defer box.Close()
	verifyAs(newBrowser(), site.URL, box.URL, sandbox.Adult)

	id := <-verified // 90 minutes later
	fmt.Println(provider.Erase(context.Background(), id))
	_, err := provider.Lookup(context.Background(), id)
	fmt.Println("still there:", !errors.Is(err, certify.CodeVerificationRefused))
	// Output:
	// <nil>
	// still there: false
}
