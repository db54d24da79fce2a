package portone_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/portone"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*portone.Config)
		want   string // in the error: the field
	}{
		{"no store", func(c *portone.Config) { c.StoreID = "" }, "Config.StoreID is empty"},
		{"no secret", func(c *portone.Config) { c.Secret = "" }, "Config.Secret is empty"},
		{"the secret as store", func(c *portone.Config) { c.StoreID = c.Secret }, "Config.StoreID looks like the secret"},
		{"store as long as a secret", func(c *portone.Config) { c.StoreID = strings.Repeat("x", 65) }, "Config.StoreID looks like the secret"},
		{"the secret as channel", func(c *portone.Config) { c.ChannelKeys = []string{c.Secret} }, "Config.ChannelKeys holds what looks like the secret"},
		{"store with a space", func(c *portone.Config) { c.StoreID = "store 1" }, "Config.StoreID holds white space"},
		{"secret with a line end", func(c *portone.Config) { c.Secret += "\n" }, "Config.Secret holds white space"},
		{"secret with a tab", func(c *portone.Config) { c.Secret = "\t" + c.Secret }, "Config.Secret holds white space"},
		{"secret not ASCII", func(c *portone.Config) { c.Secret = "비밀" }, "Config.Secret holds white space"},
		{"secret too long", func(c *portone.Config) { c.Secret = strings.Repeat("x", 513) }, "Config.Secret holds white space"},

		{"no channel", func(c *portone.Config) { c.ChannelKeys = nil }, "Config.ChannelKeys is empty"},
		{"empty channel", func(c *portone.Config) { c.ChannelKeys = []string{"channel-key-live-1", ""} }, "Config.ChannelKeys holds"},
		{"channel with a line end", func(c *portone.Config) { c.ChannelKeys = []string{"channel-key-live-1\n"} }, "Config.ChannelKeys holds"},

		{"unknown window on computers", func(c *portone.Config) { c.WindowType.PC = "popup" }, "Config.WindowType.PC"},
		{"unknown window on phones", func(c *portone.Config) { c.WindowType.Mobile = "TAB" }, "Config.WindowType.Mobile"},
		{"company with a line end", func(c *portone.Config) { c.Company = "가게\n" }, "Config.Company"},
		{"negative age", func(c *portone.Config) { c.MinAge = -1 }, "Config.MinAge"},
		{"a year for an age", func(c *portone.Config) { c.MinAge = 2007 }, "Config.MinAge"},
		{"negative timeout", func(c *portone.Config) { c.Timeout = -1 }, "Config.Timeout"},
		{"timeout without a unit", func(c *portone.Config) { c.Timeout = 10 }, "Config.Timeout must be 0 (the default, 10s), or between 1s and 1m0s"},
		{"timeout too short", func(c *portone.Config) { c.Timeout = time.Second - 1 }, "Config.Timeout"},
		{"timeout too long", func(c *portone.Config) { c.Timeout = time.Hour }, "Config.Timeout"},

		{"script over http", func(c *portone.Config) { c.ScriptURL = "http://cdn.portone.io/v2/browser-sdk.js" }, "Config.ScriptURL"},
		{"script without a host", func(c *portone.Config) { c.ScriptURL = "/browser-sdk.js" }, "Config.ScriptURL"},
		{"script of no URL kind", func(c *portone.Config) { c.ScriptURL = "javascript:alert(1)" }, "Config.ScriptURL"},
		{"base URL of another", func(c *portone.Config) { c.BaseURL = "https://api.portone.io.example" }, "Config.BaseURL"},
		{"base URL of V1", func(c *portone.Config) { c.BaseURL = "https://api.iamport.kr" }, "Config.BaseURL"},
		{"base URL over http", func(c *portone.Config) { c.BaseURL = "http://api.portone.io" }, "Config.BaseURL"},
		{"base URL of a loopback host", func(c *portone.Config) { c.BaseURL = "http://127.0.0.1:1" }, "Config.BaseURL"},
		{"base URL with a user", func(c *portone.Config) { c.BaseURL = "https://api.portone.io@example.com" }, "Config.BaseURL"},
		{"both base URLs", func(c *portone.Config) {
			c.BaseURL, c.InsecureBaseURL = "https://api.portone.io", "https://api.example"
		}, "Config.InsecureBaseURL and BaseURL"},
		{"insecure over http", func(c *portone.Config) { c.InsecureBaseURL = "http://api.example" }, "Config.InsecureBaseURL"},
		{"insecure over http to an address", func(c *portone.Config) { c.InsecureBaseURL = "http://10.0.0.1" }, "Config.InsecureBaseURL"},
		{"insecure to a host named like loopback", func(c *portone.Config) { c.InsecureBaseURL = "http://127.0.0.1.example" }, "Config.InsecureBaseURL"},
		{"insecure with a password", func(c *portone.Config) { c.InsecureBaseURL = "https://u:" + testSecret + "@api.example" }, "Config.InsecureBaseURL"},
		{"insecure with a query", func(c *portone.Config) { c.InsecureBaseURL = "https://api.example/?a=1" }, "Config.InsecureBaseURL"},
		{"insecure with an empty query", func(c *portone.Config) { c.InsecureBaseURL = "https://api.example/?" }, "Config.InsecureBaseURL"},
		{"insecure with a fragment", func(c *portone.Config) { c.InsecureBaseURL = "https://api.example/#" }, "Config.InsecureBaseURL"},
		{"insecure without a scheme", func(c *portone.Config) { c.InsecureBaseURL = "api.example" }, "Config.InsecureBaseURL"},
		{"insecure without a host", func(c *portone.Config) { c.InsecureBaseURL = "https://:443/" }, "Config.InsecureBaseURL"},
		{"insecure of another scheme", func(c *portone.Config) { c.InsecureBaseURL = "file://localhost/" }, "Config.InsecureBaseURL"},
		{"insecure malformed", func(c *portone.Config) { c.InsecureBaseURL = "https://" + testSecret + "\x7f" }, "Config.InsecureBaseURL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(nil)
			tt.change(&cfg)
			p, err := portone.New(cfg)
			if err == nil || p != nil {
				t.Fatalf("New = %v, %v; want an error about %q", p, err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one about %q", err, tt.want)
			}
			if strings.Contains(err.Error(), testSecret) {
				t.Errorf("the error repeats the secret: %v", err)
			}
		})
	}
}

