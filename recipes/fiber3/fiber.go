// Package fiber is the recipe for github.com/gofiber/fiber/v3.
package fiber

import (
	"net/http"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	"github.com/certify-go/certify"
)

type claimKey struct{}

// Gate is [certify.Sessions.Load] and [certify.Require] for fiber.
func Gate(sessions *certify.Sessions, p certify.Policy) fiber.Handler {
	require := certify.Require(p)
	return func(c fiber.Ctx) error {
		var claim *certify.Claim // of a request that was admitted
		gate := require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			claim, _ = certify.FromContext(r.Context())
		}))
		if err := adaptor.HTTPHandler(sessions.Load(gate))(c); err != nil || claim == nil {
			return err
		}
		c.Locals(claimKey{}, claim)
		return c.Next()
	}
}

// Claim returns the claim of a request that a [Gate] admitted, or nil.
func Claim(c fiber.Ctx) *certify.Claim {
	claim, _ := c.Locals(claimKey{}).(*certify.Claim)
	return claim
}

// New routes an app that shows page at /wine/:name to adults, and at / to all.
func New(sessions *certify.Sessions, certifications *certify.Handler, page func(name string, claim *certify.Claim) string) *fiber.App {
	wine := func(c fiber.Ctx) error { return c.SendString(page(c.Params("name"), Claim(c))) }

	app := fiber.New()
	app.All("/certifications", adaptor.HTTPHandler(certifications))
	app.All("/certifications/*", adaptor.HTTPHandler(certifications))
	app.Group("/wine", Gate(sessions, certify.YouthProtection())).All("/:name", wine)
	app.All("/", wine)
	return app
}
