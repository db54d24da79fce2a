package gin_test

import (
	"net/http/httptest"
	"testing"

	ginrouter "github.com/gin-gonic/gin"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
	"github.com/certify-go/certify/recipes/gin"
	"github.com/certify-go/certify/recipes/internal/visit"
)

func TestRecipe(t *testing.T) {
	t.Parallel()
	visit.Test(t, visit.Options{}, func(t *testing.T, a visit.App, page visit.Page) {
		a.Handler(t, gin.New(a.Sessions, a.Certifications, page))
	})
}

// What the page says of gin's own context.
func TestFromGinsContext(t *testing.T) {
	t.Parallel()
	sessions := certifytest.NewSessions(t, certify.SessionConfig{})
	for _, fallback := range []bool{false, true} {
		r := ginrouter.New()
		r.ContextWithFallback = fallback
		var found, inRequest bool
		r.GET("/", gin.Gate(certify.MinAge(19)), func(c *ginrouter.Context) {
			_, found = certify.FromContext(c)
			_, inRequest = certify.FromContext(c.Request.Context())
		})
		req := httptest.NewRequest("GET", "/", nil)
		req.AddCookie(certifytest.Cookie(t, sessions, certifytest.Adult()))
		sessions.Load(r).ServeHTTP(httptest.NewRecorder(), req)
		if found != fallback || !inRequest {
			t.Errorf("fallback %t: found %t, in the request %t", fallback, found, inRequest)
		}
	}
}
