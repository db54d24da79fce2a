package main

import (
	"context"
	"net/http"
	"testing"
	"time"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/auth0/go-jwt-middleware/v2/validator"

	ginjwt "github.com/appleboy/gin-jwt/v2"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/jwtauth/v5"
	"github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
)

var tokenPeers = []struct {
	name  string
	serve func(*key) (http.Handler, error)
}{
	{"golang-jwt", golangJWT}, {"echo-jwt", echoJWT}, {"auth0", auth0}, {"chi-jwtauth", chiJWTAuth}, {"gin-jwt", ginJWT},
}

// peers read the same token from the same header, and ask for the same age.
// Each is given what it needs and no router, where it can do without.
func peers(v *visitors) (all []measure, err error) {
	for _, alg := range algorithms {
		all = append(all, parseAlone(v.keys[alg]))
	}
	k := v.keys["HS256"]
	for _, p := range tokenPeers {
		h, err := p.serve(k)
		if err != nil {
			return nil, err
		}
		all = append(all,
			serial("peer/"+p.name, h, bearer(k.token), http.StatusOK),
			parallel("peer/"+p.name+"/parallel", h, func() *http.Request { return bearer(k.token) }, http.StatusOK))
	}
	return all, nil
}

// parser checks what certify does: the method, issuer, audience and time.
func parser(k *key) *jwt.Parser {
	return jwt.NewParser(jwt.WithValidMethods([]string{k.method.Alg()}), jwt.WithIssuer(origin), jwt.WithAudience(origin), jwt.WithExpirationRequired())
}

func parseAlone(k *key) measure {
	p := parser(k)
	return measure{"golang-jwt/parse/" + k.method.Alg(), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var c claims
			if _, err := p.ParseWithClaims(k.token, &c, k.find); err != nil || c.Age < 19 {
				b.Fatal(err)
			}
		}
	}}
}

// golangJWT is the middleware that one writes oneself.
func golangJWT(k *key) (http.Handler, error) {
	p := parser(k)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var c claims
		auth := r.Header.Get("Authorization")
		if len(auth) < len("Bearer ") || auth[:len("Bearer ")] != "Bearer " {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if _, err := p.ParseWithClaims(auth[len("Bearer "):], &c, k.find); err != nil || c.old() != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		nothing.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, &c)))
	}), nil
}

func echoJWT(k *key) (http.Handler, error) {
	middleware, err := echojwt.Config{
		SigningKey: k.private, SigningMethod: k.method.Alg(),
		NewClaimsFunc: func(echo.Context) jwt.Claims { return new(claims) },
	}.ToMiddleware()
	if err != nil {
		return nil, err
	}
	handler := middleware(func(c echo.Context) error {
		token, ok := c.Get("user").(*jwt.Token)
		if !ok {
			return errYoung
		}
		return token.Claims.(*claims).old()
	})
	e := echo.New()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := e.AcquireContext()
		defer e.ReleaseContext(c)
		c.Reset(r, w)
		if handler(c) != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}), nil
}

func auth0(k *key) (http.Handler, error) {
	v, err := validator.New(func(context.Context) (any, error) { return k.check, nil }, validator.HS256, origin, []string{origin},
		validator.WithCustomClaims(func() validator.CustomClaims { return new(claims) }))
	if err != nil {
		return nil, err
	}
	return jwtmiddleware.New(v.ValidateToken).CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := r.Context().Value(jwtmiddleware.ContextKey{}).(*validator.ValidatedClaims)
		if !ok || c.CustomClaims.(*claims).old() != nil {
			w.WriteHeader(http.StatusForbidden)
		}
	})), nil
}

func chiJWTAuth(k *key) (http.Handler, error) {
	ja := jwtauth.New(k.method.Alg(), k.private, nil)
	return jwtauth.Verifier(ja)(jwtauth.Authenticator(ja)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _, err := jwtauth.FromContext(r.Context())
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if age, _ := token.Get("age"); age.(float64) < 19 {
			w.WriteHeader(http.StatusForbidden)
		}
	}))), nil
}

func ginJWT(k *key) (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode)
	middleware, err := ginjwt.New(&ginjwt.GinJWTMiddleware{
		Realm: "bench", Key: k.private.([]byte), Timeout: time.Hour, IdentityKey: "sub",
		Authenticator: func(*gin.Context) (any, error) { return nil, ginjwt.ErrFailedAuthentication },
	})
	if err != nil {
		return nil, err
	}
	engine := gin.New()
	engine.GET("/wine", middleware.MiddlewareFunc(), func(c *gin.Context) {
		if age, ok := ginjwt.ExtractClaims(c)["age"].(float64); !ok || age < 19 {
			c.Status(http.StatusForbidden)
		}
	})
	return engine, nil
}
