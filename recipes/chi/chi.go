// Package chi is the recipe for github.com/go-chi/chi.
package chi

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/certify-go/certify"
)

// New routes an app that shows page at /wine/{name} to adults, and at / to all.
func New(sessions *certify.Sessions, certifications *certify.Handler, page func(name string, claim *certify.Claim) string) http.Handler {
	wine := func(w http.ResponseWriter, r *http.Request) {
		claim, _ := certify.FromContext(r.Context()) // nil without one
		fmt.Fprint(w, page(chi.URLParam(r, "name"), claim))
	}

	r := chi.NewRouter()
	r.Use(sessions.Load) // before all routes
	r.Handle("/certifications", certifications)
	r.Handle("/certifications/*", certifications)
	r.Route("/wine", func(r chi.Router) {
		r.Use(certify.Require(certify.YouthProtection()))
		r.HandleFunc("/{name}", wine)
	})
	r.HandleFunc("/", wine)
	return r
}
