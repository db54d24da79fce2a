package portone

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

const (
	vendorAPI    = "https://api.portone.io"
	vendorScript = "https://cdn.portone.io/v2/browser-sdk.js"

	defaultTimeout = 10 * time.Second
	minTimeout     = time.Second // for TLS and an answer
	maxTimeout     = time.Minute
)

// Config configures a [Provider]. StoreID, Secret and ChannelKeys are
// required; the zero value of every other field is safe. It prints and logs
// without Secret, except from an unexported field of another type, where fmt
// calls no methods.
type Config struct {
	// StoreID is the store (상점 아이디) whose verifications count: "store-" and
	// more. It is public.
	StoreID string

	// Secret is the V2 API secret. A PG's secret, or the V1 one, is another.
	Secret string

	// ChannelKeys lists the channels whose verifications count: "channel-key-"
	// and more. They are public. The browser opens the first; the rest are for
	// changing channels without losing those who are under way.
	ChannelKeys []string

	// WindowType chooses how the window opens. Default: as the PG does.
	WindowType WindowType

	// Company is the service's name in the PG's window (Danal only).
	Company string

	// MinAge makes Danal turn away people under that full age (만 나이), in
	// years. It saves them a useless verification and is not a control: the
	// page sends it. Gate with a policy.
	MinAge int

	// ScriptURL is the browser SDK; https, or http on a loopback host.
	// Default: https://cdn.portone.io/v2/browser-sdk.js.
	ScriptURL string

	// Timeout bounds one Lookup with all its requests. Default 10 s, at least
	// 1 s and at most 1 min. When half of it has passed without an answer, a
	// Lookup sends its request a second time beside the first, and takes the
	// answer that comes first.
	Timeout time.Duration

	// BaseURL is the REST API: https://api.portone.io, and nothing else.
	BaseURL string

	// InsecureBaseURL replaces BaseURL with an API that is not the vendor's,
	// such as certify's sandbox. Whoever answers there decides who is an
	// adult, and is told Secret. It is https, or http on a loopback host.
	InsecureBaseURL string

	// InsecureAllowTestChannel accepts verifications of TEST channels too,
	// where anyone can verify as anyone.
	InsecureAllowTestChannel bool

	// Transport sends the requests; redirects are never followed. Default: a
	// transport of the provider's own, with the proxy of the environment.
	Transport http.RoundTripper

	// Now is the clock that birth dates and verifiedAt are checked against.
	// Default: time.Now.
	Now func() time.Time
}

// A WindowType says how the PG's window opens on computers and on phones:
// "IFRAME", "POPUP", "REDIRECTION" or "UI", or "" for the PG's default, which is
// mostly a popup on computers and a redirection on phones. Not every PG has
// every type.
type WindowType struct {
	PC     string `json:"pc,omitempty"`
	Mobile string `json:"mobile,omitempty"`
}

func (c Config) redacted() string {
	return fmt.Sprintf("portone.Config{StoreID:%q ChannelKeys:%q Secret:[redacted]}", c.StoreID, c.ChannelKeys)
}

// String returns the public fields of c.
func (c Config) String() string { return c.redacted() }

// Format prints the public fields of c whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.redacted()) }

// LogValue returns the public fields of c.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

// MarshalJSON returns the public fields of c as one string.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.redacted()) }
