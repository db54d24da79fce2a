package certify_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
)

func Example() {
	keys, err := certify.ParseKeys(os.Getenv("CERTIFY_KEYS"))
	if err != nil {
		log.Fatal(err)
	}
	pepper, err := certify.ParsePepper(os.Getenv("CERTIFY_PEPPER"))
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{Origin: "https://shop.example", Keys: keys})
	if err != nil {
		log.Fatal(err)
	}
	provider, err := iamport.New(iamport.Config{
		Code: os.Getenv("IMP_CODE"), Key: os.Getenv("IMP_KEY"), Secret: os.Getenv("IMP_SECRET"),
		PGProviders: []string{"danal"},
	})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: provider, Pepper: pepper})
	if err != nil {
		log.Fatal(err)
	}
	wine := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "wine") })

	mux := http.NewServeMux()
	mux.Handle("/certifications", handler)
	mux.Handle("/certifications/", handler)
	mux.Handle("/wine/", certify.Require(certify.YouthProtection())(wine))
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", sessions.Load(mux)))
}

// One account for each person: the app looks them up by a keyed hash of the
// CI, which may be missing and then is nobody's.
func ExampleHandlerConfig_accept() {
	var members interface {
		UpsertByCI(ci string) (account string, err error) // keyed hash, atomic
		SignIn(w http.ResponseWriter, account string) error
	}
	_ = certify.HandlerConfig{
		Accept: func(r *http.Request, id *certify.Identity) (string, error) {
			if id.CI == "" {
				return "", &certify.Denial{Code: "no_ci", Detail: "이 인증 수단으로는 가입할 수 없습니다. 통신사 인증을 이용해 주세요."}
			}
			return members.UpsertByCI(id.CI) // an error is 500: the visitor comes back with the same verification
		},
		SignIn: func(w http.ResponseWriter, r *http.Request, id *certify.Identity, account string) error {
			return members.SignIn(w, account)
		},
	}
}

// A page of one's own for refusals. It cannot admit anybody.
func ExampleSessionConfig_deny() {
	sessions := must(certify.NewSessions(certify.SessionConfig{
		Origin: "https://shop.example",
		Keys:   must(certify.ParseKeys(must(certify.GenerateKey("HS256")))),
		Deny: func(w http.ResponseWriter, r *http.Request, err error) {
			var denial *certify.Denial
			switch {
			case errors.As(err, &denial):
				http.Error(w, "refused: "+string(denial.Code), http.StatusForbidden)
			case errors.Is(err, certify.CodeStoreUnavailable):
				http.Error(w, "try again", http.StatusServiceUnavailable)
			default:
				http.Redirect(w, r, "/please-verify", http.StatusSeeOther)
			}
		},
	}))
	wine := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "wine") })
	site := sessions.Load(certify.Require(certify.YouthProtection())(wine))
	answer := httptest.NewRecorder()
	site.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "https://shop.example/wine", nil))
	fmt.Println(answer.Code, answer.Header().Get("Location"))
	// Output:
	// 303 /please-verify
}

func ExampleSessions_RevokeAccount() {
	key, err := certify.GenerateKey("HS256")
	if err != nil {
		log.Fatal(err)
	}
	keys, err := certify.ParseKeys(key)
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{
		Origin: "https://shop.example", Keys: keys, TTL: 30 * 24 * time.Hour,
		Account:                   func(r *http.Request) (string, error) { return "", nil /* the app's own login */ },
		InsecureForgetRevocations: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /account/sign-out-everywhere", func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.RevokeAccount(r.Context(), "member-1"); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	})
}
