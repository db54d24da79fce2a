package certify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"time"
)

// A Provider is a verification service: [github.com/certify-go/certify/iamport]
// is one. Most programs construct one and hand it to [HandlerConfig]; only
// authors of further providers call its methods.
//
// Implementations must be safe for concurrent use.
type Provider interface {
	// Name identifies the provider in attempts, claims and events:
	// 1 to 32 lower-case letters, digits and hyphens.
	Name() string

	// Begin says how a browser starts the verification for a. It does no I/O.
	Begin(a Attempt) Start

	// CallbackID takes the verification id from the values a browser sent.
	// It returns only ids that are safe to put in a URL path. Its errors are
	// [CodeVerificationIDMissing], [CodeVerificationIDMalformed], or
	// [CodeAttemptMissing] when the values name another attempt than a.
	CallbackID(v url.Values, a Attempt) (string, error)

	// Lookup fetches the record with that id. It returns an identity only for
	// a verification that was completed, on a live channel that the operator
	// allowed; every other outcome is a [*ProviderError], which names the
	// attempt of a record that was read. It returns when ctx
	// ends, whose error it then wraps, and by itself within a minute; it follows
	// no redirects, and the identity is the caller's to change.
	Lookup(ctx context.Context, id string) (*Identity, error)
}

// A Start tells a browser how to open the provider's window.
type Start struct {
	// Script is the URL of the provider's browser SDK.
	Script string `json:"script"`
	// IDName is what the provider calls the attempt's id: "merchant_uid".
	IDName string `json:"-"`
	// Calls are made in order once the script is loaded. The last opens the window.
	Calls []Call `json:"calls"`
}

// A Call is one call of a provider's browser SDK.
type Call struct {
	// Function is the function's global name: "IMP.certification".
	Function string `json:"function"`
	// Args are its arguments.
	Args []any `json:"args"`
	// Callback says that the result comes to a function passed as one more
	// argument; otherwise the call returns the result, perhaps as a promise.
	Callback bool `json:"callback,omitempty"`
}

// Nationality is what a provider knows of a person's nationality.
// The zero value is unknown.
type Nationality uint8

const (
	NationalityUnknown   Nationality = iota // the provider did not say
	NationalityKorean                       // a Korean national
	NationalityForeigner                    // a registered foreigner
)

// An Identity is a person as the provider verified them. It holds personal
// data, exists only while a callback is handled, and prints, logs and marshals
// without it, except from an unexported field of another type, where fmt calls
// no methods. Text fields are "" and dates zero when the provider gave nothing.
type Identity struct {
	Provider   string    // [Provider.Name]; the Handler sets it, and Purpose
	ID         string    // the verification's id: imp_uid, or V2's identityVerificationId
	AttemptID  string    // the attempt that the record names: merchant_uid; with V2 the id itself
	Channel    string    // the PG that verified: "danal"
	VerifiedAt time.Time // when the person was verified
	Purpose    string    // what the attempt was begun for: one of [HandlerConfig.Purposes], or ""

	Name      string
	BirthDate BirthDate
	Gender    string // "male" or "female"; with some of KG Inicis's certificates as the person typed it
	Phone     string // digits only
	Carrier   string // "SKT", "KT_MVNO", …

	Nationality Nationality
	// NationalitySelfAsserted says that the person typed their nationality
	// and nobody verified it. The claim then leaves it out.
	NationalitySelfAsserted bool

	// CI (연계정보) is the same for a person on every site. Its use is
	// regulated by name: Network Act, art. 23-5 and 23-6.
	CI string
	// DI (중복가입확인정보) is a person's key on one site and PG merchant id.
	DI string
}

// String returns "[redacted]".
func (id Identity) String() string { return redacted }

// Format prints "[redacted]" whatever the verb.
func (id Identity) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (id Identity) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]": an identity is not for storing whole.
func (id Identity) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, redacted), nil }

// A ProviderError is a [Provider.Lookup] that brought no identity.
type ProviderError struct {
	// Code is one of the Code constants marked "provider".
	Code Code
	// AttemptID is the attempt that the record names, as far as there is a
	// record and it was read: [Identity.AttemptID]. Of another browser's the
	// visitor learns no more than of none.
	AttemptID string
	// Detail is for the operator's log. It holds no personal data, no secret
	// and nothing of a response body.
	Detail string
	// RetryAfter is the time after which another Lookup may be answered
	// otherwise, or 0 where that is not known. A 503 tells the visitor, in whole
	// seconds and at most an hour (RFC 9110, section 10.2.3).
	RetryAfter time.Duration
	// Err is the cause, if it holds none of these either: [context.Canceled].
	Err error
}

// Error is for the operator: the code and the detail, and never Err's text,
// which may hold anything.
func (e *ProviderError) Error() string {
	return "certify: " + string(e.Code) + ": " + e.Detail
}

// Unwrap lets [errors.Is] find the Code and the cause.
func (e *ProviderError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// codeOf finds the Code in err's tree.
func codeOf(err error) (Code, bool) {
	var c Code
	ok := errors.As(err, &c)
	return c, ok
}
