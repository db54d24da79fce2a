package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/certify-go/certify"
)

const (
	defaultAddr        = "127.0.0.1:8080"
	defaultSandboxAddr = "127.0.0.1:8787"
	defaultDB          = "moonlight-members.db"
)

const environment = `
Environment: without any of it the shop runs on its own sandbox. The real service needs all of

  CERTIFY_KEYS, CERTIFY_PEPPER  made by "certify keygen" and "certify keygen -pepper"
  ORIGIN                        what visitors see, such as https://shop.example (default: http://ADDRESS)
  iamport (V1)                  IMP_CODE, IMP_KEY, IMP_SECRET, IMP_PG (pg_provider values, separated by commas);
                                IMP_CHANNEL_KEY if there are several channels
  portone (V2)                  PORTONE_STORE_ID, PORTONE_API_SECRET, PORTONE_CHANNEL_KEYS (separated by commas)

IMP_INSECURE_BASE_URL leads V1 and V2 alike to a sandbox that several shops share.
`

// settings are what the command line and the environment say. Of the real
// service's variables all or none are set: a shop that fell back to the
// sandbox because one was forgotten would take anybody for an adult.
type settings struct {
	providers         []string // new verifications begin with the first
	addr, sandboxAddr string
	redisAddr         string // "" for a store in memory
	sandboxChosen     bool   // -sandbox was given, so no other port will do
	dbPath            string
	origin            string       // ORIGIN; "" means http://<addr>
	real              *credentials // nil in sandbox mode
}

// credentials are those of the real service. They print as nothing.
type credentials struct {
	code, key, secret string
	channelKey        string // IMP_CHANNEL_KEY, optional
	sandboxURL        string // IMP_INSECURE_BASE_URL; "" for the vendor's
	pgs               []string
	storeID           string // from here on V2's
	apiSecret         string
	channelKeys       []string
	keys              *certify.Keys
	pepper            []byte
}

