package rest

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"unicode/utf8"

	"github.com/certify-go/certify"
)

// An Answer is the API's, or that of whatever answered in its place.
type Answer struct {
	// Status is the HTTP status.
	Status int

	name        string
	contentType string
	data        []byte
}

// OK reports a 2xx status.
func (a *Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// JSON returns the content if it is one JSON value, labelled so, in UTF-8 and
// of a bounded size. Otherwise the error is [certify.CodeProviderInvalid].
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
	return a.data, nil
}

// Unmarshal reads the content into v, which it may leave half filled.
func (a *Answer) Unmarshal(v any) error {
	data, err := a.JSON()
	if err != nil {
		return err
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
		return fault(certify.CodeProviderUnavailable, "%s: HTTP %d", a.name, a.Status)
	case a.Status >= 300 && a.Status < 400:
		return fault(certify.CodeProviderInvalid, "%s: HTTP %d; redirects are not followed", a.name, a.Status)
	}
	return fault(certify.CodeProviderInvalid, "%s: HTTP %d", a.name, a.Status)
}

// Decode reads a JSON object of the API into v. Its error names the field at
// most: the other parts of encoding/json's quote the content.
func Decode(data []byte, v any) error {
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
