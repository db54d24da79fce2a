package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxMerchantUID = 255
	maxOrigin      = 2000
)

// Verification says who verifies, and how.
type Verification struct {
	// MerchantUID is the application's own id of the attempt; required, any
	// text of at most 255 bytes, as with the vendor.
	MerchantUID string
	// Person is the id of a test person, e.g. [Adult]; required.
	Person string
	// PGProvider is [Danal], [InicisUnified] or [KCP]; "" means the person's
	// usual one. A person who can be met only elsewhere is an error.
	PGProvider string
	// At is when the person was verified (certified_at); zero means now. The
	// birth date does not move with it: whoever turns 19 today turns 19 today.
	At time.Time
	// Origin is the URL of the page that opened the window, at most 2000
	// bytes; "" means null.
	Origin string
}

// Result is what the browser callback of IMP.certification gets. It proves
// nothing; the record does.
type Result struct {
	Success     bool    `json:"success"`
	ImpUID      string  `json:"imp_uid,omitempty"`
	MerchantUID string  `json:"merchant_uid,omitempty"`
	PGProvider  string  `json:"pg_provider,omitempty"` // absent on failure
	PGType      string  `json:"pg_type,omitempty"`     // "certification"; absent on failure
	ErrorCode   *string `json:"error_code"`
	ErrorMsg    *string `json:"error_msg"`
}

// Verify completes a verification at once, without a browser, and answers what
// the browser would have been told. The record is then there for
// GET /certifications/{imp_uid}.
//
// It errs on a missing or overlong MerchantUID, an unknown Person (the error
// lists the known ones), and a PGProvider the person does not use.
func (s *Server) Verify(v Verification) (Result, error) {
	person, err := findPerson(v.Person)
	if err != nil {
		return Result{}, err
	}
	a, err := v.attempt(person)
	if err != nil {
		return Result{}, err
	}
	if a, err = s.open(a); err != nil {
		return Result{}, err
	}
	at := v.At
	if at.IsZero() {
		at = s.now()
	}
	return s.certify(a, person, at)
}

func (v Verification) attempt(p Person) (attempt, error) {
	if err := checkMerchantUID(v.MerchantUID); err != nil {
		return attempt{}, err
	}
	if len(v.Origin) > maxOrigin || !utf8.ValidString(v.Origin) {
		return attempt{}, &inputError{code: "bad_origin",
			message: fmt.Sprintf("origin must be UTF-8 text of at most %d bytes", maxOrigin)}
	}
	provider, ok := p.provider(v.PGProvider)
	if !ok {
		return attempt{}, &inputError{code: "bad_pg_provider",
			message: fmt.Sprintf("the person %q is met through %s only; leave pg_provider out or use one of these",
				p.ID, strings.Join(p.Providers, ", "))}
	}
	return attempt{merchantUID: v.MerchantUID, provider: provider, origin: v.Origin}, nil
}

func checkMerchantUID(id string) error {
	if id == "" {
		return &inputError{code: "bad_merchant_uid", message: "merchant_uid is missing; pass the id of the attempt"}
	}
	if len(id) > maxMerchantUID || !utf8.ValidString(id) {
		return &inputError{code: "bad_merchant_uid",
			message: fmt.Sprintf("merchant_uid must be UTF-8 text of at most %d bytes", maxMerchantUID)}
	}
	return nil
}

// open gives the attempt its imp_uid and stores it, not yet certified: with
// the vendor, too, a record exists before anybody succeeded.
func (s *Server) open(a attempt) (attempt, error) {
	for range 10 {
		digits, err := randomDigits(12)
		if err != nil {
			return attempt{}, err
		}
		a.impUID = "imp_" + digits
		if s.records.add(a.impUID, stored{before: a.uncertified()}) {
			return a, nil
		}
	}
	return attempt{}, errors.New("sandbox: no free imp_uid")
}

// certify turns the attempt's record into the person's. A record dropped in
// the meantime stays dropped; looking it up answers 404, as it should.
func (s *Server) certify(a attempt, p Person, at time.Time) (Result, error) {
	rec, err := a.certified(p, dateOf(s.now()), at)
	if err != nil {
		return Result{}, err
	}
	s.records.update(a.impUID, func(was stored) stored { return stored{was.before, rec, p.finishes(at)} })
	return a.result(), nil
}

func (a attempt) result() Result {
	return Result{Success: true, ImpUID: a.impUID, MerchantUID: a.merchantUID, PGProvider: a.provider, PGType: "certification"}
}

// createVerification is POST /sandbox/verifications: [Server.Verify] for tests
// in any language.
func (s *Server) createVerification(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeProblem(w, &inputError{code: "bad_body", message: fmt.Sprintf("the body must be readable and at most %d bytes", maxBody)})
		return
	}
	v, err := parseVerification(body, s.now())
	if err != nil {
		writeProblem(w, err)
		return
	}
	result, err := s.Verify(v)
	if err != nil {
		writeProblem(w, err)
		return
	}
	writePlainJSON(w, http.StatusCreated, result)
}

// parseVerification reads the body of POST /sandbox/verifications. It is the
// sandbox's own format, so unknown fields are mistakes.
func parseVerification(body []byte, now time.Time) (Verification, error) {
	var in struct {
		MerchantUID string `json:"merchant_uid,omitempty"`
		Person      string `json:"person"`
		PGProvider  string `json:"pg_provider"`
		Origin      string `json:"origin"`
		Ago         string `json:"ago"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return Verification{}, badBody(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return Verification{}, badBody(errors.New("there is more after the JSON object"))
	}
	v := Verification{MerchantUID: in.MerchantUID, Person: in.Person, PGProvider: in.PGProvider, Origin: in.Origin}
	if in.Ago == "" {
		return v, nil
	}
	ago, err := time.ParseDuration(in.Ago)
	if err != nil {
		return Verification{}, &inputError{code: "bad_ago",
			message: `ago must be a duration such as "40m", "36h" or, for a verification in the future, "-5m"`}
	}
	v.At = now.Add(-ago)
	return v, nil
}

func badBody(err error) error {
	return &inputError{code: "bad_body",
		message: `the body must be JSON such as {"merchant_uid":"…","person":"adult"}: ` + err.Error()}
}

// listPeople is GET /sandbox/people.
func (s *Server) listPeople(w http.ResponseWriter, _ *http.Request) {
	type listed struct {
		Person
		Particulars
		Birthday string `json:"birthday"`
		Age      int    `json:"age"` // 만 나이 today
	}
	today := dateOf(s.now())
	var people []listed
	for _, p := range People() {
		birth := p.birth(today)
		people = append(people, listed{p, p.particulars(today), birth.String(), birth.fullAge(today)})
	}
	writePlainJSON(w, http.StatusOK, map[string]any{"people": people})
}
