package certify

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// checkChecks wants names that stand in a query as they are.
func (cfg HandlerConfig) checkChecks() error {
	for name, p := range cfg.Checks {
		switch {
		case !purposeName.MatchString(name):
			return errors.New("certify: HandlerConfig.Checks has a name that is not 1 to 32 lower-case letters, digits, _ and -")
		case p == nil:
			return fmt.Errorf("certify: HandlerConfig.Checks: the policy %q is nil", name)
		}
	}
	return nil
}

// serveCheck answers a front server that asks before it lets a request
// through: 204 to let it, and else a problem document. Such servers know only
// statuses (nginx takes 401 and 403 for a refusal, and all but 2xx for a
// fault), so a navigation is not sent to the start page, nor a cookie set or
// taken: the answer may reach nobody.
//
// The request's own headers are the visitor's: of them only the credential
// counts. X-Forwarded-* is nobody's word.
func (h *Handler) serveCheck(w http.ResponseWriter, r *http.Request) error {
	if h.checks == nil {
		return CodeNotFound
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin") // a sibling host's page learns nothing by loading it
	p, ok := h.checkNamed(r.URL.RawQuery)
	if !ok {
		bad := problemOf(CodeRequestMalformed)
		bad.ko = "등록된 정책의 이름을 policy 매개변수 하나로 지정해야 합니다(HandlerConfig.Checks)."
		bad.en = "A check takes one parameter, policy, with a name of HandlerConfig.Checks."
		h.sessions.emit(r.Context(), Event{Kind: EventDenied, Code: bad.code, Detail: bad.en})
		writeProblem(w, r, bad)
		return nil
	}
	h.sessions.Load(checked{h, p}).ServeHTTP(w, r)
	return nil
}

// checkNamed finds the policy that a query asks for. It takes one parameter and
// no second, of whatever name: what a front server and certify might read
// differently is nobody's pass.
func (h *Handler) checkNamed(query string) (Policy, bool) {
	q, err := url.ParseQuery(query)
	if err != nil || len(q) != 1 || len(q["policy"]) != 1 {
		return nil, false
	}
	p, ok := h.checks[q.Get("policy")]
	return p, ok
}

// checked answers for a policy as a gate does, but has nothing behind it.
type checked struct {
	handler *Handler
	policy  Policy
}

func (c checked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := sessionFrom(r.Context())
	err := s.admit(r, c.policy)
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	p := problemOf(err)
	s.sessions.tellDenied(r.Context(), err, p)
	if isSpeculative(r) {
		writeProblem(w, r, problemOf(CodePrefetchRefused))
		return
	}
	p.challenge(w.Header(), s)
	p.write(w, r, c.handler.startBehind(r, p))
}
