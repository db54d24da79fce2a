// Package forwardauth gates what is no Go program: a static site, or an app in
// another language, behind nginx, Caddy or Traefik. The front server asks this
// program before it lets a request through, and shows it the requests that it
// did not let through, to be answered as by any gate of certify.
package forwardauth

import (
	"net/http"
	"time"

	"github.com/certify-go/certify"
)

// New makes the program that the front server asks.
func New(sessions *certify.Sessions, provider certify.Provider, pepper []byte) (http.Handler, error) {
	checks := map[string]certify.Policy{
		"wine": certify.YouthProtection(),
		"pay":  certify.All(certify.YouthProtection(), certify.FreshWithin(10*time.Minute)),
	}
	handler, err := certify.NewHandler(certify.HandlerConfig{
		Sessions: sessions, Provider: provider, Pepper: pepper, Checks: checks,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/certifications", handler)
	mux.Handle("/certifications/", handler)

	// Refused requests come here as they are: visitors are sent to verify and
	// come back, and scripts are told why.
	mux.Handle("/wine/", certify.Require(checks["wine"])(askAgain()))
	mux.Handle("/pay/", certify.Require(checks["pay"])(askAgain()))
	return sessions.Load(mux), nil
}

// askAgain answers a request that was refused and a moment later is not, as
// when the visitor verified in another tab, or the Store is back.
func askAgain() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Please try again.", http.StatusServiceUnavailable)
	})
}
