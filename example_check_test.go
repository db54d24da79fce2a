package certify_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
)

// nginx, Caddy or Traefik asks before it lets a request through. It is told a
// status, whatever the visitor's browser asked for.
func ExampleHandlerConfig_checks() {
	keys, err := certify.ParseKeys("hs256-secret:" + strings.Repeat("A", 43)) // from the environment in real life
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{Origin: "https://shop.example", Keys: keys})
	if err != nil {
		fmt.Println(err)
		return
	}
	provider, err := iamport.New(iamport.Config{Code: "imp00000000", Key: "key", Secret: "secret", PGProviders: []string{"danal"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler, err := certify.NewHandler(certify.HandlerConfig{
		Sessions: sessions, Provider: provider, Pepper: make([]byte, 32),
		Checks: map[string]certify.Policy{"wine": certify.YouthProtection()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, query := range []string{"policy=wine", "policy=beer", "policy=wine&policy=beer"} {
		r := httptest.NewRequest(http.MethodGet, "/certifications/check?"+query, nil)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(query, w.Code, w.Header().Get("Content-Type"))
	}
	// Output:
	// policy=wine 401 application/problem+json
	// policy=beer 400 application/problem+json
	// policy=wine&policy=beer 400 application/problem+json
}
