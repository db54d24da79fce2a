package certify_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A namedProvider is a fakeProvider under another name.
type namedProvider struct {
	*fakeProvider
	name string
}

func (p namedProvider) Name() string { return p.name }

func TestHandlerConfig(t *testing.T) {
	t.Parallel()
	public, err := certify.ParseJWKS(testKeys(t, ed25519Line).JWKS())
	if err != nil {
		t.Fatal(err)
	}
	fake := &fakeProvider{now: func() time.Time { return noon }}
	named := func(name string) certify.Provider { return namedProvider{fake, name} }
	at := func(path string) *certify.Sessions {
		return quiet(t, func(c *certify.SessionConfig) { c.StartURL = path })
	}
	type config = certify.HandlerConfig
	accept := func(*http.Request, *certify.Identity) (string, error) { return "", nil }
	for _, tc := range []struct {
		name   string
		change func(*config)
		want   string // in the error; none if ""
	}{
		{"defaults", func(*config) {}, ""},
		{"Sessions missing", func(c *config) { c.Sessions = nil }, "HandlerConfig.Sessions is missing"},
		{"Sessions that cannot sign", func(c *config) {
			c.Sessions = quiet(t, func(c *certify.SessionConfig) { c.Keys, c.InsecureForgetRevocations = public, true })
		}, "HandlerConfig.Sessions holds public keys only"},
		{"Provider missing", func(c *config) { c.Provider = nil }, "HandlerConfig.Provider is missing"},
		{"Provider a nil pointer", func(c *config) { c.Provider = (*fakeProvider)(nil) }, "HandlerConfig.Provider is missing"},
		{"Provider without a name", func(c *config) { c.Provider = named("") }, "HandlerConfig.Provider or OtherProviders: a name"},
		{"Provider named in capitals", func(c *config) { c.Provider = named("PortOne") }, "HandlerConfig.Provider or OtherProviders: a name"},
		{"Provider named with a blank", func(c *config) { c.Provider = named("port one") }, "HandlerConfig.Provider or OtherProviders: a name"},
		{"Provider with a long name", func(c *config) { c.Provider = named(strings.Repeat("p", 33)) }, "HandlerConfig.Provider or OtherProviders: a name"},
		{"OtherProviders", func(c *config) { c.OtherProviders = []certify.Provider{named("a"), named("b-2")} }, ""},
		{"OtherProviders with nil", func(c *config) { c.OtherProviders = []certify.Provider{nil} }, "HandlerConfig.OtherProviders has one that is nil"},
		{"OtherProviders with a nil pointer", func(c *config) { c.OtherProviders = []certify.Provider{(*fakeProvider)(nil)} }, "HandlerConfig.OtherProviders has one that is nil"},
		{"OtherProviders of one name", func(c *config) { c.OtherProviders = []certify.Provider{named("a"), named("a")} }, `two are named "a"`},
		{"OtherProviders of Provider's name", func(c *config) { c.OtherProviders = []certify.Provider{fake} }, `two are named "fake"`},
		{"OtherProviders with a bad name", func(c *config) { c.OtherProviders = []certify.Provider{named("a\n")} }, "HandlerConfig.Provider or OtherProviders: a name"},
		{"Pepper missing", func(c *config) { c.Pepper = nil }, "HandlerConfig.Pepper has 0 bytes, at least 32"},
		{"Pepper of 31 bytes", func(c *config) { c.Pepper = make([]byte, 31) }, "HandlerConfig.Pepper has 31 bytes, at least 32"},
		{"Pepper of 32 bytes", func(c *config) { c.Pepper = make([]byte, 32) }, ""},
		{"Path of its own", func(c *config) { c.Path, c.Sessions = "/auth/phone", at("/auth/phone/") }, ""},
		{"Path that StartURL does not know", func(c *config) { c.Path = "/auth/phone" }, `set SessionConfig.StartURL to "/auth/phone/"`},
		{"Path with a slash at its end", func(c *config) { c.Path, c.Sessions = "/auth/", at("/auth/") }, "HandlerConfig.Path is not a plain path"},
		{"Path at the root", func(c *config) { c.Path, c.Sessions = "/", at("/x") }, "HandlerConfig.Path is not a plain path"},
		{"Path that is relative", func(c *config) { c.Path, c.Sessions = "auth", at("/auth") }, "HandlerConfig.Path is not a plain path"},
		{"Path with dots", func(c *config) { c.Path, c.Sessions = "/a/../auth", at("/auth") }, "HandlerConfig.Path is not a plain path"},
		{"Path with a query", func(c *config) { c.Path, c.Sessions = "/auth?a", at("/auth") }, "HandlerConfig.Path is not a plain path"},
		{"Path with a percent escape", func(c *config) { c.Path, c.Sessions = "/%61uth", at("/auth") }, "HandlerConfig.Path is not a plain path"},
		{"Path on another host", func(c *config) { c.Path, c.Sessions = "//attacker.example", at("/auth") }, "HandlerConfig.Path is not a plain path"},
		{"Path with a URL", func(c *config) { c.Path, c.Sessions = "https://shop.example/auth", at("/auth") }, "HandlerConfig.Path is not a plain path"},
		{"Accept", func(c *config) { c.Accept = accept }, ""},
		{"Purposes", func(c *config) { c.Purposes, c.Accept = []string{"guardian", "account_recovery", "x-2"}, accept }, ""},
		{"Purposes with an empty one", func(c *config) { c.Purposes, c.Accept = []string{"guardian", ""}, accept }, "HandlerConfig.Purposes has one"},
		{"Purposes in capitals", func(c *config) { c.Purposes, c.Accept = []string{"Guardian"}, accept }, "HandlerConfig.Purposes has one"},
		{"Purposes too long", func(c *config) { c.Purposes, c.Accept = []string{strings.Repeat("p", 33)}, accept }, "HandlerConfig.Purposes has one"},
		{"Purposes without Accept", func(c *config) { c.Purposes = []string{"guardian"} }, "HandlerConfig.Purposes needs Accept"},
		{"AllowStart", func(c *config) { c.AllowStart = func(*http.Request) error { return nil } }, ""},
		{"TrustedOrigins", func(c *config) { c.TrustedOrigins = []string{"https://app.example", "http://localhost:3000"} }, ""},
		{"TrustedOrigins with a path", func(c *config) { c.TrustedOrigins = []string{"https://app.example/"} }, "HandlerConfig.TrustedOrigins"},
		{"TrustedOrigins over http", func(c *config) { c.TrustedOrigins = []string{"http://app.example"} }, "HandlerConfig.TrustedOrigins"},
		{"TrustedOrigins for all", func(c *config) { c.TrustedOrigins = []string{"*"} }, "HandlerConfig.TrustedOrigins"},
		{"TrustedOrigins null", func(c *config) { c.TrustedOrigins = []string{"null"} }, "HandlerConfig.TrustedOrigins"},
		{"TrustedOrigins empty", func(c *config) { c.TrustedOrigins = []string{""} }, "HandlerConfig.TrustedOrigins"},
		{"NativeApps", func(c *config) {
			c.NativeApps, c.Sessions = true, quiet(t, func(c *certify.SessionConfig) { c.Bearer = true })
		}, ""},
		{"NativeApps without Bearer", func(c *config) { c.NativeApps = true }, "HandlerConfig.NativeApps needs SessionConfig.Bearer"},
		{"HelpURL a path", func(c *config) { c.HelpURL = "/help" }, ""},
		{"HelpURL elsewhere", func(c *config) { c.HelpURL = "https://help.example/phone" }, ""},
		{"HelpURL over http", func(c *config) { c.HelpURL = "http://help.example" }, "HandlerConfig.HelpURL is neither"},
		{"HelpURL a script", func(c *config) { c.HelpURL = "javascript:alert(1)" }, "HandlerConfig.HelpURL is neither"},
		{"HelpURL a host alone", func(c *config) { c.HelpURL = "//help.example" }, "HandlerConfig.HelpURL is neither"},
		{"MaxLookups of one", func(c *config) { c.MaxLookups = 1 }, ""},
		{"MaxLookups negative", func(c *config) { c.MaxLookups = -1 }, "HandlerConfig.MaxLookups is negative"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := config{Sessions: quiet(t), Provider: fake, Pepper: testPepper}
			tc.change(&cfg)
			h, err := certify.NewHandler(cfg)
			if tc.want == "" && err != nil || tc.want != "" && (h != nil || err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("handler %v, error %v; want %q", h != nil, err, tc.want)
			}
		})
	}
}

