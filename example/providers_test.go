package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// realSetV2 is a whole set for the real service of V2.
func realSetV2(t testing.TB) map[string]string {
	t.Helper()
	env := realSet(t)
	for _, name := range variablesOf(v1) {
		delete(env, name)
	}
	env["PORTONE_STORE_ID"], env["PORTONE_API_SECRET"] = "store-of-a-test", "secret-of-a-test"
	env["PORTONE_CHANNEL_KEYS"] = "channel-key-1, channel-key-2"
	return env
}

func realSetOfBoth(t testing.TB) map[string]string {
	t.Helper()
	env := realSet(t)
	for name, value := range realSetV2(t) {
		env[name] = value
	}
	return env
}

func TestProviderSettings(t *testing.T) {
	t.Parallel()
	none, first, second, both := map[string]string{}, realSet(t), realSetV2(t), realSetOfBoth(t)
	tests := []struct {
		name string
		args string
		env  map[string]string
		want string // the providers, or
		err  string
	}{
		{"none named", "", none, "iamport", ""},
		{"V1", "-provider iamport", none, "iamport", ""},
		{"V2", "-provider portone", none, "portone", ""},
		{"moving", "-provider portone,iamport", none, "portone iamport", ""},
		{"about to move", "-provider=iamport,portone", none, "iamport portone", ""},
		{"V1, really", "", first, "iamport", ""},
		{"V2, really", "-provider portone", second, "portone", ""},
		{"moving, really", "-provider portone,iamport", both, "portone iamport", ""},
		{"V1, with V2's set beside it", "-provider iamport", both, "iamport", ""},
		{"V2, with V1's set left over", "-provider portone", both, "portone", ""},

		{"another", "-provider toss", none, "", `-provider "toss" is not known: use iamport (V1), portone (V2), or both, such as portone,iamport`},
		{"an empty one", "-provider portone,", none, "", `-provider "" is not known`},
		{"one twice", "-provider portone,portone", none, "", "-provider names portone twice"},
		{"V2's set without -provider", "", second, "", "but not IMP_CODE, IMP_KEY, IMP_SECRET, IMP_PG: -provider iamport needs them for the real service, and the sandbox wants none set; for those that are set use -provider portone"},
		{"V1's set with V2", "-provider portone", first, "", "but not PORTONE_STORE_ID, PORTONE_API_SECRET, PORTONE_CHANNEL_KEYS: -provider portone needs them for the real service, and the sandbox wants none set; for those that are set use -provider iamport"},
		{"one set of two", "-provider portone,iamport", second, "", "but not IMP_CODE, IMP_KEY, IMP_SECRET, IMP_PG: -provider portone,iamport needs them"},
		{"a leftover of V1 with V2", "-provider portone", map[string]string{"IMP_KEY": "x"}, "", "IMP_KEY set, but not PORTONE_STORE_ID"},
	}
	for name := range second {
		tests = append(tests, struct {
			name, args string
			env        map[string]string
			want, err  string
		}{
			"V2 without " + name, "-provider portone", with(second, name, " "), "", "but not " + name + ": "})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := readSettings(strings.Fields(tt.args), lookup(tt.env), io.Discard)
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("error %v, want %q", err, tt.err)
			case err != nil && strings.Contains(err.Error(), "of-a-test"):
				t.Error("the error repeats a value")
			case err == nil && !slices.Equal(cfg.providers, strings.Fields(tt.want)):
				t.Errorf("providers %q, want %q", cfg.providers, tt.want)
			case err == nil && (cfg.real != nil) != (len(tt.env) > 0):
				t.Errorf("real service: %v", cfg.real != nil)
			}
		})
	}
}

// The vendor's own addresses: no sandbox anywhere, and no banner.
func TestTheRealShopHasNoSandbox(t *testing.T) {
	t.Parallel()
	for provider, begin := range map[string][]string{
		v1:                {"https://cdn.iamport.kr/v1/iamport.js", "imp99999999", "merchant_uid"},
		v2:                {"https://cdn.portone.io/v2/browser-sdk.js", "store-of-a-test", "channel-key-1", "identityVerificationId"},
		"portone,iamport": {"https://cdn.portone.io/v2/browser-sdk.js", "store-of-a-test", "channel-key-1"},
	} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			v := newRealShop(t, provider)
			for _, path := range []string{"/sandbox", "/sandbox/", "/sandbox/people", "/sandbox/v1/iamport.js", "/sandbox/v2/browser-sdk.js"} {
				want(t, path, v.open(path), http.StatusNotFound)
			}
			for _, path := range []string{"/sandbox/verifications", "/sandbox/identity-verifications"} {
				want(t, "verifying by hand", v.post(path, `{"merchant_uid":"x","person":"adult"}`), http.StatusNotFound)
			}
			if page := v.open("/"); strings.Contains(page.body, "테스트 환경") {
				t.Error("the real shop has the sandbox's banner")
			}
			want(t, "begin", v.post("/certifications/attempts", "{}"), http.StatusCreated, append(begin, company)...)
		})
	}
}

// newRealShop starts the program in front of the real service, and never asks
// that anything.
func newRealShop(t *testing.T, provider string) *visitor {
	t.Helper()
	said := &output{written: make(chan struct{}, 1)}
	p := program{getenv: lookup(realSetOfBoth(t)), stdout: said, logger: slog.New(slog.DiscardHandler), now: time.Now}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	db := filepath.Join(t.TempDir(), "members.db")
	go func() { ended <- p.run(ctx, []string{"-addr", "127.0.0.1:0", "-db", db, "-provider", provider}) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	timeout := time.After(patience)
	for !strings.Contains(said.String(), db) {
		select {
		case <-said.written:
		case err := <-ended:
			ended <- nil
			t.Fatal(err)
		case <-timeout:
			t.Fatal("it does not listen")
		}
	}
	_, url, _ := strings.Cut(said.String(), "open     ")
	return (&stand{t: t, shop: strings.TrimRight(strings.Fields(url)[0], "/")}).visitor()
}
