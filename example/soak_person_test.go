package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

// A person is a browser of the soak.
type person struct {
	*soak
	client *http.Client
}

func (s *soak) person() *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &person{s, &http.Client{Transport: s.transport, Jar: jar, Timeout: patience}}
}

// thief has the person's cookies of now.
func (p *person) thief() *person {
	other := p.person()
	u, _ := url.Parse(p.shop)
	other.client.Jar.SetCookies(u, p.client.Jar.Cookies(u))
	return other
}

// ask reports the status and the code or the attempt of the answer. It returns
// status 0 where none came and none need come.
func (p *person) ask(method, path, body string) (status int, word string) {
	req, err := http.NewRequest(method, p.shop+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	began := time.Now()
	p.requests.Add(1)
	res, err := p.client.Do(req)
	if err == nil {
		defer res.Body.Close()
		status = res.StatusCode
		word = wordOf(res.Body)
	}
	if err != nil || status == http.StatusServiceUnavailable || status == http.StatusBadGateway || status == http.StatusGatewayTimeout {
		p.miss(began, fmt.Sprintf("%s %s: %d %s, %v", method, path, status, word, err))
		return 0, ""
	}
	return status, word
}

func (p *person) miss(began time.Time, what string) {
	if began.UnixNano() <= p.trouble.Load() {
		p.unanswered.Add(1)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.missed) < 1_000_000 {
		p.missed = append(p.missed, miss{span{began, time.Now()}, what})
	}
}

func wordOf(body io.Reader) string {
	var doc struct {
		Code    string
		Attempt string `json:"merchant_uid"`
	}
	text, _ := io.ReadAll(body)
	_ = json.Unmarshal(text, &doc)
	return doc.Code + doc.Attempt
}

// want reports whether there was an answer, which must be right.
func (p *person) want(status int, code certify.Code, method, path, body string) bool {
	got, word := p.ask(method, path, body)
	if got == 0 {
		return false
	}
	if got != status || code != "" && word != string(code) {
		p.t.Errorf("%s %s: status %d %s, want %d %s", method, path, got, word, status, code)
		return false
	}
	return true
}

// gate wants the cellar to open.
func (p *person) gate() bool {
	began := time.Now()
	if !p.want(http.StatusOK, "", "GET", "/cellar", "") {
		return false
	}
	if began.UnixNano() > p.trouble.Load() {
		p.mu.Lock()
		if len(p.gates) < 2_000_000 {
			p.gates = append(p.gates, time.Since(began))
		}
		p.mu.Unlock()
	}
	return true
}

func confirmation(impUID string) string { return `{"imp_uid":"` + impUID + `"}` }

// pass verifies, and returns the verification's id.
func (p *person) pass(who string) (impUID string, ok bool) {
	status, attempt := p.ask("POST", "/certifications/attempts", `{"return_to":"/cellar"}`)
	if status != http.StatusCreated {
		return "", false
	}
	impUID = p.fleet.verified(attempt, who)
	if !p.want(http.StatusOK, "", "POST", "/certifications", confirmation(impUID)) {
		return "", false
	}
	p.verified.Add(1)
	return impUID, true
}

// walk is one visit, from nothing to the end.
func (s *soak) walk(n int) {
	p := s.person()
	if !p.want(http.StatusUnauthorized, certify.CodeVerificationRequired, "GET", "/cellar", "") {
		return
	}
	if n%5 == 4 {
		if _, ok := p.pass(sandbox.Minor); ok {
			p.want(http.StatusForbidden, certify.CodeUnderage, "GET", "/cellar", "")
		}
		return
	}
	impUID, ok := p.pass(sandbox.Adult)
	for range 5 {
		if ok = ok && p.gate(); !ok {
			return
		}
	}
	switch n % 4 {
	case 0:
		p.want(http.StatusOK, "", "POST", "/certifications", confirmation(impUID))
	case 1:
		other := s.person()
		if status, _ := other.ask("POST", "/certifications/attempts", `{}`); status == http.StatusCreated {
			other.want(http.StatusForbidden, certify.CodeVerificationRefused, "POST", "/certifications", confirmation(impUID))
			s.refused.Add(1)
		}
	default:
		p.signOut()
	}
}

// signOut wants everybody with these cookies out within a second, and for good.
func (p *person) signOut() {
	thief := p.thief()
	if !thief.gate() || !p.want(http.StatusNoContent, "", "POST", "/certifications/logout", "") {
		return
	}
	p.signedOut.Add(1)
	out := time.Now()
	var admitted time.Duration
	for refused := 0; refused < 6; { // twice at each process
		began := time.Now()
		status, word := thief.ask("GET", "/cellar", "")
		switch {
		case status == http.StatusOK:
			admitted, refused = began.Sub(out), 0
		case status == 0 && began.Sub(out) > 10*time.Second:
			return
		case status == http.StatusUnauthorized && word == string(certify.CodeClaimRevoked):
			refused++
		case status != 0:
			p.t.Errorf("after signing out: status %d %s", status, word)
			return
		}
	}
	if admitted > time.Second {
		p.t.Errorf("%s after signing out, a request was admitted", admitted)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.admitted = append(p.admitted, admitted)
}