func (*credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

func readSettings(args []string, getenv func(string) string, output io.Writer) (settings, error) {
	var cfg settings
	flags := flag.NewFlagSet("moonlight-wine", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.Usage = func() {
		_, _ = fmt.Fprintln(output, "Usage of moonlight-wine:")
		flags.PrintDefaults()
		_, _ = io.WriteString(output, environment)
	}
	flags.StringVar(&cfg.addr, "addr", defaultAddr, "`address` to listen on; port 0 takes any free one")
	flags.StringVar(&cfg.sandboxAddr, "sandbox", defaultSandboxAddr, "loopback `address` of the sandbox")
	flags.StringVar(&cfg.dbPath, "db", "", "`file` of the members (default in sandbox mode: a temporary one; else "+defaultDB+")")
	flags.StringVar(&cfg.redisAddr, "redis", "", "`address` of the Redis that several processes share (default: this one remembers by itself)")
	providers := flags.String("provider", v1, "`names` of iamport (V1) and portone (V2), separated by commas: new verifications begin with the first, and the others finish those that they began")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	if flags.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q: -help lists what there is", flags.Arg(0))
	}
	flags.Visit(func(f *flag.Flag) { cfg.sandboxChosen = cfg.sandboxChosen || f.Name == "sandbox" })
	cfg.origin = getenv("ORIGIN")
	var err error
	if cfg.providers, err = parseProviders(*providers); err != nil {
		return cfg, err
	}
	if cfg.real, err = readCredentials(getenv, cfg.providers); err != nil {
		return cfg, err
	}
	return cfg, cfg.check()
}

// readCredentials returns nil if none of the variables is set.
func readCredentials(getenv func(string) string, providers []string) (*credentials, error) {
	set, missing := checkVariables(getenv, providers)
	switch {
	case len(set) == 0 && getenv("IMP_INSECURE_BASE_URL") != "":
		return nil, fmt.Errorf("IMP_INSECURE_BASE_URL set, but not %s: they are the sandbox's, and the same for all processes", strings.Join(missing, ", "))
	case len(set) == 0:
		return nil, nil
	case len(missing) > 0:
		return nil, missingVariables(set, missing, providers)
	}
	c := &credentials{
		code: getenv("IMP_CODE"), key: getenv("IMP_KEY"), secret: getenv("IMP_SECRET"), pgs: splitList(getenv("IMP_PG")),
		channelKey: getenv("IMP_CHANNEL_KEY"), sandboxURL: getenv("IMP_INSECURE_BASE_URL"),
		storeID: getenv("PORTONE_STORE_ID"), apiSecret: getenv("PORTONE_API_SECRET"), channelKeys: splitList(getenv("PORTONE_CHANNEL_KEYS")),
	}
	var err error
	if c.keys, err = certify.ParseKeys(getenv("CERTIFY_KEYS")); err != nil {
		return nil, fmt.Errorf("CERTIFY_KEYS: %w", err)
	}
	if c.pepper, err = certify.ParsePepper(getenv("CERTIFY_PEPPER")); err != nil {
		return nil, fmt.Errorf("CERTIFY_PEPPER: %w", err)
	}
	return c, nil
}

// checkVariables tells which are set, of those that any provider needs, and
// which are missing, of those that the chosen ones need.
func checkVariables(getenv func(string) string, providers []string) (set, missing []string) {
	common := []string{"CERTIFY_KEYS", "CERTIFY_PEPPER"}
	needed := common
	for _, provider := range providers {
		needed = slices.Concat(needed, variablesOf(provider))
	}
	for _, name := range slices.Concat(variablesOf(v1), variablesOf(v2), common) {
		switch {
		case strings.TrimSpace(getenv(name)) != "":
			set = append(set, name)
		case slices.Contains(needed, name):
			missing = append(missing, name)
		}
	}
	return set, missing
}

// check keeps the sandbox, which calls anybody verified, on this machine.
func (cfg settings) check() error {
	if _, _, err := net.SplitHostPort(cfg.redisAddr); cfg.redisAddr != "" && err != nil {
		return fmt.Errorf("-redis %q is not host:port, such as 127.0.0.1:6379", cfg.redisAddr)
	}
	if cfg.real != nil {
		return cfg.checkReal()
	}
	return cfg.checkSandboxed()
}

func (cfg settings) checkSandboxed() error {
	if err := loopbackAddr(cfg.addr); err != nil {
		return fmt.Errorf("-addr %w: in sandbox mode anybody is an adult, so others must not reach the shop", err)
	}
	if err := loopbackAddr(cfg.sandboxAddr); err != nil {
		return fmt.Errorf("-sandbox %w: anybody is an adult there, so others must not reach it", err)
	}
	if u, err := url.Parse(cfg.origin); cfg.origin != "" && (err != nil || !isLoopback(u.Hostname())) {
		return errors.New("ORIGIN is not on this machine, and without the variables of the real service this is the sandbox: set those, or leave ORIGIN out")
	}
	return nil
}

func (cfg settings) checkReal() error {
	if cfg.sandboxChosen {
		return errors.New("-sandbox is for the sandbox, and the variables that are set choose the real service: leave one out")
	}
	if _, _, err := net.SplitHostPort(cfg.addr); err != nil {
		return fmt.Errorf("-addr %q is not host:port, such as 127.0.0.1:8080", cfg.addr)
	}
	if cfg.origin == "" && loopbackAddr(cfg.addr) != nil {
		return errors.New("ORIGIN is missing: set it to what visitors see, such as https://wine.example")
	}
	if cfg.real.sandboxURL == "" {
		return nil
	}
	if u, err := url.Parse(cfg.real.sandboxURL); err != nil || u.Scheme != "http" || !isLoopback(u.Hostname()) {
		return errors.New("IMP_INSECURE_BASE_URL is for a sandbox on this machine, such as http://127.0.0.1:8787: leave it out for the real service")
	}
	return cfg.checkSandboxed() // anybody is an adult there, too
}

func loopbackAddr(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port, such as 127.0.0.1:8080", addr)
	}
	if !isLoopback(host) {
		return fmt.Errorf("%q is not a loopback address such as 127.0.0.1 or [::1]", addr)
	}
	return nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
