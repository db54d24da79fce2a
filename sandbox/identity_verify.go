package sandbox

import (
	"cmp"
	"encoding/json"
	"io"
	"time"
)

// IdentityVerification says who verifies through PortOne V2, and how.
type IdentityVerification struct {
	// ID is the identityVerificationId, the application's own: required, at
	// most 255 bytes, and with KCP letters and digits only, at most 40.
	ID string
	// Person is the id of a test person, e.g. [Adult]; required.
	Person string
	// ChannelKey is one of the sandbox's, e.g. [ChannelKeyDanal]; "" means the
	// live one of the person's usual gateway. A person who can be met only
	// elsewhere is an error.
	ChannelKey string
	// At is when the person was verified (verifiedAt); zero means now. The
	// birth date does not move with it.
	At time.Time
	// After is how long from now lookups still say READY.
	After time.Duration
	// Fail makes the try fail: the record says FAILED, and nothing of a
	// person. Another try under the same ID may succeed.
	Fail bool
}

// VerifyIdentity completes a verification of PortOne V2 at once, without a
// browser, and answers what the browser would have been told. The record is
// then there for GET /identity-verifications/{id}.
//
// It errs on a missing or unusable ID, one that is verified already or was
// tried too often, an unknown Person (the error lists the known ones), and a
// ChannelKey that is none of the sandbox's or that the person does not use.
func (s *Server) VerifyIdentity(v IdentityVerification) (IdentityResult, error) {
	person, err := findPerson(v.Person)
	if err != nil {
		return IdentityResult{}, err
	}
	c, err := v.channel(person)
	if err != nil {
		return IdentityResult{}, err
	}
	if err := checkIdentityID(v.ID, c); err != nil {
		return IdentityResult{}, inputErrorOf(err)
	}
	now := s.now()
	if v.At.IsZero() {
		v.At = now
	}
	var done identityVerification
	err = s.begin(v.ID, func(of identityVerification) (identityVerification, error) {
		done, err = v.complete(of.try(c, map[string]string{}, v.At), person, now)
		return done, err
	})
	if err != nil {
		return IdentityResult{}, inputErrorOf(err)
	}
	return done.result(), nil
}

func (v IdentityVerification) complete(of identityVerification, p Person, now time.Time) (identityVerification, error) {
	if v.Fail {
		return of.fail(closedWindow(), v.At), nil
	}
	of, err := of.verify(p, "", dateOf(now), v.At)
	if v.After > 0 {
		of.visibleAt = now.Add(v.After)
	}
	return of, err
}

func (v IdentityVerification) channel(p Person) (channel, error) {
	if v.ChannelKey == "" {
		return channelOf(p.Providers[0], p.testMID), nil
	}
	c, known := channelByKey(v.ChannelKey)
	if !known || c.nearest(p) != c {
		return c, &inputError{code: "bad_channel_key",
			message: "channelKey is none of the sandbox's, or one that the person is not met through; leave it out to use theirs"}
	}
	return c, nil
}

// inputErrorOf says what the vendor's API would have said.
func inputErrorOf(err error) error {
	if refusal, ok := err.(apiRefusal); ok {
		return &inputError{code: "bad_identity_verification", message: refusal.kind + ": " + refusal.message}
	}
	return err
}

// parseIdentity reads the body of POST /sandbox/identity-verifications. It is
// the sandbox's own format, so unknown fields are mistakes.
func parseIdentity(body io.Reader, now time.Time) (IdentityVerification, error) {
	var in struct {
		ID         string `json:"identityVerificationId"`
		Person     string `json:"person"`
		ChannelKey string `json:"channelKey"`
		Ago        string `json:"ago"`
		After      string `json:"after"`
		Fail       bool   `json:"fail"`
	}
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil || dec.More() {
		return IdentityVerification{}, &inputError{code: "bad_body",
			message: `the body must be one JSON object such as {"identityVerificationId":"…","person":"adult"}`}
	}
	ago, err := time.ParseDuration(cmp.Or(in.Ago, "0s"))
	if err != nil {
		return IdentityVerification{}, &inputError{code: "bad_ago", message: `ago must be a duration such as "40m" or "-5m"`}
	}
	after, err := time.ParseDuration(cmp.Or(in.After, "0s"))
	if err != nil || after < 0 {
		return IdentityVerification{}, &inputError{code: "bad_after", message: `after must be a duration such as "2s"`}
	}
	return IdentityVerification{
		ID: in.ID, Person: in.Person, ChannelKey: in.ChannelKey, At: now.Add(-ago), After: after, Fail: in.Fail,
	}, nil
}
