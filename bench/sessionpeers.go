package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/crewjam/saml"
	"github.com/crewjam/saml/samlsp"
	"github.com/gorilla/sessions"
)

// sessionPeers keep who was verified in cookies of their own kind.
func sessionPeers(*visitors) (all []measure, err error) {
	for _, p := range []struct {
		name  string
		serve func() (http.Handler, *http.Request, error)
	}{
		{"samlsp", samlSession}, {"scs", scsMemory}, {"gorilla-sessions", gorillaCookie},
	} {
		h, r, err := p.serve()
		if err != nil {
			return nil, err
		}
		all = append(all,
			serial("peer/"+p.name, h, r, http.StatusOK),
			parallel("peer/"+p.name+"/parallel", h, func() *http.Request { return r.Clone(context.Background()) }, http.StatusOK))
	}
	return all, nil
}

// samlSession is RS256, as samlsp signs its sessions.
func samlSession() (http.Handler, *http.Request, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, err
	}
	u, err := url.Parse(origin)
	if err != nil {
		return nil, nil, err
	}
	codec := samlsp.DefaultSessionCodec(samlsp.Options{URL: *u, Key: private})
	session, err := codec.New(&saml.Assertion{
		Subject:             &saml.Subject{NameID: &saml.NameID{Value: "member-7"}},
		AttributeStatements: []saml.AttributeStatement{{Attributes: []saml.Attribute{{Name: "age", Values: []saml.AttributeValue{{Value: "36"}}}}}},
	})
	if err != nil {
		return nil, nil, err
	}
	token, err := codec.Encode(session)
	m := &samlsp.Middleware{
		OnError: samlsp.DefaultOnError,
		Session: samlsp.CookieSessionProvider{Name: "token", Codec: codec, MaxAge: time.Hour},
	}
	return m.RequireAccount(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if samlsp.AttributeFromContext(r.Context(), "age") < "19" {
			w.WriteHeader(http.StatusForbidden)
		}
	})), withCookie("token", token), err
}

func scsMemory() (http.Handler, *http.Request, error) {
	m := scs.New()
	ctx, err := m.Load(context.Background(), "")
	if err != nil {
		return nil, nil, err
	}
	m.Put(ctx, "age", 36)
	token, _, err := m.Commit(ctx)
	return m.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.GetInt(r.Context(), "age") < 19 {
			w.WriteHeader(http.StatusForbidden)
		}
	})), withCookie("session", token), err
}

func gorillaCookie() (http.Handler, *http.Request, error) {
	store := sessions.NewCookieStore([]byte("an authentication key of 32 byte"))
	w, r := newRecorder(), withCookie("none", "")
	session, err := store.Get(r, "session")
	if err != nil {
		return nil, nil, err
	}
	session.Values["age"] = 36
	if err := session.Save(r, w); err != nil {
		return nil, nil, err
	}
	cookie, err := w.cookie()
	if err != nil {
		return nil, nil, errors.New("gorilla/sessions sets no cookie")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(r.Context()) // its registry is in the context: each request has its own
		session, err := store.Get(r, "session")
		if age, _ := session.Values["age"].(int); err != nil || age < 19 {
			w.WriteHeader(http.StatusForbidden)
		}
	}), withCookie("session", cookie.Value), nil
}
