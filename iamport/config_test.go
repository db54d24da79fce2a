package iamport_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/iamport"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*iamport.Config)
		want   string // in the error: the field
	}{
		{"no code", func(c *iamport.Config) { c.Code = "" }, "Config.Code is empty"},
		{"no key", func(c *iamport.Config) { c.Key = "" }, "Config.Key is empty"},
		{"no secret", func(c *iamport.Config) { c.Secret = "" }, "Config.Secret is empty"},
		{"the secret as code", func(c *iamport.Config) { c.Code = c.Secret }, "Config.Code looks like the secret"},
		{"code as long as a secret", func(c *iamport.Config) { c.Code = strings.Repeat("x", 65) }, "Config.Code looks like the secret"},
		{"code with a space", func(c *iamport.Config) { c.Code = "imp 1" }, "Config.Code holds white space"},
		{"key with a line end", func(c *iamport.Config) { c.Key += "\n" }, "Config.Key holds white space"},
		{"secret with a tab", func(c *iamport.Config) { c.Secret = "\t" + c.Secret }, "Config.Secret holds white space"},
		{"secret not ASCII", func(c *iamport.Config) { c.Secret = "비밀" }, "Config.Secret holds white space"},
		{"secret too long", func(c *iamport.Config) { c.Secret = strings.Repeat("x", 513) }, "Config.Secret holds white space"},

		{"demo key", func(c *iamport.Config) { c.Key = "imp_apikey" }, "Config.Key is the public demo"},
		{"demo secret", func(c *iamport.Config) { c.Secret = "ekKoeW8R" + strings.Repeat("y", 72) }, "Config.Secret is the public demo"},
		{"demo code", func(c *iamport.Config) { c.Code = "imp10391932" }, "Config.Code is the public demo"},
		{"older demo code", func(c *iamport.Config) { c.Code = "iamport" }, "Config.Code is the public demo"},

		{"no PG", func(c *iamport.Config) { c.PGProviders = nil }, "Config.PGProviders is empty"},
		{"empty PG", func(c *iamport.Config) { c.PGProviders = []string{"danal", ""} }, "Config.PGProviders holds"},
		{"unknown PG", func(c *iamport.Config) { c.PGProviders = []string{"kakao"} }, "Config.PGProviders holds"},
		{"PG in capitals", func(c *iamport.Config) { c.PGProviders = []string{"DANAL"} }, "Config.PGProviders holds"},
		{"KCP without a word on test channels", func(c *iamport.Config) { c.KCPWithoutTestChannel = false }, "KCPWithoutTestChannel"},

		{"tier too long", func(c *iamport.Config) { c.Tier = "ABCD" }, "Config.Tier"},
		{"tier with a line end", func(c *iamport.Config) { c.Tier = "AB\n" }, "Config.Tier"},
		{"PG and channel key", func(c *iamport.Config) { c.PG, c.ChannelKey = "danal", "channel-key-1" }, "Config.PG and ChannelKey"},
		{"PG not allowed", func(c *iamport.Config) { c.PG = "inicis" }, "Config.PG names"},
		{"PG with a space", func(c *iamport.Config) { c.PG = "danal. A01" }, "Config.PG must be"},
		{"PG of the test merchant", func(c *iamport.Config) { c.PG = "inicis_unified.MIIiasTest" }, "Config.PG names"},
		{"channel key with a line end", func(c *iamport.Config) { c.ChannelKey = "channel-key-1\n" }, "Config.ChannelKey"},
		{"company with a line end", func(c *iamport.Config) { c.Company = "가게\n" }, "Config.Company"},
		{"negative age", func(c *iamport.Config) { c.MinAge = -1 }, "Config.MinAge"},
		{"a year for an age", func(c *iamport.Config) { c.MinAge = 2007 }, "Config.MinAge"},
		{"negative timeout", func(c *iamport.Config) { c.Timeout = -1 }, "Config.Timeout"},
		{"timeout without a unit", func(c *iamport.Config) { c.Timeout = 10 }, "Config.Timeout must be 0 (the default, 10s), or between 1s and 1m0s"},
		{"timeout too short", func(c *iamport.Config) { c.Timeout = time.Second - 1 }, "Config.Timeout"},
		{"timeout too long", func(c *iamport.Config) { c.Timeout = time.Hour }, "Config.Timeout"},

		{"script over http", func(c *iamport.Config) { c.ScriptURL = "http://cdn.iamport.kr/v1/iamport.js" }, "Config.ScriptURL"},
		{"script without a host", func(c *iamport.Config) { c.ScriptURL = "/iamport.js" }, "Config.ScriptURL"},
		{"script of no URL kind", func(c *iamport.Config) { c.ScriptURL = "javascript:alert(1)" }, "Config.ScriptURL"},
		{"base URL of another", func(c *iamport.Config) { c.BaseURL = "https://api.iamport.kr.example" }, "Config.BaseURL"},
		{"base URL of V2", func(c *iamport.Config) { c.BaseURL = "https://api.portone.io" }, "Config.BaseURL"},
		{"base URL over http", func(c *iamport.Config) { c.BaseURL = "http://api.iamport.kr" }, "Config.BaseURL"},
		{"base URL of a loopback host", func(c *iamport.Config) { c.BaseURL = "http://127.0.0.1:1" }, "Config.BaseURL"},
		{"base URL with a user", func(c *iamport.Config) { c.BaseURL = "https://api.iamport.kr@example.com" }, "Config.BaseURL"},
		{"both base URLs", func(c *iamport.Config) {
			c.BaseURL, c.InsecureBaseURL = "https://api.iamport.kr", "https://api.example"
		}, "Config.InsecureBaseURL and BaseURL"},
		{"insecure over http", func(c *iamport.Config) { c.InsecureBaseURL = "http://api.example" }, "Config.InsecureBaseURL"},
		{"insecure over http to an address", func(c *iamport.Config) { c.InsecureBaseURL = "http://10.0.0.1" }, "Config.InsecureBaseURL"},
		{"insecure to a host named like loopback", func(c *iamport.Config) { c.InsecureBaseURL = "http://127.0.0.1.example" }, "Config.InsecureBaseURL"},
		{"insecure with a password", func(c *iamport.Config) { c.InsecureBaseURL = "https://u:" + testSecret + "@api.example" }, "Config.InsecureBaseURL"},
		{"insecure with a query", func(c *iamport.Config) { c.InsecureBaseURL = "https://api.example/?_token=1" }, "Config.InsecureBaseURL"},
		{"insecure with an empty query", func(c *iamport.Config) { c.InsecureBaseURL = "https://api.example/?" }, "Config.InsecureBaseURL"},
		{"insecure with a fragment", func(c *iamport.Config) { c.InsecureBaseURL = "https://api.example/#" }, "Config.InsecureBaseURL"},
		{"insecure without a scheme", func(c *iamport.Config) { c.InsecureBaseURL = "api.example" }, "Config.InsecureBaseURL"},
		{"insecure without a host", func(c *iamport.Config) { c.InsecureBaseURL = "https://:443/" }, "Config.InsecureBaseURL"},
		{"insecure of another scheme", func(c *iamport.Config) { c.InsecureBaseURL = "file://localhost/" }, "Config.InsecureBaseURL"},
		{"insecure malformed", func(c *iamport.Config) { c.InsecureBaseURL = "https://" + testSecret + "\x7f" }, "Config.InsecureBaseURL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(nil)
			tt.change(&cfg)
			p, err := iamport.New(cfg)
			if err == nil || p != nil {
				t.Fatalf("New = %v, %v; want an error about %q", p, err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one about %q", err, tt.want)
			}
			if strings.Contains(err.Error(), testSecret) || strings.Contains(err.Error(), testKey) || strings.Contains(err.Error(), "ekKoeW8R") {
				t.Errorf("the error repeats a credential: %v", err)
			}
		})
	}
}

