package sandbox

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// What an application in development gives its i'mport client. Clearly fake,
// and not the vendor's public demo account, under which anybody can verify.
const (
	DefaultCode   = "imp00000000"
	DefaultKey    = "sandbox_key_of_this_machine"
	DefaultSecret = "sandbox_secret_that_protects_nothing"
)

// What it gives its PortOne V2 client, with one of the ChannelKey constants.
const (
	DefaultStoreID   = "store-sandbox-of-this-machine"
	DefaultAPISecret = "sandbox_api_secret_that_protects_nothing" // #nosec G101 -- a sandbox verifies nobody
)

const (
	maxRecords = 10_000
	maxWindows = 1_000
)

// Config configures a [Server]. The zero value is complete.
type Config struct {
	// Now is the sandbox's clock; nil means [time.Now]. It must be safe for
	// concurrent use.
	Now func() time.Time
	// Code is the merchant code for IMP.init; "" means [DefaultCode].
	Code string
	// Key and Secret are what POST /users/getToken accepts as imp_key and
	// imp_secret; "" means [DefaultKey] and [DefaultSecret].
	Key, Secret string
	// StoreID is the store of PortOne V2; "" means [DefaultStoreID].
	StoreID string
	// APISecret is what the V2 API accepts as "Authorization: PortOne …"; ""
	// means [DefaultAPISecret].
	APISecret string
	// Logger gets one line for each request: method, route, status. Nothing
	// of a person, a token or the secret. nil means no log.
	Logger *slog.Logger
}

// Server is the sandbox: an [http.Handler], safe for concurrent use. It
// answers loopback only.
type Server struct {
	now     func() time.Time
	code    string
	key     string
	secret  string
	log     *slog.Logger
	handler http.Handler

	storeID   string
	apiSecret string

	tokens     tokens
	records    *bounded[stored]
	requests   *bounded[requested]
	identities *bounded[identityVerification]
	windows    *bounded[window]
	outbox     outbox
	pages      *pages
}

// New makes a sandbox of its own, sharing nothing with others. It refuses a
// Code, Key, Secret, StoreID or APISecret with spaces or control characters, or of more than 200
// bytes, and names the field.
func New(cfg Config) (*Server, error) {
	s := &Server{
		now:       cfg.Now,
		code:      defaulted(cfg.Code, DefaultCode),
		key:       defaulted(cfg.Key, DefaultKey),
		secret:    defaulted(cfg.Secret, DefaultSecret),
		log:       cfg.Logger,
		storeID:   defaulted(cfg.StoreID, DefaultStoreID),
		apiSecret: defaulted(cfg.APISecret, DefaultAPISecret),

		records:    newBounded[stored](maxRecords),
		requests:   newBounded[requested](maxRecords),
		identities: newBounded[identityVerification](maxRecords),
		windows:    newBounded[window](maxWindows),
	}
	for _, f := range []struct{ name, value string }{
		{"Code", s.code}, {"Key", s.key}, {"Secret", s.secret}, {"StoreID", s.storeID}, {"APISecret", s.apiSecret},
	} {
		if err := checkCredential(f.value); err != nil {
			return nil, fmt.Errorf("sandbox: Config.%s %w", f.name, err)
		}
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.pages, err = loadPages(); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	return s, nil
}

func defaulted(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func checkCredential(value string) error {
	if len(value) > 200 {
		return fmt.Errorf("is %d bytes long; at most 200 are allowed", len(value))
	}
	bad := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if strings.ContainsFunc(value, bad) {
		return fmt.Errorf("has a space or an unprintable character in it")
	}
	return nil
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /users/getToken", s.getToken)
	mux.HandleFunc("GET /certifications/{imp_uid}", s.authorized(s.getCertification))
	mux.HandleFunc("DELETE /certifications/{imp_uid}", s.authorized(s.deleteCertification))
	mux.HandleFunc("POST /certifications/otp/request", s.authorized(s.requestOTP))
	mux.HandleFunc("POST /certifications/otp/confirm/{imp_uid}", s.authorized(s.confirmOTP))
	s.identityRoutes(mux)
	mux.HandleFunc("GET /sandbox/people", s.listPeople)
	mux.HandleFunc("GET /sandbox/messages", s.listMessages)
	s.visitorRoutes(mux)
	mux.HandleFunc("/sandbox/", unknownPage)
	mux.HandleFunc("/", unknownRoute)
	return mux
}

// ServeHTTP answers requests from and for this machine; others get 403, as
// does what a proxy passed on.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	if err := checkLoopback(r); err != nil {
		writeProblem(sw, err)
	} else {
		s.handler.ServeHTTP(sw, r)
	}
	// The route and not the path: paths name verifications and windows.
	s.log.LogAttrs(r.Context(), slog.LevelInfo, "sandbox",
		slog.String("method", r.Method), slog.String("route", r.Pattern), slog.Int("status", sw.status))
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func unknownPage(w http.ResponseWriter, _ *http.Request) {
	writeProblem(w, &inputError{code: "not_found",
		message: "the sandbox has no such page or method; GET /sandbox says what it has"})
}
