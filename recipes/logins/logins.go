// Package logins shows how an app's own login stands beside certify: sessions of
// scs, and of gorilla/sessions. Both are kept where certify cannot see them, so
// they are written in SignIn, the last step of a callback.
package logins

import (
	"errors"
	"io/fs"
	"net/http"

	"github.com/alexedwards/scs/v2"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"github.com/certify-go/certify"
)

// SCS names and signs in the account of a session of scs. LoadAndSave stands
// around everything that asks for the session, the Handler included:
//
//	login.LoadAndSave(sessions.Load(mux))
type SCS struct{ Login *scs.SessionManager }

// Account is for [certify.SessionConfig].
func (s SCS) Account(r *http.Request) (string, error) {
	return s.Login.GetString(r.Context(), "account"), nil
}

// SignIn is for [certify.HandlerConfig].
func (s SCS) SignIn(_ http.ResponseWriter, r *http.Request, _ *certify.Identity, account string) error {
	if err := s.Login.RenewToken(r.Context()); err != nil { // against session fixation
		return err
	}
	s.Login.Put(r.Context(), "account", account)
	return nil
}

// Gorilla does the same with gorilla/sessions, which needs nothing around the
// Handler: Save sets the cookie.
type Gorilla struct{ Store sessions.Store }

const loginCookie = "login"

// Account is for [certify.SessionConfig]. A cookie that cannot be read, such as
// one of old keys or of a session that ended, is no login. A store that fails is
// an error: nobody can tell then who is signed in.
func (g Gorilla) Account(r *http.Request) (string, error) {
	session, err := g.Store.New(r, loginCookie)
	var bad securecookie.Error
	switch {
	case errors.As(err, &bad) && bad.IsDecode(), errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	}
	account, _ := session.Values["account"].(string)
	return account, nil
}

// SignIn is for [certify.HandlerConfig].
func (g Gorilla) SignIn(w http.ResponseWriter, r *http.Request, _ *certify.Identity, account string) error {
	session := sessions.NewSession(g.Store, loginCookie) // a new one, against session fixation
	session.Options = &sessions.Options{Path: "/", MaxAge: 12 * 60 * 60, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	session.Values["account"] = account
	return g.Store.Save(r, w, session)
}
