package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

type contextKey struct{}

// limits are what no gate can do without.
func limits(v *visitors) (all []measure, err error) {
	token := v.keys["HS256"].token
	value := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nothing.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, v)))
	})
	cookie := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie(cookieName); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	all = append(all,
		serial("limit/empty", nothing, bearer(token), http.StatusOK),
		serial(copyValue, value, bearer(token), http.StatusOK),
		parallel(copyShared, value, func() *http.Request { return bearer(token) }, http.StatusOK),
		serial("limit/cookie", cookie, withCookie(cookieName, token), http.StatusOK),
		measure{"limit/hmac", func(b *testing.B) { hmacAlone(b, v.keys["HS256"]) }},
	)
	for _, alg := range algorithms {
		m, err := verifyAlone(alg, v.keys[alg])
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func hmacAlone(b *testing.B, k *key) {
	h := hmac.New(sha256.New, k.private.([]byte))
	input := []byte(k.token[:strings.LastIndexByte(k.token, '.')])
	var sum [sha256.Size]byte
	b.ReportAllocs()
	for b.Loop() {
		h.Reset()
		h.Write(input)
		h.Sum(sum[:0])
	}
}

func verifyAlone(alg string, k *key) (measure, error) {
	dot := strings.LastIndexByte(k.token, '.')
	sig, err := base64.RawURLEncoding.DecodeString(k.token[dot+1:])
	return measure{"limit/verify/" + alg, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := k.method.Verify(k.token[:dot], sig, k.check); err != nil {
				b.Fatal(err)
			}
		}
	}}, err
}
