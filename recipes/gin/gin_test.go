package gin_test

import (
	"testing"

	"github.com/certify-go/certify/recipes/gin"
	"github.com/certify-go/certify/recipes/internal/visit"
)

func TestRecipe(t *testing.T) {
	t.Parallel()
	visit.Test(t, visit.Options{}, func(t *testing.T, a visit.App, page visit.Page) {
		a.Handler(t, gin.New(a.Sessions, a.Certifications, page))
	})
}
