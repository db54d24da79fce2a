package portone

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

// A Provider verifies people through PortOne V2. Make one with [New]. It is
// safe for concurrent use, and prints and logs without its secret.
type Provider struct {
	cfg    Config
	client *rest.Client
}

var _ certify.Provider = (*Provider)(nil)

// New returns a provider for cfg, which it copies. Its error names the field
// that is missing or wrong. It does no I/O.
func New(cfg Config) (*Provider, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.ChannelKeys = slices.Clone(cfg.ChannelKeys)
	if cfg.ScriptURL == "" {
		cfg.ScriptURL = vendorScript
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Provider{cfg: cfg, client: newClient(cfg)}, nil
}

func newClient(cfg Config) *rest.Client {
	base := vendorAPI
	if cfg.InsecureBaseURL != "" {
		base = cfg.InsecureBaseURL
	}
	header := http.Header{"User-Agent": {"certify-go/portone"}, "Authorization": {"PortOne " + cfg.Secret}}
	return rest.NewClient(rest.Config{Base: base, Header: header, Transport: cfg.Transport, Timeout: cfg.Timeout})
}

// Name returns "portone".
func (p *Provider) Name() string { return "portone" }

// Lookup fetches the record GET /identity-verifications/{id} and returns the
// person it verifies. Text fields are empty where the PG gave nothing.
//
// It takes at most Config.Timeout, retrying what may pass, and obeys ctx. Its
// errors are [*certify.ProviderError] with these codes:
//   - [certify.CodeVerificationRefused]: id is not 32 lower-case hex digits
//   - [certify.CodeVerificationPending]: the store has no such record (yet): it
//     is made when the window opens, under the attempt's own id. Or it is not
//     verified (yet); one that failed may still be, because people try again
//     under one id
//   - [certify.CodeChannelRefused]: a channel outside Config.ChannelKeys, or
//     one that is not LIVE
//   - [certify.CodeProviderInvalid]: the answer breaks the vendor's contract,
//     or its status is one that this package does not know
//   - [certify.CodeProviderMisconfigured]: the vendor refuses Secret or StoreID
//   - [certify.CodeProviderUnavailable]: the vendor is down, slow or
//     overloaded; or ctx ended, and then its error is wrapped
//
// Where the API gave a type that this package knows, the error wraps the
// [ErrorType].
func (p *Provider) Lookup(ctx context.Context, id string) (*certify.Identity, error) {
	ctx, cancel := rest.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	body, err := p.call(ctx, rest.Request{Name: "identity-verifications", Method: http.MethodGet}, id, p.storeQuery())
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, apiError(certify.CodeVerificationPending, "identity-verifications: there is no such record, or not yet", ErrNotFound)
	case errors.Is(err, ErrInvalidRequest): // nothing but the id, which is well formed, and the store was sent
		return nil, apiError(certify.CodeProviderMisconfigured, "identity-verifications: INVALID_REQUEST; check Config.StoreID", ErrInvalidRequest)
	case err != nil:
		return nil, err
	}
	rec, err := decodeRecord(body, id)
	if err != nil {
		return nil, err
	}
	person, err := p.identity(rec)
	var failed *certify.ProviderError
	if errors.As(err, &failed) {
		failed.AttemptID = id // an attempt's own: see CallbackID
	}
	return person, err
}

func (p *Provider) storeQuery() string { return "?storeId=" + url.QueryEscape(p.cfg.StoreID) }

// call sends r to the path of the verification with that id, the only path
// that this package knows, and returns the content of a success.
func (p *Provider) call(ctx context.Context, r rest.Request, id, suffix string) ([]byte, error) {
	if !isID(id) {
		return nil, &certify.ProviderError{
			Code:   certify.CodeVerificationRefused,
			Detail: "not an id of certify's, 32 lower-case hex digits; nothing was asked",
			Err:    certify.CodeVerificationIDMalformed,
		}
	}
	r.Path = "/identity-verifications/" + id + suffix
	answer, err := p.client.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	if !answer.OK() {
		return nil, refusal(r, answer)
	}
	return answer.JSON()
}

func (p Provider) redacted() string {
	return fmt.Sprintf("portone.Provider(%s)", p.cfg.StoreID)
}

// String returns the provider's store id.
func (p Provider) String() string { return p.redacted() }

// Format prints the provider's store id whatever the verb.
func (p Provider) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.redacted()) }

// LogValue returns the provider's store id.
func (p Provider) LogValue() slog.Value { return slog.StringValue(p.redacted()) }