func TestNewAccepts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*iamport.Config)
	}{
		{"nothing but what is required", func(c *iamport.Config) {
			*c = iamport.Config{Code: c.Code, Key: c.Key, Secret: c.Secret, PGProviders: []string{"danal"}}
		}},
		{"every PG", func(c *iamport.Config) { c.PGProviders = []string{"danal", "inicis_unified", "inicis", "kcp_v2"} }},
		{"KCP where test channels are allowed", func(c *iamport.Config) { c.KCPWithoutTestChannel, c.InsecureAllowTestChannel = false, true }},
		{"test merchant where test channels are allowed", func(c *iamport.Config) { c.PG, c.InsecureAllowTestChannel = "inicis_unified.MIIiasTest", true }},
		{"PG with a merchant id", func(c *iamport.Config) { c.PG = "danal.A010000001" }},
		{"fixed addresses", func(c *iamport.Config) { c.BaseURL = "https://static-api.iamport.kr" }},
		{"the default written out", func(c *iamport.Config) { c.BaseURL = "https://api.iamport.kr" }},
		{"insecure over https", func(c *iamport.Config) { c.InsecureBaseURL = "https://sandbox.example/iamport/" }},
		{"insecure on localhost", func(c *iamport.Config) { c.InsecureBaseURL = "http://localhost:8787" }},
		{"insecure on IPv4 loopback", func(c *iamport.Config) { c.InsecureBaseURL = "http://127.1.2.3:8787" }},
		{"insecure on IPv6 loopback", func(c *iamport.Config) { c.InsecureBaseURL = "http://[::1]:8787/" }},
		{"shortest timeout", func(c *iamport.Config) { c.Timeout = time.Second }},
		{"longest timeout", func(c *iamport.Config) { c.Timeout = time.Minute }},
		{"script of a sandbox", func(c *iamport.Config) { c.ScriptURL = "http://127.0.0.1:8787/v1/iamport.js" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(nil)
			tt.change(&cfg)
			if _, err := iamport.New(cfg); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNewCopiesPGProviders(t *testing.T) {
	t.Parallel()
	cfg := testConfig(newVendor(t, "danal"))
	cfg.PGProviders = []string{"danal"}
	p := newProvider(t, cfg)
	cfg.PGProviders[0] = "inicis"
	lookup(t, p)
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	cfg := testConfig(nil)
	cfg.Transport, cfg.Now = nil, nil
	p := newProvider(t, cfg)
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("config", "cfg", cfg, "pointer", &cfg, "provider", p, "copy", *p, "in", struct{ C iamport.Config }{cfg})
	}
	for _, v := range []any{cfg, &cfg, p, *p, []any{cfg, p}, struct{ C iamport.Config }{cfg}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
		_ = json.NewEncoder(&log).Encode(v)
	}
	fmt.Fprintln(&log, cfg.String(), p.String(), cfg.LogValue(), p.LogValue())
	for _, secret := range []string{testKey, testSecret, fmt.Sprintf("%x", testSecret)} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q was printed", secret)
		}
	}
	if !strings.Contains(log.String(), cfg.Code) {
		t.Error("the merchant code, which is public, was not printed")
	}
}