func TestNewAccepts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*portone.Config)
	}{
		{"nothing but what is required", func(c *portone.Config) {
			*c = portone.Config{StoreID: c.StoreID, Secret: c.Secret, ChannelKeys: c.ChannelKeys[:1]}
		}},
		{"every window", func(c *portone.Config) { c.WindowType = portone.WindowType{PC: "IFRAME", Mobile: "REDIRECTION"} }},
		{"other windows", func(c *portone.Config) { c.WindowType = portone.WindowType{PC: "POPUP", Mobile: "UI"} }},
		{"oldest age and longest timeout", func(c *portone.Config) { c.MinAge, c.Timeout = 130, time.Minute }},
		{"shortest timeout", func(c *portone.Config) { c.Timeout = time.Second }},
		{"the default written out", func(c *portone.Config) { c.BaseURL = "https://api.portone.io" }},
		{"insecure over https", func(c *portone.Config) { c.InsecureBaseURL = "https://sandbox.example/portone/" }},
		{"insecure on localhost", func(c *portone.Config) { c.InsecureBaseURL = "http://localhost:8787" }},
		{"insecure on IPv4 loopback", func(c *portone.Config) { c.InsecureBaseURL = "http://127.1.2.3:8787" }},
		{"insecure on IPv6 loopback", func(c *portone.Config) { c.InsecureBaseURL = "http://[::1]:8787/" }},
		{"script of a sandbox", func(c *portone.Config) { c.ScriptURL = "http://127.0.0.1:8787/v2/browser-sdk.js" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(nil)
			tt.change(&cfg)
			if _, err := portone.New(cfg); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNewCopiesChannelKeys(t *testing.T) {
	t.Parallel()
	cfg := testConfig(newVendor(t, "danal"))
	p := newProvider(t, cfg)
	clear(cfg.ChannelKeys)
	lookup(t, p)
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	cfg := testConfig(nil)
	cfg.Transport, cfg.Now = nil, nil
	p := newProvider(t, cfg)
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("config", "cfg", cfg, "pointer", &cfg, "provider", p, "copy", *p, "in", struct{ C portone.Config }{cfg})
		slog.New(h).Info("request", "r", sendRequest(), "in", struct{ R *portone.SendRequest }{new(portone.SendRequest)})
	}
	for _, v := range []any{cfg, &cfg, p, *p, []any{cfg, p}, struct{ C portone.Config }{cfg}, sendRequest(), []portone.SendRequest{sendRequest()}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
		_ = json.NewEncoder(&log).Encode(v)
	}
	fmt.Fprintln(&log, cfg.String(), p.String(), cfg.LogValue(), p.LogValue(), sendRequest().String(), sendRequest().LogValue())
	r := sendRequest()
	for _, secret := range []string{testSecret, fmt.Sprintf("%x", testSecret), r.Name, fmt.Sprintf("%x", r.Name), r.PhoneNumber, r.IdentityNumber, r.IPAddress.String()} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q was printed", secret)
		}
	}
	if !strings.Contains(log.String(), cfg.StoreID) {
		t.Error("the store's id, which is public, was not printed")
	}
}
