package rest

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/certify-go/certify"
)

// An Answer is the API's, or that of whatever answered in its place.
type Answer struct {
	// Status is the HTTP status.
	Status int
	// RetryAfter is the time after which the same request may be answered
	// otherwise, or 0 where that is not known.
	RetryAfter time.Duration

	name        string
	contentType string
	data        []byte
}

// OK reports a 2xx status.
func (a *Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// JSON returns the content if it is one JSON value, labelled so, in UTF-8, of a
// bounded size and with no member twice. Otherwise the error is [certify.CodeProviderInvalid].
func (a *Answer) JSON() (json.RawMessage, error) {
	if len(a.data) > maxBody {
		return nil, a.invalid("with more than 1 MiB")
	}
	if media, _, err := mime.ParseMediaType(a.contentType); err != nil || media != "application/json" {
		return nil, a.invalid("whose content is not application/json")
	}
	if !utf8.Valid(a.data) || !json.Valid(a.data) {
		return nil, a.invalid("whose content is not JSON")
	}
	if err := checkMembers(a.data, nil); err != nil {
		return nil, a.invalid("whose content " + err.Error())
	}
	return a.data, nil
}

// Unmarshal reads the content into v, which it may leave half filled. The names
// of members count as they are documented, case included.
func (a *Answer) Unmarshal(v any) error {
	data, err := a.JSON()
	if err != nil {
		return err
	}
	if err := checkMembers(data, reflect.TypeOf(v)); err != nil {
		return a.invalid("whose content " + err.Error())
	}
	if json.Unmarshal(data, v) != nil {
		return a.invalid("whose content is not the API's JSON")
	}
	return nil
}

func (a *Answer) invalid(what string) error {
	return Invalid("%s: HTTP %d %s", a.name, a.Status, what)
}

// Refusal is the error for an answer that is no success, by its status alone.
func (a *Answer) Refusal() *certify.ProviderError {
	switch {
	case a.Status >= 500, a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooManyRequests:
		return a.fault(certify.CodeProviderUnavailable, "%s: HTTP %d", a.name, a.Status)
	case a.Status >= 300 && a.Status < 400:
		return a.fault(certify.CodeProviderInvalid, "%s: HTTP %d; redirects are not followed", a.name, a.Status)
	}
	return a.fault(certify.CodeProviderInvalid, "%s: HTTP %d", a.name, a.Status)
}

// Misconfigured is the error for an answer that refuses the credentials.
func (a *Answer) Misconfigured(format string, args ...any) error {
	return a.fault(certify.CodeProviderMisconfigured, format, args...)
}

func (a *Answer) fault(code certify.Code, format string, args ...any) *certify.ProviderError {
	err := fault(code, format, args...)
	err.RetryAfter = a.RetryAfter
	return err
}

// Decode reads a JSON object of the API into v, and refuses members twice or in
// another case than v's. Its error names the field at most: the other parts of
// encoding/json's quote the content.
func Decode(data []byte, v any) error {
	if !json.Valid(data) {
		return Invalid("record: not a JSON object")
	}
	if err := checkMembers(data, reflect.TypeOf(v)); err != nil {
		return Invalid("record: %s", err.Error())
	}
	err := json.Unmarshal(data, v)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		return Invalid("record: %s has another type than documented", wrong.Field)
	}
	return Invalid("record: not a JSON object")
}
