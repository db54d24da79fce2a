package portone

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/certify-go/certify/internal/rest"
)

// pgTimeout is how long a PG may take: the vendor asks for a minute at least.
const pgTimeout = time.Minute

// The ways in which [Provider.Send] reaches a person: by a text message with
// digits, or by the carrier's app (PASS), which needs none.
const (
	MethodSMS = "SMS"
	MethodApp = "APP"
)

// A SendRequest holds what a person typed about themselves. It prints, logs
// and marshals without it, except from an unexported field of another type.
type SendRequest struct {
	Name        string
	PhoneNumber string // digits only
	// IdentityNumber is the first seven digits of the resident or foreigner
	// registration number. It is required with MethodSMS.
	IdentityNumber string
	// Operator is the carrier: "SKT", "KT", "LGU", "SKT_MVNO", "KT_MVNO" or "LGU_MVNO".
	Operator string
	// Method is [MethodSMS], the default, or [MethodApp].
	Method string
	// IPAddress is the person's, by which the PG limits requests. Take it from
	// the connection, or from a header of your own proxy and no other.
	IPAddress netip.Addr
	// ChannelKey is one of Config.ChannelKeys. Default: the first.
	ChannelKey string
}

const redactedSend = "portone.SendRequest{[redacted]}"

// String returns nothing of r.
func (r SendRequest) String() string { return redactedSend }

// Format prints nothing of r, whatever the verb.
func (r SendRequest) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedSend) }

// LogValue returns nothing of r.
func (r SendRequest) LogValue() slog.Value { return slog.StringValue(redactedSend) }

// MarshalJSON returns nothing of r.
func (r SendRequest) MarshalJSON() ([]byte, error) { return json.Marshal(redactedSend) }

// Send has the PG send the person digits, or a request to their carrier's app,
// under the attempt's id. It is for merchants with a form of their own: see the
// package documentation for what else they need.
//
// It is sent once, takes at most a minute, and obeys ctx. Its errors are
// [*certify.ProviderError]; those that a form may expect wrap
// [ErrInvalidRequest], [ErrPGProvider] (particulars that no carrier knows, or a
// fault of the PG's), [ErrAlreadySent], [ErrAlreadyVerified] or
// [ErrMaxTransactionCountReached]. After [certify.CodeProviderUnavailable] it is
// not known whether anything was sent: ErrAlreadySent then says so.
func (p *Provider) Send(ctx context.Context, id string, r SendRequest) error {
	if r.ChannelKey == "" {
		r.ChannelKey = p.cfg.ChannelKeys[0]
	}
	if r.Method == "" {
		r.Method = MethodSMS
	}
	if wrong := p.wrongField(r); wrong != "" {
		return malformed("SendRequest." + wrong)
	}
	customer := map[string]string{"name": r.Name, "phoneNumber": r.PhoneNumber, "ipAddress": r.IPAddress.Unmap().WithZone("").String()}
	if r.IdentityNumber != "" {
		customer["identityNumber"] = r.IdentityNumber
	}
	_, err := p.post(ctx, id, "send", map[string]any{
		"storeId": p.cfg.StoreID, "channelKey": r.ChannelKey, "customer": customer,
		"operator": r.Operator, "method": r.Method,
	})
	return err
}

// Confirm tells the PG the digits that the person typed, or with otp empty asks
// it about the app's answer. Success means that [Provider.Lookup] has a person
// to return; it is no claim yet: the browser that holds the attempt must still
// post the id to the Handler.
//
// It is sent once, takes at most a minute, and obeys ctx. Its errors are those
// of Lookup, and wrap [ErrPGProvider] for wrong digits as for a fault of the
// PG's, [ErrNotSent], [ErrNotFound] or [ErrAlreadyVerified].
func (p *Provider) Confirm(ctx context.Context, id, otp string) error {
	body := map[string]any{"storeId": p.cfg.StoreID}
	if otp != "" {
		body["otp"] = otp
		if !rest.IsDigits(otp, 4, 10) {
			return malformed("otp must be 4 to 10 digits")
		}
	}
	answer, err := p.post(ctx, id, "confirm", body)
	if err != nil {
		return err
	}
	var envelope struct {
		IdentityVerification json.RawMessage `json:"identityVerification"`
	}
	if err := rest.Decode(answer, &envelope); err != nil {
		return err
	}
	rec, err := decodeRecord(envelope.IdentityVerification, id)
	if err != nil {
		return err
	}
	_, err = p.identity(rec)
	return err
}

// Resend has the PG send the digits of an earlier [Provider.Send] again. It
// costs as much, so limit it as well. Its errors are those of Send, and
// [ErrNotSent].
func (p *Provider) Resend(ctx context.Context, id string) error {
	_, err := p.post(ctx, id, "resend", nil)
	return err
}

// post has an effect that the vendor charges for, so it is made once.
func (p *Provider) post(ctx context.Context, id, verb string, body any) ([]byte, error) {
	ctx, cancel := rest.WithTimeout(ctx, pgTimeout)
	defer cancel()
	r, suffix := rest.Request{Name: verb, Method: http.MethodPost, Once: true}, "/"+verb
	if body == nil {
		return p.call(ctx, r, id, suffix+p.storeQuery())
	}
	r.Body, _ = json.Marshal(body) // never fails for maps of text
	return p.call(ctx, r, id, suffix)
}

func malformed(detail string) error {
	code, _ := codeOf(ErrInvalidRequest)
	return apiError(code, detail+"; nothing was asked", ErrInvalidRequest)
}

// wrongField names what the API or the PG would refuse, without its value.
func (p *Provider) wrongField(r SendRequest) string {
	operators := []string{"SKT", "KT", "LGU", "SKT_MVNO", "KT_MVNO", "LGU_MVNO"}
	switch {
	case strings.TrimSpace(r.Name) == "" || len(r.Name) > 200 || !utf8.ValidString(r.Name):
		return "Name is empty, too long or not UTF-8"
	case !rest.IsDigits(r.PhoneNumber, 10, 11):
		return "PhoneNumber must be 10 or 11 digits"
	case r.Method != MethodSMS && r.Method != MethodApp:
		return "Method must be SMS or APP"
	case !rest.IsDigits(r.IdentityNumber, 7, 7) && (r.Method == MethodSMS || r.IdentityNumber != ""):
		return "IdentityNumber must be seven digits"
	case !slices.Contains(operators, r.Operator):
		return "Operator must be one of " + strings.Join(operators, ", ")
	case !r.IPAddress.IsValid():
		return "IPAddress is missing"
	case !slices.Contains(p.cfg.ChannelKeys, r.ChannelKey):
		return "ChannelKey is not in Config.ChannelKeys"
	}
	return ""
}
