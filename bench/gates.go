package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/certify-go/certify"
)

// Modes of the gate: tokens are remembered once they were verified, or verified
// each time.
var modes = map[string]func(*certify.SessionConfig){
	"warm": nil,
	"cold": func(c *certify.SessionConfig) { c.VerifiedClaims = -1 },
}

func gates(v *visitors) (all []measure, err error) {
	for _, alg := range algorithms {
		for _, mode := range []string{"warm", "cold"} {
			some, err := gatesOf(v.keys[alg], alg+"/"+mode, modes[mode])
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
	}
	for _, group := range []func(*visitors) ([]measure, error){asides, refusals, firstSights, crowds} {
		some, err := group(v)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func gated(s *certify.Sessions) http.Handler {
	return s.Load(certify.Require(certify.YouthProtection())(nothing))
}

func gatesOf(k *key, name string, change func(*certify.SessionConfig)) ([]measure, error) {
	s, err := newSessions(k, change)
	if err != nil {
		return nil, err
	}
	byBearer := func() *http.Request { return bearer(k.token) }
	byCookie := func() *http.Request { return withCookie(cookieName, k.token) }
	return []measure{
		serial("gate/bearer/"+name, gated(s), byBearer(), http.StatusOK),
		serial("gate/cookie/"+name, gated(s), byCookie(), http.StatusOK),
		parallel("gate/bearer/"+name+"/parallel", gated(s), byBearer, http.StatusOK),
		parallel("gate/cookie/"+name+"/parallel", gated(s), byCookie, http.StatusOK),
	}, nil
}

// asides are what the gate costs where it does less, or more.
func asides(v *visitors) ([]measure, error) {
	k := v.keys["HS256"]
	s, err := newSessions(k, nil)
	if err != nil {
		return nil, err
	}
	member, err := newSessions(k, func(c *certify.SessionConfig) {
		c.Account = func(*http.Request) (string, error) { return "member-7", nil }
	})
	if err != nil {
		return nil, err
	}
	asks := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := certify.FromContext(r.Context()); !ok || c.Age < 19 {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	return []measure{
		serial("gate/ungated", s.Load(nothing), bearer(k.token), http.StatusOK),
		serial("gate/asking", s.Load(certify.Require(certify.YouthProtection())(asks)), bearer(k.token), http.StatusOK),
		serial("gate/account", gated(member), bearer(k.token), http.StatusOK),
		{"policy/all-of-three", func(b *testing.B) { policyAlone(b, s, k.token) }},
	}, nil
}

func policyAlone(b *testing.B, s *certify.Sessions, token string) {
	c, err := s.Read(context.Background(), token)
	if err != nil {
		b.Fatal(err)
	}
	p, now := certify.All(certify.MinAge(19), certify.FreshWithin(24*time.Hour), certify.KoreanNational()), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Check(now, c); err != nil {
			b.Fatal(err)
		}
	}
}

// refusals are answered in full, and read/ without the answer.
func refusals(v *visitors) (all []measure, err error) {
	s, err := newSessions(v.keys["HS256"], nil)
	if err != nil {
		return nil, err
	}
	none := bearer("")
	none.Header.Del("Authorization")
	all = append(all, serial("refused/none", gated(s), none, http.StatusUnauthorized))
	garbage := []byte(v.forged)
	for i := range garbage {
		garbage[i] = "garbage/"[i%8]
	}
	for _, bad := range []struct {
		name, token string
		status      int
	}{
		{"garbage", string(garbage), http.StatusUnauthorized}, {"forged", v.forged, http.StatusUnauthorized},
		{"expired", v.past, http.StatusUnauthorized}, {"minor", v.minor, http.StatusForbidden},
	} {
		all = append(all, serial("refused/"+bad.name, gated(s), bearer(bad.token), bad.status))
		if bad.name != "minor" {
			all = append(all, refusedByReader(s, "read/"+bad.name, bad.token))
		}
	}
	return all, nil
}

func refusedByReader(s *certify.Sessions, name, token string) measure {
	return measure{name, func(b *testing.B) {
		ctx := context.Background()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Read(ctx, token); err == nil {
				b.Fatalf("%s is read", name)
			}
		}
	}}
}

// firstSights are of tokens that were never seen before, and are remembered.
func firstSights(v *visitors) ([]measure, error) {
	k := v.keys["HS256"]
	tokens, err := many(k, 10_000)
	return []measure{{"gate/bearer/HS256/first", func(b *testing.B) {
		w, r := newRecorder(), bearer("")
		var gate http.Handler
		b.ReportAllocs()
		for i := range b.N {
			if i%len(tokens) == 0 {
				b.StopTimer()
				s, err := newSessions(k, nil)
				if err != nil {
					b.Fatal(err)
				}
				gate = gated(s)
				b.StartTimer()
			}
			w.reset()
			r.Header["Authorization"][0] = tokens[i%len(tokens)]
			if gate.ServeHTTP(w, r); w.status != http.StatusOK {
				b.Fatalf("status %d", w.status)
			}
		}
	}}}, err
}

// crowds are of many visitors in turn, at a site that remembers many
// revocations: their claims are in nobody's processor cache.
func crowds(v *visitors) ([]measure, error) {
	k, ctx := v.keys["HS256"], context.Background()
	tokens, err := many(k, 10_000)
	if err != nil {
		return nil, err
	}
	s, err := newSessions(k, nil)
	if err != nil {
		return nil, err
	}
	for i := range 100_000 {
		if err := s.Revoke(ctx, fmt.Sprintf("revoked-%014d", i), time.Now().Add(time.Hour)); err != nil {
			return nil, err
		}
	}
	gate := gated(s)
	return []measure{{"gate/bearer/HS256/crowd", func(b *testing.B) {
		w, r, i := newRecorder(), bearer(""), 0
		b.ReportAllocs()
		for b.Loop() {
			w.reset()
			r.Header["Authorization"][0] = tokens[i%len(tokens)]
			if gate.ServeHTTP(w, r); w.status != http.StatusOK {
				b.Fatalf("status %d", w.status)
			}
			i++
		}
	}}}, nil
}

// many are header values of tokens that differ in jti alone.
func many(k *key, n int) ([]string, error) {
	var c claims
	parsed, err := jwt.ParseWithClaims(k.token, &c, k.find)
	if err != nil {
		return nil, err
	}
	list, header := make([]string, n), maps.Clone(parsed.Header)
	for i := range list {
		c.ID = fmt.Sprintf("%022d", i)
		token, err := sign(k, header, &c)
		if err != nil {
			return nil, err
		}
		list[i] = "Bearer " + token
	}
	return list, nil
}