// What the caller does to the configuration later has no effect.
func TestHandlerCopiesItsConfig(t *testing.T) {
	t.Parallel()
	pepper, purposes := append([]byte(nil), testPepper...), []string{"guardian"}
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.Pepper, c.Purposes = pepper, purposes
		c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "", nil }
	}}).browser()
	clear(pepper)
	purposes[0] = "other"
	b.pass()
	hash := readClaim(t, b.sessions, b).DIHash
	plain := newSite(t, siteConfig{}).browser()
	plain.pass()
	if want := readClaim(t, plain.sessions, plain).DIHash; hash != want {
		t.Error("the pepper was changed from outside")
	}
	if a := b.post("/certifications/attempts", `{"purpose":"guardian"}`); a.StatusCode != http.StatusCreated {
		t.Errorf("the purposes were changed from outside: status %d", a.StatusCode)
	}
}

// The pepper is never replaced, so that it must not get into a log.
func TestPepperIsNotPrinted(t *testing.T) {
	t.Parallel()
	pepper := []byte("a pepper of more than 32 bytes, which nobody is to read")
	cfg := certify.HandlerConfig{Sessions: quiet(t), Provider: &fakeProvider{}, Pepper: pepper, Path: certify.DefaultPath}
	h, err := certify.NewHandler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for name, v := range map[string]any{
		"config": cfg, "pointer": &cfg, "in": struct{ C certify.HandlerConfig }{cfg}, "handler": h, "copy": *h, "list": []any{cfg, h},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", name, v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", name, v)
	}
	fmt.Fprintln(&out, cfg.String(), h.String(), cfg.LogValue(), h.LogValue())
	for _, secret := range []string{"nobody is to read", fmt.Sprintf("%x", pepper), fmt.Sprint(pepper), "0x61, 0x20"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q was printed", secret)
		}
	}
	if !strings.Contains(out.String(), "/certifications") {
		t.Error("the path, which is public, was not printed")
	}
}
