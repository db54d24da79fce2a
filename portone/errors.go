package portone

import (
	"fmt"
	"net/http"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/internal/rest"
)

// An ErrorType is the type that the API gives an error. It is itself an error,
// for [errors.Is]: every [*certify.ProviderError] of this package wraps it
// where the API named one of these.
type ErrorType string

// Error is the type, without what the vendor wrote about it.
func (t ErrorType) Error() string { return "portone: " + string(t) }

// The types of the vendor's schema. An INVALID_REQUEST also stands for
// particulars that this package sent nowhere, because they cannot be right.
const (
	ErrInvalidRequest             ErrorType = "INVALID_REQUEST"
	ErrUnauthorized               ErrorType = "UNAUTHORIZED"                           // Secret is wrong, or has expired
	ErrForbidden                  ErrorType = "FORBIDDEN"                              // Secret may not do that
	ErrChannelNotFound            ErrorType = "CHANNEL_NOT_FOUND"                      // Send: no such channel in the store
	ErrNotFound                   ErrorType = "IDENTITY_VERIFICATION_NOT_FOUND"        // no such verification in the store
	ErrNotSent                    ErrorType = "IDENTITY_VERIFICATION_NOT_SENT"         // Confirm, Resend: nothing was sent for it
	ErrAlreadySent                ErrorType = "IDENTITY_VERIFICATION_ALREADY_SENT"     // Send: use Resend or Confirm
	ErrAlreadyVerified            ErrorType = "IDENTITY_VERIFICATION_ALREADY_VERIFIED" // it is done: post it to the Handler
	ErrMaxTransactionCountReached ErrorType = "MAX_TRANSACTION_COUNT_REACHED"          // Send: too many tries; begin a new attempt

	// ErrPGProvider is the PG's refusal, for whatever reason: wrong digits,
	// particulars that no carrier knows, or a fault of its own. The API has no
	// types to tell these apart.
	ErrPGProvider ErrorType = "PG_PROVIDER"
)

// codeOf maps the types to codes of certify's: whose fault it is decides.
func codeOf(t ErrorType) (certify.Code, bool) {
	switch t {
	case ErrInvalidRequest, ErrNotFound, ErrNotSent, ErrAlreadyVerified, ErrMaxTransactionCountReached, ErrPGProvider:
		return certify.CodeVerificationRefused, true
	case ErrAlreadySent:
		return certify.CodeVerificationPending, true
	case ErrUnauthorized, ErrForbidden, ErrChannelNotFound:
		return certify.CodeProviderMisconfigured, true
	}
	return "", false
}

// answersLookup reports whether a lookup may be answered with t. The other
// types are for requests that have an effect.
func (t ErrorType) answersLookup() bool {
	return t == ErrInvalidRequest || t == ErrUnauthorized || t == ErrForbidden || t == ErrNotFound
}

// withPause adds the time after which to ask again.
func withPause(err *certify.ProviderError, answer *rest.Answer) error {
	err.RetryAfter = answer.RetryAfter
	return err
}

func apiError(code certify.Code, detail string, t ErrorType) *certify.ProviderError {
	return &certify.ProviderError{Code: code, Detail: detail, Err: t}
}

// refusal is the error for an answer that is no success. The type decides;
// the status does where the type is missing or new, as the vendor may add some.
func refusal(r rest.Request, answer *rest.Answer) error {
	var body struct {
		Type ErrorType `json:"type"`
	}
	typed := answer.Status >= 400 && answer.Unmarshal(&body) == nil && body.Type != ""
	name := r.Name
	if code, known := codeOf(body.Type); known && (r.Method == http.MethodPost || body.Type.answersLookup()) {
		return withPause(apiError(code, fmt.Sprintf("%s: HTTP %d, %s", name, answer.Status, string(body.Type)), body.Type), answer)
	}
	switch {
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden:
		return answer.Misconfigured("%s: HTTP %d; is Config.Secret right, and has it not expired?", name, answer.Status)
	case answer.Status == http.StatusNotFound && typed:
		return &certify.ProviderError{Code: certify.CodeVerificationRefused, Detail: name + ": HTTP 404 with an unknown type"}
	}
	return answer.Refusal()
}
