// Package echo is the recipe for github.com/labstack/echo.
package echo

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/certify-go/certify"
)

// New routes an app that shows page at /wine/:name to adults, and at / to all.
func New(sessions *certify.Sessions, certifications *certify.Handler, page func(name string, claim *certify.Claim) string) http.Handler {
	wine := func(c echo.Context) error {
		claim, _ := certify.FromContext(c.Request().Context()) // nil without one
		return c.String(http.StatusOK, page(c.Param("name"), claim))
	}

	e := echo.New()
	e.Use(echo.WrapMiddleware(sessions.Load))
	e.Any("/certifications", echo.WrapHandler(certifications))
	e.Any("/certifications/*", echo.WrapHandler(certifications))
	adults := e.Group("/wine", echo.WrapMiddleware(certify.Require(certify.YouthProtection())))
	adults.Any("/:name", wine)
	e.Any("/", wine)
	return e
}
