package nethttp_test

import (
	"testing"

	"github.com/certify-go/certify/recipes/internal/visit"
	"github.com/certify-go/certify/recipes/nethttp"
)

func TestRecipe(t *testing.T) {
	t.Parallel()
	visit.Test(t, visit.Options{}, func(t *testing.T, a visit.App, page visit.Page) {
		a.Handler(t, nethttp.New(a.Sessions, a.Certifications, page))
	})
}
