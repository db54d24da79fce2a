package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/certify-go/certify"
)

func fault(code certify.Code, format string, args ...any) *certify.ProviderError {
	return &certify.ProviderError{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Invalid is the error of an answer that breaks the contract.
func Invalid(format string, args ...any) error {
	return fault(certify.CodeProviderInvalid, format, args...)
}

// Unavailable is the error of an API that is down, slow or overloaded.
func Unavailable(format string, args ...any) error {
	return fault(certify.CodeProviderUnavailable, format, args...)
}

// Misconfigured is the error of what only the operator can mend.
func Misconfigured(format string, args ...any) error {
	return fault(certify.CodeProviderMisconfigured, format, args...)
}

// errTimeout is the cause of contexts that end by [WithTimeout].
var errTimeout = errors.New("rest: timeout")

// WithTimeout bounds an operation by d. When that ends it, the error is not
// the caller's context's.
func WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, errTimeout)
}

// Interrupted is the error for a ctx that has ended. It wraps the error of
// the caller's context, not that of [WithTimeout].
func Interrupted(ctx context.Context) error {
	if context.Cause(ctx) == errTimeout {
		return Unavailable("no answer within the time allowed")
	}
	return &certify.ProviderError{
		Code:   certify.CodeProviderUnavailable,
		Detail: "the caller stopped waiting",
		Err:    ctx.Err(),
	}
}

// transportFailure puts a failed exchange into words. It does not wrap err,
// which holds the URL, with the verification's id, and whatever a custom
// transport says.
func transportFailure(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return Interrupted(ctx)
	}
	return Unavailable("%s: %s", name, failureKind(err))
}

func failureKind(err error) string {
	var (
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		timeout net.Error
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &cert), errors.As(err, &unknown):
		return "TLS certificate not trusted"
	case errors.As(err, &record), errors.As(err, &alert):
		return "TLS handshake failed"
	case errors.As(err, &dns):
		return "host name not found"
	}
	return "connection failed"
}
