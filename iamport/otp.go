package iamport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/internal/rest"
)

// pgTimeout is how long a PG may take: the vendor asks for a minute at least.
const pgTimeout = time.Minute

// The ways in which [Provider.RequestOTP] reaches a person: by a text message
// with digits, or (kcp_v2 only) by the carrier's app (PASS), which needs none.
const (
	MethodSMS = "SMS"
	MethodApp = "APP"
)

// An OTPError is what the API's status says of a refused [Provider.RequestOTP]
// or [Provider.ConfirmOTP]. It is itself an error, for [errors.Is]. The vendor
// has no codes that would say more, and its messages may name the person.
type OTPError string

// Error is the reason, without what the vendor wrote about it.
func (e OTPError) Error() string { return "iamport: " + string(e) }

// The refusals of the vendor's schema.
const (
	// ErrOTPMalformed: particulars or digits that cannot be right (HTTP 400,
	// or nothing was asked); of a ConfirmOTP also that it was confirmed before.
	ErrOTPMalformed OTPError = "particulars or digits missing or malformed, or confirmed before"
	// ErrOTPNotFound: nothing was requested under that imp_uid (HTTP 404).
	ErrOTPNotFound OTPError = "no such request"
	// ErrOTPRefused: the PG's refusal, for whatever reason: wrong digits,
	// particulars that no carrier knows, or a fault of its own.
	ErrOTPRefused OTPError = "refused by the PG"
)

// An OTPRequest holds what a person typed about themselves. It prints, logs
// and marshals without it, except from an unexported field of another type.
type OTPRequest struct {
	// MerchantUID is the attempt's id: the record is redeemed for no other.
	MerchantUID string
	Name        string
	Phone       string // digits only
	Birth       string // YYMMDD
	// GenderDigit is the seventh digit of the resident or foreigner
	// registration number, "1" to "8".
	GenderDigit string
	// Carrier is "SKT", "KT" or "LGT", and MVNO says that the phone is of a
	// virtual operator (알뜰폰) on its network.
	Carrier string
	MVNO    bool
	// Method is [MethodSMS], the default, or [MethodApp].
	Method string
}

const redactedOTP = "iamport.OTPRequest{[redacted]}"

// String returns nothing of r.
func (r OTPRequest) String() string { return redactedOTP }

// Format prints nothing of r, whatever the verb.
func (r OTPRequest) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedOTP) }

// LogValue returns nothing of r.
func (r OTPRequest) LogValue() slog.Value { return slog.StringValue(redactedOTP) }

// MarshalJSON returns nothing of r.
func (r OTPRequest) MarshalJSON() ([]byte, error) { return json.Marshal(redactedOTP) }

// RequestOTP has the PG send the person digits, or a request to their
// carrier's app: POST /certifications/otp/request, on Config.ChannelKey's
// channel. It is for merchants with a form of their own, whom the carriers
// have approved (danal and kcp_v2): see the package documentation for what
// else they need. It returns the imp_uid under which to confirm.
//
// It is sent once, takes at most a minute, and obeys ctx. Its errors are
// [*certify.ProviderError]; those that a form may expect wrap
// [ErrOTPMalformed] or [ErrOTPRefused]. After [certify.CodeProviderUnavailable]
// it is not known whether anything was sent.
func (p *Provider) RequestOTP(ctx context.Context, r OTPRequest) (impUID string, err error) {
	if p.cfg.ChannelKey == "" {
		return "", rest.Misconfigured("otp/request: Config.ChannelKey is empty, and the API needs it")
	}
	if wrong := r.wrongField(); wrong != "" {
		return "", refuseOTP("OTPRequest."+wrong+"; nothing was asked", ErrOTPMalformed)
	}
	answer, err := p.postOTP(ctx, "otp/request", "/certifications/otp/request", p.otpParams(r))
	if err != nil {
		return "", err
	}
	var got struct {
		IMPUID string `json:"imp_uid"`
	}
	if err := rest.Decode(answer, &got); err != nil {
		return "", err
	}
	if !isIMPUID(got.IMPUID) {
		return "", rest.Invalid("otp/request: no usable imp_uid")
	}
	return got.IMPUID, nil
}

