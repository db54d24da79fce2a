// Package gorilla is the recipe for github.com/gorilla/mux.
package gorilla

import (
	"fmt"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/certify-go/certify"
)

// New routes an app that shows page at /wine/{name} to adults, and at / to all.
func New(sessions *certify.Sessions, certifications *certify.Handler, page func(name string, claim *certify.Claim) string) http.Handler {
	wine := func(w http.ResponseWriter, r *http.Request) {
		claim, _ := certify.FromContext(r.Context()) // nil without one
		fmt.Fprint(w, page(mux.Vars(r)["name"], claim))
	}

	r := mux.NewRouter()
	r.Use(sessions.Load) // runs before a subrouter's own
	r.Handle("/certifications", certifications)
	r.PathPrefix("/certifications/").Handler(certifications)
	adults := r.PathPrefix("/wine").Subrouter()
	adults.Use(certify.Require(certify.YouthProtection()))
	adults.HandleFunc("/{name}", wine)
	r.HandleFunc("/", wine)
	return r
}
