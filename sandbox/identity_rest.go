package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// apiRefusal is an error of the V2 API: {type, message}, and of a gateway's
// refusal also its own words.
type apiRefusal struct {
	kind    string
	message string
	pg      pgFailure
}

func (e apiRefusal) Error() string { return "sandbox: " + e.kind }

// The errors of the V2 schema.
const (
	kindInvalid         = "INVALID_REQUEST"
	kindUnauthorized    = "UNAUTHORIZED"
	kindForbidden       = "FORBIDDEN"
	kindNotFound        = "IDENTITY_VERIFICATION_NOT_FOUND"
	kindNotSent         = "IDENTITY_VERIFICATION_NOT_SENT"
	kindAlreadySent     = "IDENTITY_VERIFICATION_ALREADY_SENT"
	kindAlreadyVerified = "IDENTITY_VERIFICATION_ALREADY_VERIFIED"
	kindChannelNotFound = "CHANNEL_NOT_FOUND"
	kindMaxTries        = "MAX_TRANSACTION_COUNT_REACHED"
	kindPGProvider      = "PG_PROVIDER"
)

func (e apiRefusal) status() int {
	switch e.kind {
	case kindUnauthorized:
		return http.StatusUnauthorized
	case kindForbidden:
		return http.StatusForbidden
	case kindNotFound, kindNotSent, kindChannelNotFound:
		return http.StatusNotFound
	case kindAlreadySent, kindAlreadyVerified:
		return http.StatusConflict
	case kindPGProvider:
		return http.StatusBadGateway
	}
	return http.StatusBadRequest
}

func (e apiRefusal) object() map[string]any {
	o := map[string]any{"type": e.kind, "message": e.message}
	if e.kind == kindPGProvider {
		o["pgCode"], o["pgMessage"] = e.pg.code, e.pg.message
	}
	return o
}

func invalidRequest(format string, args ...any) error {
	return apiRefusal{kind: kindInvalid, message: fmt.Sprintf(format, args...)}
}

func refusedByPG(f pgFailure) error {
	return apiRefusal{kind: kindPGProvider, message: f.reason, pg: f}
}

// identityRoutes adds the V2 REST API.
func (s *Server) identityRoutes(mux *http.ServeMux) {
	const path = "/identity-verifications"
	mux.HandleFunc("GET "+path, s.withSecret(s.listIdentities))
	mux.HandleFunc("GET "+path+"/{id}", s.withSecret(s.getIdentity))
	mux.HandleFunc("POST "+path+"/{id}/send", s.withSecret(s.sendIdentity))
	mux.HandleFunc("POST "+path+"/{id}/confirm", s.withSecret(s.confirmIdentity))
	mux.HandleFunc("POST "+path+"/{id}/resend", s.withSecret(s.resendIdentity))
	mux.HandleFunc(path+"/", func(w http.ResponseWriter, _ *http.Request) {
		writeAPI(w, nil, invalidRequest("sandbox에 없는 API입니다. (The sandbox has no such operation.)"))
	})
}

// withSecret serves requests that show the API secret. What serve answers is
// the content of a success.
func (s *Server) withSecret(serve func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "PortOne") || !same(secret, s.apiSecret) {
			writeAPI(w, nil, apiRefusal{kind: kindUnauthorized,
				message: "인증 정보가 올바르지 않습니다. (Send Authorization: PortOne and the sandbox's API secret.)"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		content, err := serve(r)
		writeAPI(w, content, err)
	}
}

func writeAPI(w http.ResponseWriter, content any, err error) {
	status := http.StatusOK
	if refusal, ok := err.(apiRefusal); ok {
		status, content, err = refusal.status(), refusal.object(), nil
	}
	text, failure := json.Marshal(content)
	if err != nil || failure != nil {
		status, text = http.StatusInternalServerError, []byte(`{"type":"INTERNAL","message":"the sandbox failed"}`)
	}
	writeJSON(w, status, text)
}

// checkStore: a store of another account may not be named; without one it is
// the secret's own.
func (s *Server) checkStore(id string) error {
	if id == "" || id == s.storeID {
		return nil
	}
	return apiRefusal{kind: kindForbidden, message: "접근 권한이 없는 상점 아이디입니다. (The sandbox's store is " + s.storeID + ".)"}
}

// readBody reads JSON whatever its label: the vendor's own SDK sends it as
// text/plain.
func readBody(r *http.Request, v any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return invalidRequest("요청 본문을 읽을 수 없습니다. (The body is unreadable or too large.)")
	}
	return parseBody(body, v)
}

func parseBody(body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return invalidRequest("요청 본문이 올바른 JSON이 아닙니다. (The body is not the JSON of the schema.)")
	}
	return nil
}

func unknownIdentity() error {
	return apiRefusal{kind: kindNotFound, message: "요청된 본인인증 건이 존재하지 않습니다. (There is no such verification.)"}
}

func (s *Server) getIdentity(r *http.Request) (any, error) {
	if err := s.checkStore(r.URL.Query().Get("storeId")); err != nil {
		return nil, err
	}
	v, ok := s.identities.get(r.PathValue("id"))
	if !ok {
		return nil, unknownIdentity()
	}
	return v.at(s.now()).object(), nil
}
