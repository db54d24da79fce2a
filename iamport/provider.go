package iamport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/internal/rest"
)

// A Provider verifies people through i'mport. Make one with [New]. It is safe
// for concurrent use, and prints and logs without its credentials.
type Provider struct {
	cfg    Config
	client *client
	tokens *tokenCache
}

var _ certify.Provider = (*Provider)(nil)

// New returns a provider for cfg, which it copies. Its error names the field
// that is missing or wrong. It does no I/O.
func New(cfg Config) (*Provider, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.PGProviders = slices.Clone(cfg.PGProviders)
	if cfg.ScriptURL == "" {
		cfg.ScriptURL = vendorScript
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := newClient(cfg)
	return &Provider{cfg: cfg, client: c, tokens: &tokenCache{client: c, key: cfg.Key, secret: cfg.Secret}}, nil
}

// Name returns "iamport".
func (p *Provider) Name() string { return "iamport" }

// Lookup fetches the record GET /certifications/{imp_uid} and returns the
// person it certifies. Text fields are empty where the PG gave nothing.
//
// It takes at most Config.Timeout, retrying what may pass, and obeys ctx. Its
// errors are [*certify.ProviderError] with these codes:
//   - [certify.CodeVerificationRefused]: there is no such record under this
//     key's merchant, or id is not an imp_uid
//   - [certify.CodeVerificationPending]: the record is not certified (yet)
//   - [certify.CodeChannelRefused]: a PG outside Config.PGProviders, or a test
//     channel
//   - [certify.CodeProviderInvalid]: the answer breaks the vendor's contract
//   - [certify.CodeProviderMisconfigured]: the vendor refuses Key and Secret,
//     or forbids their use
//   - [certify.CodeProviderUnavailable]: the vendor is down, slow, overloaded
//     or refuses its own token; or ctx ended, and then its error is wrapped
func (p *Provider) Lookup(ctx context.Context, id string) (*certify.Identity, error) {
	rec, err := p.certification(ctx, http.MethodGet, id)
	if err != nil {
		return nil, err
	}
	person, err := p.identity(rec)
	var failed *certify.ProviderError
	if errors.As(err, &failed) {
		failed.AttemptID = rec.MerchantUID
	}
	return person, err
}

// Erase deletes a record at the vendor for good: DELETE
// /certifications/{imp_uid}. Personal data that has served its purpose is to
// be destroyed (Personal Information Protection Act, art. 21).
//
// A record that is not there is an error with
// [certify.CodeVerificationRefused], because the vendor answers the same for
// one that was erased before and for one of another merchant, which lives on:
// whoever repeats an Erase may take it for success, whoever has just changed
// keys may not. Erase is not retried; other errors are those of [Provider.Lookup].
func (p *Provider) Erase(ctx context.Context, id string) error {
	_, err := p.certification(ctx, http.MethodDelete, id)
	return err
}

func errNotIMPUID() error {
	return &certify.ProviderError{
		Code:   certify.CodeVerificationRefused,
		Detail: "not an imp_uid; nothing was asked",
		Err:    certify.CodeVerificationIDMalformed,
	}
}

// certification calls the path of a record and returns the record in the answer.
func (p *Provider) certification(ctx context.Context, method, id string) (*record, error) {
	if !isIMPUID(id) {
		return nil, errNotIMPUID()
	}
	ctx, cancel := rest.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	body, err := p.authorized(ctx, rest.Request{
		Name: method + " certifications", Method: method, Path: "/certifications/" + url.PathEscape(id),
		Once: method == http.MethodDelete, // the second answer (404) would hide the first
	})
	switch {
	case errors.Is(err, errNotFound):
		return nil, &certify.ProviderError{
			Code:   certify.CodeVerificationRefused,
			Detail: "certifications: HTTP 404; no such record under this Key's merchant",
		}
	case err != nil:
		return nil, err
	}
	return decodeRecord(body, id)
}

// authorized sends r with a token, and once more with a fresh one where the
// first is refused: tokens are shared by all servers of a merchant and may
// end before their time.
func (p *Provider) authorized(ctx context.Context, r rest.Request) ([]byte, error) {
	tok, err := p.tokens.get(ctx)
	if err != nil {
		return nil, err
	}
	r.Authorization = "Bearer " + tok.value
	body, err := p.client.send(ctx, r)
	if !errors.Is(err, errUnauthorized) {
		return body, err
	}
	fresh, err := p.tokens.replace(ctx, tok)
	if err != nil {
		return nil, err
	}
	if fresh.value == tok.value { // a live token is handed out again: asking twice would change nothing
		return nil, errTokenRefused()
	}
	r.Authorization = "Bearer " + fresh.value
	body, err = p.client.send(ctx, r)
	if errors.Is(err, errUnauthorized) {
		return nil, errTokenRefused()
	}
	return body, err
}

// errTokenRefused is a 401 for a token that the vendor gave out a moment ago:
// Key and Secret are good, so the fault is the vendor's or the Tier's.
func errTokenRefused() error {
	return rest.Unavailable("certifications: HTTP 401 for a token just issued; if it lasts, check Tier")
}

func (p Provider) redacted() string {
	return fmt.Sprintf("iamport.Provider(%s)", p.cfg.Code)
}

// String returns the provider's merchant code.
func (p Provider) String() string { return p.redacted() }

// Format prints the provider's merchant code whatever the verb.
func (p Provider) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.redacted()) }

// LogValue returns the provider's merchant code.
func (p Provider) LogValue() slog.Value { return slog.StringValue(p.redacted()) }
