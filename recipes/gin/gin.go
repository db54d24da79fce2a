// Package gin is the recipe for github.com/gin-gonic/gin.
package gin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/certify-go/certify"
)

// Gate is [certify.Require] for gin. Abort keeps gin from going on to the next
// handler, which it does whenever a middleware just returns.
func Gate(p certify.Policy) gin.HandlerFunc {
	require := certify.Require(p)
	return func(c *gin.Context) {
		admitted := false
		require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			admitted, c.Request = true, r
		})).ServeHTTP(c.Writer, c.Request)
		if !admitted {
			c.Abort()
		}
	}
}

// New routes an app that shows page at /wine/:name to adults, and at / to all.
func New(sessions *certify.Sessions, certifications *certify.Handler, page func(name string, claim *certify.Claim) string) http.Handler {
	wine := func(c *gin.Context) {
		claim, _ := certify.FromContext(c.Request.Context()) // nil without one
		c.String(http.StatusOK, "%s", page(c.Param("name"), claim))
	}

	r := gin.New()
	r.Use(gin.Recovery())
	r.Any("/certifications", gin.WrapH(certifications))
	r.Any("/certifications/*path", gin.WrapH(certifications))
	r.Group("/wine", Gate(certify.YouthProtection())).Any("/:name", wine)
	r.Any("/", wine)
	return sessions.Load(r) // around gin
}
