package sandbox

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

const maxBody = 16 << 10

// The vendor's own messages. The one for a bad token is not on public record.
const (
	messageBadCredentials = "인증에 실패하였습니다. API키와 secret을 확인하세요." // #nosec G101 -- a sentence
	messageMissing        = " 파라메터가 누락되었습니다."
	messageNotFound       = "인증결과가 존재하지 않습니다."
	messageUnauthorized   = "access token이 없거나 만료되었습니다. POST /users/getToken으로 다시 발급받으세요."
	messageUnknownRoute   = "sandbox에 없는 API입니다. POST /users/getToken, GET·DELETE /certifications/{imp_uid}, POST /certifications/otp/request와 /certifications/otp/confirm/{imp_uid}, V2의 /identity-verifications만 있습니다."
)

func unknownRoute(w http.ResponseWriter, _ *http.Request) {
	refuse(w, http.StatusNotFound, messageUnknownRoute)
}

// getToken is POST /users/getToken. Its times are the server's own clock, so
// that callers need not trust theirs.
func (s *Server) getToken(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusBadRequest, "request body is unreadable or too large")
		return
	}
	c := parseCredentials(r.Header.Get("Content-Type"), body)
	if missing := c.missing(); missing != "" {
		refuse(w, http.StatusBadRequest, missing+messageMissing)
		return
	}
	if !same(c.Key, s.key) || !same(c.Secret, s.secret) {
		refuse(w, http.StatusUnauthorized, messageBadCredentials)
		return
	}
	now := s.now()
	token, expires := s.tokens.issue(now)
	answer(w, map[string]any{"access_token": token, "expired_at": expires.Unix(), "now": now.Unix()})
}

type credentials struct {
	Key    string `json:"imp_key"`
	Secret string `json:"imp_secret"`
}

func (c credentials) missing() string {
	var names []string
	if c.Key == "" {
		names = append(names, "imp_key")
	}
	if c.Secret == "" {
		names = append(names, "imp_secret")
	}
	return strings.Join(names, ", ")
}

// parseCredentials reads JSON, or form text where the label says so. What it
// cannot read is missing.
func parseCredentials(contentType string, body []byte) credentials {
	if media, _, _ := mime.ParseMediaType(contentType); media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return credentials{}
		}
		return credentials{Key: form.Get("imp_key"), Secret: form.Get("imp_secret")}
	}
	var c credentials
	if err := json.Unmarshal(body, &c); err != nil {
		return credentials{}
	}
	return c
}

// authorized lets a request through with a token that is valid now.
func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.tokens.valid(accessToken(r.Header), s.now()) {
			refuse(w, http.StatusUnauthorized, messageUnauthorized)
			return
		}
		next(w, r)
	}
}

// accessToken reads `Authorization: Bearer t`, `Authorization: t` or the older
// X-ImpTokenHeader. Where both headers are sent, Authorization counts.
func accessToken(h http.Header) string {
	value := strings.TrimSpace(h.Get("Authorization"))
	if value == "" {
		return strings.TrimSpace(h.Get("X-ImpTokenHeader"))
	}
	scheme, token, found := strings.Cut(value, " ")
	if found && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return value
}

func (s *Server) getCertification(w http.ResponseWriter, r *http.Request) {
	answerRecord(w, r, s.record)
}

// deleteCertification answers the record for the last time.
func (s *Server) deleteCertification(w http.ResponseWriter, r *http.Request) {
	answerRecord(w, r, func(id string) (record, bool) {
		rec, ok := s.records.remove(id)
		return rec.at(s.now()), ok
	})
}

func (s *Server) record(id string) (record, bool) {
	rec, ok := s.records.get(id)
	return rec.at(s.now()), ok
}

func answerRecord(w http.ResponseWriter, r *http.Request, find func(string) (record, bool)) {
	rec, ok := find(r.PathValue("imp_uid"))
	if !ok {
		refuse(w, http.StatusNotFound, messageNotFound)
		return
	}
	answer(w, rec)
}
