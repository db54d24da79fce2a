package main

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/language"
)

const languageCookie = "lang"

var languages = language.NewMatcher([]language.Tag{language.Korean, language.English})

// languageOf is "ko" or "en", by Accept-Language.
func languageOf(r *http.Request) string {
	if _, i := language.MatchStrings(languages, r.Header.Get("Accept-Language")); i == 1 {
		return "en"
	}
	return "ko"
}

// localized is one of two sentences for the visitor.
func localized(r *http.Request, ko, en string) string {
	if languageOf(r) == "en" {
		return en
	}
	return ko
}

// choosesLanguage knows the language switch, which is a link to ?lang=en. The
// sandbox has a switch of its own, and the verification's pages have none.
func choosesLanguage(r *http.Request) bool {
	lang := r.URL.Query().Get("lang")
	return (lang == "ko" || lang == "en") && r.Method == http.MethodGet &&
		!strings.HasPrefix(r.URL.Path, "/sandbox") && !strings.HasPrefix(r.URL.Path, "/certifications")
}

// keepLanguage remembers the choice and shows the same page without it.
func (s *shop) keepLanguage(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: query.Get("lang"), Path: "/", MaxAge: 365 * 24 * 3600,
		Secure: strings.HasPrefix(s.origin, "https:"), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	query.Del("lang")
	seeOther(w, rootPath(r)+queryOf(query))
}

func queryOf(v url.Values) string {
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// speaking puts the remembered choice where certify's pages look, too.
func speaking(r *http.Request) *http.Request {
	c, err := r.Cookie(languageCookie)
	if err != nil || c.Value != "ko" && c.Value != "en" {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Language", c.Value)
	return r
}

// otherLanguage is the link of the language switch.
func otherLanguage(r *http.Request) string {
	query := r.URL.Query()
	query.Set("lang", localized(r, "en", "ko"))
	return queryOf(query)
}
