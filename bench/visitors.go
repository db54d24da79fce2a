package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/certify-go/certify"
)

const (
	origin     = "https://shop.example"
	cookieName = "__Host-certify"
)

var algorithms = []string{"HS256", "ES256", "EdDSA"}

// Visitors have one claim, signed by each algorithm: the same for everybody
// who is measured.
type visitors struct {
	keys   map[string]*key
	forged string // HS256 with a signature of another key
	minor  string // HS256, of a child
	past   string // HS256, expired
}

type key struct {
	line           string // for certify
	private, check any    // for golang-jwt
	method         jwt.SigningMethod
	token          string
}

// claims are what peers read.
type claims struct {
	jwt.RegisteredClaims
	AuthTime  int64  `json:"auth_time"`
	Age       int    `json:"age"`
	BirthYear int    `json:"birth_year"`
	DIHash    string `json:"di_hash"`
	Foreigner *bool  `json:"foreigner"`
	Txn       string `json:"txn"`
}

// Validate lets auth0's middleware take them.
func (c *claims) Validate(context.Context) error { return nil }

var errYoung = errors.New("under age")

// old is what the handlers behind peers ask.
func (c *claims) old() error {
	if c.Age < 19 {
		return errYoung
	}
	return nil
}

func newVisitors() (*visitors, error) {
	v := &visitors{keys: make(map[string]*key)}
	for _, alg := range algorithms {
		k, err := newKey(alg)
		if err != nil {
			return nil, err
		}
		if k.token, err = issue(k, nil); err != nil {
			return nil, err
		}
		v.keys[alg] = k
	}
	hs, err := newKey("HS256")
	if err != nil {
		return nil, err
	}
	good := v.keys["HS256"].token
	input := good[:strings.LastIndexByte(good, '.')]
	sig, err := hs.method.Sign(input, hs.private)
	if err != nil {
		return nil, err
	}
	v.forged = input + "." + base64.RawURLEncoding.EncodeToString(sig)
	v.minor, err = issue(v.keys["HS256"], func(c *claims) { c.Age, c.BirthYear = 14, time.Now().Year()-14 })
	if err != nil {
		return nil, err
	}
	v.past, err = issue(v.keys["HS256"], func(c *claims) { c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(-time.Second)) })
	return v, err
}

func newKey(alg string) (*key, error) {
	line, err := certify.GenerateKey(alg)
	if err != nil {
		return nil, err
	}
	_, text, _ := strings.Cut(line, ":")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	switch alg {
	case "EdDSA":
		private := ed25519.NewKeyFromSeed(raw)
		return &key{line: line, private: private, check: private.Public(), method: jwt.SigningMethodEdDSA}, nil
	case "ES256":
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
		if err != nil {
			return nil, err
		}
		return &key{line: line, private: private, check: &private.PublicKey, method: jwt.SigningMethodES256}, nil
	}
	return &key{line: line, private: raw, check: raw, method: jwt.SigningMethodHS256}, nil
}

// issue has certify issue a claim, and signs it again if it is to be changed.
func issue(k *key, change func(*claims)) (string, error) {
	sessions, err := newSessions(k, nil)
	if err != nil {
		return "", err
	}
	shop, err := newShop(sessions)
	if err != nil {
		return "", err
	}
	token, err := shop.verify()
	if err != nil || change == nil {
		return token, err
	}
	var c claims
	parsed, err := jwt.ParseWithClaims(token, &c, k.find)
	if err != nil {
		return "", err
	}
	change(&c)
	return sign(k, parsed.Header, &c)
}

func (k *key) find(*jwt.Token) (any, error) { return k.check, nil }

func sign(k *key, header map[string]any, c *claims) (string, error) {
	jwt.MarshalSingleStringAsArray = false
	t := jwt.NewWithClaims(k.method, c)
	t.Header = header
	return t.SignedString(k.private)
}

// newSessions are certify's, as one would configure them.
func newSessions(k *key, change func(*certify.SessionConfig)) (*certify.Sessions, error) {
	keys, err := certify.ParseKeys(k.line)
	if err != nil {
		return nil, err
	}
	cfg := certify.SessionConfig{Origin: origin, Keys: keys, Bearer: true, Event: func(context.Context, certify.Event) {}}
	if change != nil {
		change(&cfg)
	}
	return certify.NewSessions(cfg)
}

// memoryProvider answers from memory, at once.
type memoryProvider struct{ born certify.BirthDate }

func (memoryProvider) Name() string { return "memory" }

func (memoryProvider) Begin(a certify.Attempt) certify.Start {
	return certify.Start{Script: "https://provider.example/sdk.js", IDName: "merchant_uid", Calls: []certify.Call{
		{Function: "SDK.open", Args: []any{map[string]any{"merchant_uid": a.ID}}, Callback: true},
	}}
}

func (memoryProvider) CallbackID(v url.Values, a certify.Attempt) (string, error) {
	if id := v.Get("imp_uid"); id == "imp_"+a.ID {
		return id, nil
	}
	return "", certify.CodeVerificationIDMalformed
}

func (p memoryProvider) Lookup(_ context.Context, id string) (*certify.Identity, error) {
	attempt, ok := strings.CutPrefix(id, "imp_")
	if !ok {
		return nil, &certify.ProviderError{Code: certify.CodeVerificationRefused, Detail: "no such record"}
	}
	return &certify.Identity{
		ID: id, AttemptID: attempt, Channel: "memory", VerifiedAt: time.Now(), BirthDate: p.born,
		DI: "DI-of-nobody-in-particular", Nationality: certify.NationalityKorean,
	}, nil
}

// A shop is certify's handler with a provider that answers from memory.
type shop struct{ handler http.Handler }

func newShop(sessions *certify.Sessions) (*shop, error) {
	born, err := certify.ParseBirthDate("1990-03-14", time.Now())
	if err != nil {
		return nil, err
	}
	h, err := certify.NewHandler(certify.HandlerConfig{
		Sessions: sessions, Provider: memoryProvider{born}, Pepper: []byte(strings.Repeat("pepper", 6)),
		Accept: func(*http.Request, *certify.Identity) (string, error) { return "member-7", nil },
	})
	return &shop{h}, err
}

// verify passes a person from start to claim, and returns the token.
func (s *shop) verify() (string, error) {
	a, err := s.begin()
	if err != nil {
		return "", err
	}
	w := newRecorder()
	s.handler.ServeHTTP(w, a.request())
	cookie, err := w.cookie()
	if err != nil || w.status != http.StatusOK || cookie.Name != cookieName {
		return "", fmt.Errorf("the callback answers %d: %v", w.status, err)
	}
	return cookie.Value, nil
}
