package iamport

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

const (
	vendorAPI       = "https://api.iamport.kr"
	vendorStaticAPI = "https://static-api.iamport.kr"
	vendorScript    = "https://cdn.iamport.kr/v1/iamport.js"

	defaultTimeout = 10 * time.Second
	minTimeout     = time.Second // for TLS and an answer
	maxTimeout     = time.Minute
)

// Config configures a [Provider]. Code, Key, Secret and PGProviders are
// required; the zero value of every other field is safe. It prints and logs
// without Key and Secret, except from an unexported field of another type, where
// fmt calls no methods.
type Config struct {
	// Code is the merchant code (가맹점 식별코드) that the browser SDK is
	// started with: "imp" and digits. It is public.
	Code string

	// Key and Secret are the V1 REST API credentials (imp_key, imp_secret).
	// For an agency they are the agency's own. The demo credentials of the
	// vendor's documentation are refused: anyone can verify under them.
	Key, Secret string

	// PGProviders lists the PGs whose verifications count, by the record's
	// pg_provider: "danal", "inicis_unified", "inicis" or "kcp_v2".
	PGProviders []string

	// KCPWithoutTestChannel is the operator's statement that the merchant has
	// no kcp_v2 test channel. It is required with "kcp_v2": such a channel
	// lets anyone verify as anyone (any six digits pass the SMS step), and its
	// records look like live ones.
	KCPWithoutTestChannel bool

	// Tier is the three-character code of an agency's sub-merchant (하위상점).
	// With it the browser calls IMP.agency, and REST calls carry a Tier header.
	Tier string

	// ChannelKey chooses the console's channel in the browser, and PG is its
	// deprecated form: "danal" or "danal.{CPID}". At most one of them is set.
	// Neither is a control: a visitor can change both.
	ChannelKey, PG string

	// Company is the service's name in the PG's window (danal only).
	Company string

	// MinAge makes danal turn away people under that full age (만 나이), in
	// years. It saves them a useless verification and is not a control: the
	// page sends it. Gate with a policy.
	MinAge int

	// Popup opens the window as a popup on phones too. Without it phones are
	// redirected, which in-app browsers need. Computers always get a popup.
	Popup bool

	// ScriptURL is the browser SDK; https, or http on a loopback host.
	// Default: https://cdn.iamport.kr/v1/iamport.js.
	ScriptURL string

	// Timeout bounds one Lookup or Erase with all its requests. Default 10 s, at least
	// 1 s and at most 1 min. When half of it has passed without an answer, a
	// Lookup sends its request a second time beside the first, and takes the
	// answer that comes first.
	Timeout time.Duration

	// BaseURL is the REST API: https://api.iamport.kr by default, or
	// https://static-api.iamport.kr for firewalls that need fixed addresses.
	BaseURL string

	// InsecureBaseURL replaces BaseURL with an API that is not the vendor's,
	// such as certify's sandbox. Whoever answers there decides who is an
	// adult, and is told Key and Secret. It is https, or http on a loopback host.
	InsecureBaseURL string

	// InsecureAllowTestChannel accepts verifications made under KG Inicis's
	// public test merchants (MIIiasTest, INIiasTest), and kcp_v2 without
	// KCPWithoutTestChannel. Anyone can verify as anyone there.
	InsecureAllowTestChannel bool

	// Transport sends the requests; redirects are never followed. Default: a
	// transport of the provider's own, with the proxy of the environment.
	Transport http.RoundTripper

	// Now is the clock that birth dates and certified_at are checked against.
	// Default: time.Now. A token's life is measured without it.
	Now func() time.Time
}

func (c Config) redacted() string {
	return fmt.Sprintf("iamport.Config{Code:%q PGProviders:%q Key:[redacted] Secret:[redacted]}", c.Code, c.PGProviders)
}

// String returns the public fields of c.
func (c Config) String() string { return c.redacted() }

// Format prints the public fields of c whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.redacted()) }

// LogValue returns the public fields of c.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

// MarshalJSON returns the public fields of c as one string.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.redacted()) }
