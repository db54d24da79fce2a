package fiber_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	fiberrouter "github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
	fiber "github.com/certify-go/certify/recipes/fiber3"
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

// What the page says of fiber's adaptor for middleware: a gate behind it lets
// nobody in.
func TestMiddlewareAdaptorLosesTheSession(t *testing.T) {
	t.Parallel()
	sessions := certifytest.NewSessions(t, certify.SessionConfig{})
	app := fiberrouter.New()
	app.Use(adaptor.HTTPMiddleware(sessions.Load))
	app.Get("/", adaptor.HTTPMiddleware(certify.Require(certify.MinAge(19))), func(c fiberrouter.Ctx) error { return c.SendString("wine") })
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(certifytest.Cookie(t, sessions, certifytest.Adult()))
	res, err := app.Test(r, fiberrouter.TestConfig{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusInternalServerError || bytes.Contains(body, []byte("wine")) {
		t.Errorf("status %d: %s", res.StatusCode, body)
	}
}
