package fiber_test

import (
	"testing"

	fiber "github.com/certify-go/certify/recipes/fiber2"
	"github.com/certify-go/certify/recipes/internal/visit"
)

func TestRecipe(t *testing.T) {
	t.Parallel()
	visit.Test(t, visit.Options{NoClaimOutsideGates: true}, func(t *testing.T, a visit.App, page visit.Page) {
		app := fiber.New(a.Sessions, a.Certifications, page)
		ended := make(chan error, 1)
		go func() { ended <- app.Listener(a.Listener) }()
		t.Cleanup(func() {
			if err := app.Shutdown(); err != nil {
				t.Error(err)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	})
}
