package iamport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/certify-go/certify"
)

// Outcomes that mean one thing for a token and another for a record. They do
// not leave the package.
var (
	errUnauthorized = errors.New("iamport: HTTP 401")
	errNotFound     = errors.New("iamport: HTTP 404")
)

// errTimeout is the cause of contexts that end by Config.Timeout.
var errTimeout = errors.New("iamport: timeout")

func invalid(format string, args ...any) error {
	return &certify.ProviderError{Code: certify.CodeProviderInvalid, Detail: fmt.Sprintf(format, args...)}
}

func unavailable(format string, args ...any) error {
	return &certify.ProviderError{Code: certify.CodeProviderUnavailable, Detail: fmt.Sprintf(format, args...)}
}

func misconfigured(format string, args ...any) error {
	return &certify.ProviderError{Code: certify.CodeProviderMisconfigured, Detail: fmt.Sprintf(format, args...)}
}

// errTokenRefused is a 401 for a token that the vendor gave out a moment ago:
// Key and Secret are good, so the fault is the vendor's or the Tier's.
func errTokenRefused() error {
	return unavailable("certifications: HTTP 401 for a token just issued; if it lasts, check Tier")
}

// interrupted is the error for a ctx that has ended. It wraps the error of
// the caller's context, not that of Config.Timeout.
func interrupted(ctx context.Context) error {
	if context.Cause(ctx) == errTimeout {
		return unavailable("no answer within Config.Timeout")
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
		return interrupted(ctx)
	}
	return unavailable("%s: %s", name, failureKind(err))
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
