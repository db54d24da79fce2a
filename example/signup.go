package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/certify-go/certify"
)

// signUp is the purpose of a verification that makes an account.
const signUp = "signup"

// codeNoCI refuses those by whom no account can be kept.
const codeNoCI certify.Code = "ci_missing"

// accept sees everybody who has verified, before certify answers. certify may
// call it more than once for one verification, and may refuse after it, so all
// it does is an upsert: signIn signs in.
//
// The vendor's guide looks a person up by unique_key, the CI. Its use is
// regulated (Network Act, art. 23-5), so it becomes a keyed hash at once. Some
// records have none: hashed, they would all be one person, and all of their
// accounts one account.
func (s *shop) accept(r *http.Request, id *certify.Identity) (account string, err error) {
	if id.Purpose != signUp {
		return "", nil
	}
	if id.BirthDate.AgeOn(s.now()) < 14 { // PIPA, art. 22-2: a guardian has to consent
		return "", &certify.Denial{Code: certify.CodeGuardianConsentRequired}
	}
	if id.CI == "" {
		return "", &certify.Denial{Code: codeNoCI, Detail: localized(r,
			"인증 결과에 연계정보(CI)가 없어 회원 계정을 만들 수 없습니다. 다른 인증 수단으로 다시 시도해 주세요.",
			"Your verification came without the identifier (CI) that an account is kept by. Please try another way of verifying.")}
	}
	who, err := s.members.add(id.CI)
	if err != nil {
		return "", fmt.Errorf("signing up: %w", err)
	}
	return fmt.Sprint(who.Number), nil
}

// signIn signs in whom accept named. certify calls it last, when nothing can
// refuse any more.
func (s *shop) signIn(w http.ResponseWriter, r *http.Request, id *certify.Identity, _ string) error {
	_, token, err := s.members.enter(id.CI, s.token(r))
	if err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	s.setToken(w, token, int(signInLife/time.Second))
	return nil
}

// cookieName carries __Host- on https, where browsers then let no other host
// plant the cookie.
func (s *shop) cookieName() string {
	if strings.HasPrefix(s.origin, "https:") {
		return "__Host-moonlight"
	}
	return "moonlight"
}

// token is what signs the browser in, "" without.
func (s *shop) token(r *http.Request) string {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

func (s *shop) setToken(w http.ResponseWriter, token string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(), Value: token, Path: "/", MaxAge: maxAge,
		Secure: strings.HasPrefix(s.origin, "https:"), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// member is who is signed in, nil for nobody.
func (s *shop) member(r *http.Request) (*member, error) {
	token := s.token(r)
	if token == "" {
		return nil, nil
	}
	who, ok, err := s.members.find(token)
	if err != nil || !ok {
		return nil, err
	}
	return &who, nil
}

func (s *shop) signOut(w http.ResponseWriter, r *http.Request) { s.end(w, r, s.members.signOut) }

func (s *shop) leave(w http.ResponseWriter, r *http.Request) { s.end(w, r, s.members.leave) }

// end takes the cookie only once the file knows: whoever still has it should
// see that they are still signed in.
//
// The verification ends with it: else, for as long as its attempt lives, going
// back to the provider's return address would sign in again.
func (s *shop) end(w http.ResponseWriter, r *http.Request, void func(token string) error) {
	if err := s.endVerification(w, r); err != nil {
		s.fail(w, r, err)
		return
	}
	if err := void(s.token(r)); err != nil {
		s.fail(w, r, err)
		return
	}
	s.setToken(w, "", -1)
	seeOther(w, "/me")
}