// ConfirmOTP tells the PG the digits that the person typed, or with otp empty
// asks it about the app's answer: POST /certifications/otp/confirm/{imp_uid}.
// Success means that [Provider.Lookup] has a person to return; it is no claim
// yet: the browser that holds the attempt must still post the imp_uid to the
// Handler.
//
// It is sent once, takes at most a minute, and obeys ctx. Its errors are those
// of Lookup, and wrap [ErrOTPRefused] for wrong digits as for a fault of the
// PG's, [ErrOTPMalformed] or [ErrOTPNotFound].
func (p *Provider) ConfirmOTP(ctx context.Context, impUID, otp string) error {
	if !isIMPUID(impUID) {
		return errNotIMPUID()
	}
	body := map[string]any{}
	if otp != "" {
		body["otp"] = otp
		if !rest.IsDigits(otp, 4, 10) {
			return refuseOTP("otp must be 4 to 10 digits; nothing was asked", ErrOTPMalformed)
		}
	}
	answer, err := p.postOTP(ctx, "otp/confirm", "/certifications/otp/confirm/"+url.PathEscape(impUID), body)
	if err != nil {
		return err
	}
	rec, err := decodeRecord(answer, impUID)
	if err != nil {
		return err
	}
	_, err = p.identity(rec)
	return err
}

// postOTP has an effect that the vendor charges for, so it is made once. A 401
// comes before any effect.
func (p *Provider) postOTP(ctx context.Context, name, path string, body map[string]any) ([]byte, error) {
	ctx, cancel := rest.WithTimeout(ctx, pgTimeout)
	defer cancel()
	r := rest.Request{Name: name, Method: http.MethodPost, Path: path, Once: true}
	r.Body, _ = json.Marshal(body) // never fails for text and booleans
	answer, err := p.authorized(ctx, r)
	var status statedRefusal
	switch {
	case errors.Is(err, errNotFound):
		return nil, refuseOTP(name+": HTTP 404", ErrOTPNotFound)
	case !errors.As(err, &status):
		return answer, err
	case status == http.StatusBadRequest:
		return nil, refuseOTP(name+": HTTP 400", ErrOTPMalformed)
	case status < 300 || status == http.StatusInternalServerError: // what the schema says of a PG's error
		return nil, refuseOTP(fmt.Sprintf("%s: HTTP %d", name, int(status)), ErrOTPRefused)
	}
	return nil, err
}

func refuseOTP(detail string, e OTPError) error {
	return &certify.ProviderError{Code: certify.CodeVerificationRefused, Detail: detail, Err: e}
}

func (p *Provider) otpParams(r OTPRequest) map[string]any {
	params := map[string]any{
		"channel_key": p.cfg.ChannelKey, "merchant_uid": r.MerchantUID, "name": r.Name, "phone": r.Phone,
		"birth": r.Birth, "gender_digit": r.GenderDigit, "carrier": r.Carrier, "is_mvno": r.MVNO,
	}
	if r.Method != "" {
		params["verification_method"] = r.Method
	}
	if p.cfg.Company != "" {
		params["company"] = p.cfg.Company
	}
	return params
}

// wrongField names what the API or the PG would refuse, without its value.
func (r OTPRequest) wrongField() string {
	switch {
	case !isAlphanumeric(r.MerchantUID) || len(r.MerchantUID) > 40:
		return "MerchantUID must be an attempt's id"
	case strings.TrimSpace(r.Name) == "" || len(r.Name) > 200 || !utf8.ValidString(r.Name):
		return "Name is empty, too long or not UTF-8"
	case !rest.IsDigits(r.Phone, 10, 11):
		return "Phone must be 10 or 11 digits"
	case !rest.IsDigits(r.Birth, 6, 6):
		return "Birth must be six digits, YYMMDD"
	case len(r.GenderDigit) != 1 || r.GenderDigit < "1" || r.GenderDigit > "8":
		return "GenderDigit must be 1 to 8"
	case r.Carrier != "SKT" && r.Carrier != "KT" && r.Carrier != "LGT":
		return "Carrier must be SKT, KT or LGT"
	case r.Method != "" && r.Method != MethodSMS && r.Method != MethodApp:
		return "Method must be SMS or APP"
	}
	return ""
}
