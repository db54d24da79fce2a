package sandbox_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/certify-go/certify/sandbox"
)

func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	const here = "127.0.0.1:50000"
	tests := []struct {
		name, remote, host string
		status             int
	}{
		{"ipv4", here, "127.0.0.1:8787", 200},
		{"all of 127/8", "127.8.9.1:1", "127.3.2.1", 200},
		{"ipv6", "[::1]:50000", "[::1]:8787", 200},
		{"ipv6 without a port", "[::1]:50000", "[::1]", 200},
		{"ipv4 in ipv6", "[::ffff:127.0.0.1]:50000", "localhost", 200},
		{"localhost", here, "LocalHost:3000", 200},
		{"remote peer", "192.0.2.1:50000", "localhost", 403},
		{"remote ipv6 peer", "[2001:db8::1]:50000", "localhost", 403},
		{"remote ipv4 in ipv6", "[::ffff:192.0.2.1]:50000", "localhost", 403},
		{"peer unknown", "", "localhost", 403},
		{"unix socket", "@", "localhost", 403},
		{"rebound name", here, "attacker.example", 403},
		{"rebound name with port", here, "attacker.example:8787", 403},
		{"name that begins like loopback", here, "127.0.0.1.attacker.example", 403},
		{"name that ends like localhost", here, "notlocalhost", 403},
		{"every interface", here, "0.0.0.0:8787", 403},
		{"public address", here, "192.0.2.1:8787", 403},
		{"no host", here, "", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request("GET", "/sandbox/people", "")
			r.RemoteAddr, r.Host = tt.remote, tt.host
			if w := serve(s, r); w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
		})
	}
}

// A proxy on this machine would make everybody this machine.
func TestProxiesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	const page = "Sec-Fetch-Site"
	tests := []struct {
		name, proto string
		headers     []string
		status      int
	}{
		{"a program", "HTTP/1.1", nil, 200},
		{"a program in HTTP/2", "HTTP/2.0", nil, 200},
		{"an address bar", "HTTP/1.1", []string{page, "none"}, 200},
		{"the app's page", "HTTP/1.1", []string{page, "same-site", "Origin", "http://127.0.0.1:8080"}, 200},
		{"an app's page under a name of this machine's", "HTTP/1.1", []string{page, "cross-site", "Origin", "https://shop.test"}, 200},
		{"the sandbox's page", "HTTP/1.1", []string{page, "same-origin", "Origin", "http://127.0.0.1:8787"}, 200},
		{"the sandbox's page by a phone on a cable", "HTTP/1.1", []string{page, "same-origin", "Origin", "http://localhost:8787"}, 200},
		{"the sandbox's page without a referrer", "HTTP/1.1", []string{page, "same-origin", "Origin", "null"}, 200},
		{"nginx as it comes", "HTTP/1.0", nil, 403},
		{"nginx with its usual headers", "HTTP/1.1", []string{"X-Real-Ip", "192.0.2.1"}, 403},
		{"Caddy, Apache, ngrok", "HTTP/1.1", []string{"X-Forwarded-For", "192.0.2.1"}, 403},
		{"a visitor of this machine's by Caddy", "HTTP/1.1", []string{"X-Forwarded-For", "127.0.0.1"}, 403},
		{"an empty header", "HTTP/1.1", []string{"X-Forwarded-Proto", ""}, 403},
		{"cloudflared", "HTTP/1.1", []string{"Cf-Connecting-Ip", "192.0.2.1"}, 403},
		{"by the standard", "HTTP/1.1", []string{"Forwarded", "for=192.0.2.1"}, 403},
		{"a proxy that says it is one", "HTTP/1.1", []string{"Via", "1.1 squid"}, 403},
		{"a silent proxy's browser", "HTTP/1.1", []string{page, "same-origin", "Origin", "https://staging.example"}, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request("GET", "/sandbox/people", "", tt.headers...)
			r.Proto = tt.proto
			r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(tt.proto)
			if w := serve(s, r); w.Code != tt.status {
				t.Errorf("status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
		})
	}
}

