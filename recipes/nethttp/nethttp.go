// Package nethttp is the recipe for net/http alone.
package nethttp

import (
	"fmt"
	"net/http"

	"github.com/certify-go/certify"
)

// New routes an app that shows page at /wine/{name} to adults, and at / to all.
func New(sessions *certify.Sessions, certifications *certify.Handler, page func(name string, claim *certify.Claim) string) http.Handler {
	wine := func(w http.ResponseWriter, r *http.Request) {
		claim, _ := certify.FromContext(r.Context()) // nil without one
		fmt.Fprint(w, page(r.PathValue("name"), claim))
	}
	adults := certify.Require(certify.YouthProtection())

	mux := http.NewServeMux()
	mux.Handle("/certifications", certifications)
	mux.Handle("/certifications/", certifications)
	mux.Handle("/wine/{name}", adults(http.HandlerFunc(wine)))
	mux.HandleFunc("/{$}", wine)
	return sessions.Load(mux) // around everything
}