func TestLoopbackGuardsEveryRoute(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	body := `{"imp_key":"` + sandbox.DefaultKey + `","imp_secret":"` + sandbox.DefaultSecret + `"}`
	for _, route := range []string{"POST /users/getToken", "GET /certifications/imp_1", "POST /sandbox/verifications", "GET /sandbox", "GET /v1/iamport.js", "GET /nowhere",
		"GET /identity-verifications", "GET " + v2Path, "POST " + v2Path + "/send", "POST /certifications/otp/request", "POST /sandbox/identity-verifications",
		"POST /sandbox/identity-windows", "POST /sandbox/identity-windows/x/close", "GET /sandbox/messages", "GET /v2/browser-sdk.js"} {
		method, path, _ := strings.Cut(route, " ")
		r := request(method, path, body)
		r.RemoteAddr = "192.0.2.1:1"
		if w := serve(s, r); w.Code != 403 || strings.Contains(w.Body.String(), "access_token") {
			t.Errorf("%s: status %d, want 403", route, w.Code)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 201)
	tests := []struct {
		name  string
		cfg   sandbox.Config
		field string // named by the error; "" means good
	}{
		{"zero", sandbox.Config{}, ""},
		{"own", sandbox.Config{Code: "imp12345678", Key: "k", Secret: "s"}, ""},
		{"code with a space", sandbox.Config{Code: "imp 1"}, "Config.Code"},
		{"key with a newline", sandbox.Config{Key: "k\n"}, "Config.Key"},
		{"overlong secret", sandbox.Config{Secret: long}, "Config.Secret"},
		{"store with a space", sandbox.Config{StoreID: "store 1"}, "Config.StoreID"},
		{"overlong API secret", sandbox.Config{APISecret: long}, "Config.APISecret"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := sandbox.New(tt.cfg)
			if (err == nil) != (tt.field == "") || (err != nil && !strings.Contains(err.Error(), tt.field)) {
				t.Errorf("error %v, want one that names %q", err, tt.field)
			}
			if err != nil && strings.Contains(err.Error(), long) {
				t.Error("the error repeats the secret")
			}
		})
	}
}

func TestOwnCredentials(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(sandbox.Config{Key: "own-key", Secret: "own-secret"})
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]int{
		`{"imp_key":"own-key","imp_secret":"own-secret"}`:                                       200,
		`{"imp_key":"` + sandbox.DefaultKey + `","imp_secret":"` + sandbox.DefaultSecret + `"}`: 401,
	} {
		if w := serve(s, request("POST", "/users/getToken", body)); w.Code != want {
			t.Errorf("status %d, want %d", w.Code, want)
		}
	}
}

func TestOwnAPISecret(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(sandbox.Config{StoreID: "own-store", APISecret: "own-secret"})
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]int{"PortOne own-secret": 200, withSecret: 401} {
		if w := serve(s, request("GET", "/identity-verifications", "", "Authorization", header)); w.Code != want {
			t.Errorf("%s: status %d, want %d", header, w.Code, want)
		}
	}
	for store, want := range map[string]int{"own-store": 404, sandbox.DefaultStoreID: 403} {
		if w := serve(s, request("GET", v2Path+"?storeId="+store, "", "Authorization", "PortOne own-secret")); w.Code != want {
			t.Errorf("%s: status %d, want %d", store, w.Code, want)
		}
	}
}

func TestLogHasNoSecrets(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := at(noon)
	cfg := sandbox.Config{Now: c.Now, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	s, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	result := verify(t, s, sandbox.Verification{MerchantUID: "attempt-of-mine", Person: sandbox.Adult})
	rec := lookup(t, s, result.ImpUID)
	verifyIdentity(t, s, sandbox.IdentityVerification{Person: sandbox.Adult})
	identity(t, s, identityID)
	wantAPI(t, api(s, "POST", "/identity-verifications/other/send", sendBody(t, s, sandbox.Adult)), 200, "")
	text := log.String()
	for _, want := range []string{`route="POST /users/getToken"`, `route="GET /certifications/{imp_uid}"`, `route="GET /identity-verifications/{id}"`, "status=200"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	for name, secret := range map[string]string{
		"imp_uid": result.ImpUID, "merchant_uid": "attempt-of-mine", "token": token(t, s).AccessToken,
		"secret": sandbox.DefaultSecret, "API secret": sandbox.DefaultAPISecret, "identityVerificationId": identityID,
		"phone": "01000000001", "code": codeOf(t, s, sandbox.Adult), "name": rec["name"].(string), "CI": rec["unique_key"].(string),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("the log has the %s", name)
		}
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	const secret = "not-for-logs"
	cfg := sandbox.Config{Secret: secret}
	s, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", cfg, "server", s)
	text := log.String() + fmt.Sprintf("%v %+v %#v %s %v %+v %#v", cfg, cfg, cfg, cfg, s, s, s)
	if strings.Contains(text, secret) {
		t.Error("the secret shows")
	}
	if !strings.Contains(log.String(), "sandbox.Config{redacted}") || !strings.Contains(text, "sandbox.Server") {
		t.Error("nothing says what was redacted")
	}
}
