package iamport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
)

func otpRequest() iamport.OTPRequest {
	return iamport.OTPRequest{
		MerchantUID: attemptID, Name: "김시험", Phone: "01000000001", Birth: "800101", GenderDigit: "1", Carrier: "LGT", MVNO: true,
	}
}

// otpConfig is for a form of the app's own, which needs a channel key.
func otpConfig(v http.RoundTripper) iamport.Config {
	cfg := testConfig(v)
	cfg.ChannelKey = "channel-key-1"
	return cfg
}

const otpRequested = `{"code":0,"message":"","response":{"imp_uid":"imp_100000000001"}}`

func TestRequestOTP(t *testing.T) {
	t.Parallel()
	const base = `"birth":"800101","carrier":"LGT","channel_key":"channel-key-1",%s"gender_digit":"1","is_mvno":true,` +
		`"merchant_uid":"0123456789abcdef0123456789abcdef","name":"김시험","phone":"01000000001"`
	for _, tt := range []struct {
		name, company string
		method        string
		want          string
	}{
		{"by default", "", "", "{" + fmt.Sprintf(base, "") + "}"},
		{"by SMS", "", iamport.MethodSMS, "{" + fmt.Sprintf(base, "") + `,"verification_method":"SMS"}`},
		{"by app, with the shop's name", "가게", iamport.MethodApp, "{" + fmt.Sprintf(base, `"company":"가게",`) + `,"verification_method":"APP"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, "danal")
			v.other = jsonAnswer(200, otpRequested)
			cfg := otpConfig(v)
			cfg.Company = tt.company
			r := otpRequest()
			r.Method = tt.method
			uid, err := newProvider(t, cfg).RequestOTP(t.Context(), r)
			if err != nil || uid != danalID {
				t.Fatalf("RequestOTP = %q, %v", uid, err)
			}
			got := v.sent()
			if len(got) != 2 || got[1].method != "POST" || got[1].uri != "/certifications/otp/request" || got[1].body != tt.want ||
				got[1].header.Get("Authorization") != "Bearer tok-1" || got[1].header.Get("Content-Type") != "application/json" {
				t.Errorf("the vendor was asked %+v", got)
			}
		})
	}
}

// TestRequestOTPTakes: what is at the edge of the allowed.
func TestRequestOTPTakes(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*iamport.OTPRequest){
		func(r *iamport.OTPRequest) { r.MerchantUID = strings.Repeat("a", 40) },
		func(r *iamport.OTPRequest) { r.Name = strings.Repeat("ab", 100) },
		func(r *iamport.OTPRequest) { r.Phone = "0110000001" },
		func(r *iamport.OTPRequest) { r.GenderDigit = "8" },
		func(r *iamport.OTPRequest) { r.Carrier, r.MVNO = "SKT", false },
		func(r *iamport.OTPRequest) { r.Carrier = "KT" },
	} {
		v := newVendor(t, "danal")
		v.other = jsonAnswer(200, otpRequested)
		r := otpRequest()
		change(&r)
		if _, err := newProvider(t, otpConfig(v)).RequestOTP(t.Context(), r); err != nil {
			t.Error(err)
		}
	}
}

func TestConfirmOTP(t *testing.T) {
	t.Parallel()
	for otp, body := range map[string]string{"654321": `{"otp":"654321"}`, "": `{}`} {
		v := newVendor(t, "danal")
		if err := newProvider(t, otpConfig(v)).ConfirmOTP(t.Context(), danalID, otp); err != nil {
			t.Fatal(err)
		}
		got := v.sent()
		if len(got) != 2 || got[1].method != "POST" || got[1].uri != "/certifications/otp/confirm/"+danalID || got[1].body != body {
			t.Errorf("the vendor was asked %+v", got)
		}
	}
}

// otpCalls are both calls, with danal's imp_uid.
func otpCalls(p *iamport.Provider) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"RequestOTP": func(ctx context.Context) error {
			_, err := p.RequestOTP(ctx, otpRequest())
			return err
		},
		"ConfirmOTP": func(ctx context.Context) error { return p.ConfirmOTP(ctx, danalID, "654321") },
	}
}

func wantOTPError(t *testing.T, err error, want iamport.OTPError) {
	t.Helper()
	var got iamport.OTPError
	errors.As(err, &got)
	if got != want {
		t.Errorf("error = %v, which wraps %q, want %q", err, got, want)
	}
}

func TestOTPAnswers(t *testing.T) {
	t.Parallel()
	const (
		refused, unavailable, invalid, misconfigured = certify.CodeVerificationRefused, certify.CodeProviderUnavailable,
			certify.CodeProviderInvalid, certify.CodeProviderMisconfigured
		no, appJSON = `{"code":-1,"message":"김시험 01000000001","response":null}`, "application/json"
	)
	tests := []struct {
		name        string
		status      int
		contentType string
		body        string
		want        certify.Code
		wraps       iamport.OTPError
	}{
		{"malformed or confirmed", 400, appJSON, no, refused, iamport.ErrOTPMalformed},
		{"not requested", 404, appJSON, no, refused, iamport.ErrOTPNotFound},
		{"refused by the PG", 500, appJSON, no, refused, iamport.ErrOTPRefused},
		{"refused with success", 200, appJSON, no, refused, iamport.ErrOTPRefused},
		{"refused with success and a result", 200, appJSON, strings.Replace(fixture(t, "danal"), `"code":0`, `"code":1`, 1), refused, iamport.ErrOTPRefused},
		{"maintenance, in an envelope", 503, appJSON, no, unavailable, ""},
		{"too many, in an envelope", 429, appJSON, no, unavailable, ""},
		{"conflict, in an envelope", 409, appJSON, no, invalid, ""},
		{"multiple choices, in an envelope", 300, appJSON, no, invalid, ""},
		{"redirect, in an envelope", 302, appJSON, no, invalid, ""},
		{"forbidden", 403, appJSON, no, misconfigured, ""},
		{"error page", 500, "text/html", "<h1>김시험</h1>", unavailable, ""},
		{"400 of a proxy", 400, "text/html", "<h1>김시험</h1>", invalid, ""},
		{"404 of a proxy", 404, "text/html", "<h1>김시험</h1>", invalid, ""},
		{"code 0 with an error", 500, appJSON, otpRequested, unavailable, ""},
		{"no result", 200, appJSON, `{"code":0,"response":null}`, invalid, ""},
		{"a result of another kind", 200, appJSON, `{"code":0,"response":["imp_100000000001"]}`, invalid, ""},
		{"no imp_uid", 200, appJSON, `{"code":0,"response":{}}`, invalid, ""},
		{"imp_uid that is none", 200, appJSON, `{"code":0,"response":{"imp_uid":"../x"}}`, invalid, ""},
		{"imp_uid in two cases", 200, appJSON, `{"code":0,"response":{"imp_uid":"imp_100000000001","IMP_UID":"imp_100000000002"}}`, invalid, ""},
		{"code twice", 400, appJSON, `{"code":0,"code":-1,"response":null}`, invalid, ""},
		{"HTML", 200, "text/html", otpRequested, invalid, ""},
		{"truncated", 200, appJSON, otpRequested[:20], invalid, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, "danal")
			v.other = answer(tt.status, tt.contentType, tt.body)
			for name, call := range otpCalls(newProvider(t, otpConfig(v))) {
				before := v.count("POST /certifications")
				err := call(t.Context())
				wantCode(t, err, tt.want)
				wantOTPError(t, err, tt.wraps)
				if n := v.count("POST /certifications") - before; n != 1 {
					t.Errorf("%s asked %d times, want once: each may cost", name, n)
				}
			}
		})
	}
}

// TestConfirmOTPJudges: a confirmed record has to count as by Lookup.
func TestConfirmOTPJudges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, old, new string
		want           certify.Code
	}{
		{"another record", `"imp_100000000001"`, `"imp_100000000002"`, certify.CodeProviderInvalid},
		{"not certified after all", `"certified":true`, `"certified":false`, certify.CodeVerificationPending},
		{"another PG", `"pg_provider":"danal"`, `"pg_provider":"nobody"`, certify.CodeChannelRefused},
		{"no birthday", `"birth":162918000,"birthday":"1975-03-02"`, `"birth":0`, certify.CodeProviderInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, "danal")
			v.other = jsonAnswer(200, replace(t, fixture(t, "danal"), tt.old, tt.new))
			wantCode(t, newProvider(t, otpConfig(v)).ConfirmOTP(t.Context(), danalID, "654321"), tt.want)
		})
	}
}

func TestOTPOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		v.other = broken
		for name, call := range otpCalls(newProvider(t, otpConfig(v))) {
			before := v.count("POST /certifications")
			wantCode(t, call(t.Context()), certify.CodeProviderUnavailable)
			if n := v.count("POST /certifications") - before; n != 1 {
				t.Errorf("%s asked %d times, want once", name, n)
			}
		}
	})
}

// TestOTPTakesAMinute: a PG may be slow, and the vendor asks to wait.
func TestOTPTakesAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		v.other = slow(59*time.Second, v.other)
		p := newProvider(t, otpConfig(v))
		for name, call := range otpCalls(p) {
			if err := call(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		v.other = hang
		for name, call := range otpCalls(p) {
			start := time.Now()
			wantCode(t, call(t.Context()), certify.CodeProviderUnavailable)
			if took := time.Since(start); took != time.Minute {
				t.Errorf("%s took %v, want a minute", name, took)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want one that wraps context.DeadlineExceeded", name, err)
			}
			cancel()
		}
	})
}

// TestOTPWithAFreshToken: a 401 comes before any effect.
func TestOTPWithAFreshToken(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "danal")
	v.token = inTurn(tokenFor("tok-1", time.Hour), tokenFor("tok-2", time.Hour))
	v.other = onlyToken("tok-2", v.other)
	if err := newProvider(t, otpConfig(v)).ConfirmOTP(t.Context(), danalID, "654321"); err != nil {
		t.Error(err)
	}
}

func TestRequestOTPRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*iamport.OTPRequest)
		want   string
	}{
		{"no attempt", func(r *iamport.OTPRequest) { r.MerchantUID = "" }, "MerchantUID"},
		{"an attempt that is none", func(r *iamport.OTPRequest) { r.MerchantUID = "a-b" }, "MerchantUID"},
		{"an attempt too long for KCP", func(r *iamport.OTPRequest) { r.MerchantUID = strings.Repeat("a", 41) }, "MerchantUID"},
		{"no name", func(r *iamport.OTPRequest) { r.Name = " " }, "Name"},
		{"name too long", func(r *iamport.OTPRequest) { r.Name = strings.Repeat("시", 67) }, "Name"},
		{"name not UTF-8", func(r *iamport.OTPRequest) { r.Name = "\xb1\xe8" }, "Name"},
		{"phone with hyphens", func(r *iamport.OTPRequest) { r.Phone = "010-000-001" }, "Phone"},
		{"phone too short", func(r *iamport.OTPRequest) { r.Phone = "010000000" }, "Phone"},
		{"phone too long", func(r *iamport.OTPRequest) { r.Phone = "010000000011" }, "Phone"},
		{"birth with a century", func(r *iamport.OTPRequest) { r.Birth = "19800101" }, "Birth"},
		{"birth too short", func(r *iamport.OTPRequest) { r.Birth = "80011" }, "Birth"},
		{"digit 0", func(r *iamport.OTPRequest) { r.GenderDigit = "0" }, "GenderDigit"},
		{"digit 9", func(r *iamport.OTPRequest) { r.GenderDigit = "9" }, "GenderDigit"},
		{"two digits", func(r *iamport.OTPRequest) { r.GenderDigit = "12" }, "GenderDigit"},
		{"no digit", func(r *iamport.OTPRequest) { r.GenderDigit = "" }, "GenderDigit"},
		{"the browser SDK's carrier", func(r *iamport.OTPRequest) { r.Carrier = "KTF" }, "Carrier"},
		{"V2's carrier", func(r *iamport.OTPRequest) { r.Carrier = "LGU" }, "Carrier"},
		{"another method", func(r *iamport.OTPRequest) { r.Method = "sms" }, "Method"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, "danal")
			r := otpRequest()
			tt.change(&r)
			_, err := newProvider(t, otpConfig(v)).RequestOTP(t.Context(), r)
			wantCode(t, err, certify.CodeVerificationRefused)
			wantOTPError(t, err, iamport.ErrOTPMalformed)
			if !strings.Contains(err.Error(), "OTPRequest."+tt.want+" ") {
				t.Errorf("error = %v, want one about %s", err, tt.want)
			}
			if len(v.sent()) != 0 {
				t.Error("the vendor was asked, and the message charged")
			}
		})
	}
}

func TestRequestOTPNeedsAChannelKey(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "danal")
	_, err := newProvider(t, testConfig(v)).RequestOTP(t.Context(), otpRequest())
	wantCode(t, err, certify.CodeProviderMisconfigured)
	if !strings.Contains(err.Error(), "Config.ChannelKey") || len(v.sent()) != 0 {
		t.Errorf("after %d requests: %v", len(v.sent()), err)
	}
}

func TestConfirmOTPRefuses(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "danal")
	p := newProvider(t, otpConfig(v))
	for _, otp := range []string{"123", "12345678901", "12345a", " 123456", "１２３４", "123456\n", "-12345"} {
		err := p.ConfirmOTP(t.Context(), danalID, otp)
		wantCode(t, err, certify.CodeVerificationRefused)
		wantOTPError(t, err, iamport.ErrOTPMalformed)
	}
	for _, id := range hostileIDs() {
		err := p.ConfirmOTP(t.Context(), id, "654321")
		wantCode(t, err, certify.CodeVerificationRefused)
		if !errors.Is(err, certify.CodeVerificationIDMalformed) {
			t.Errorf("ConfirmOTP(%.40q) = %v", id, err)
		}
	}
	if len(v.sent()) != 0 {
		t.Error("the vendor was asked")
	}
}

func TestOTPRequestIsNotPrinted(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := otpRequest()
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("request", "r", r, "pointer", &r, "in", struct{ R iamport.OTPRequest }{r})
	}
	for _, v := range []any{r, &r, []iamport.OTPRequest{r}, struct{ R iamport.OTPRequest }{r}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
		_ = json.NewEncoder(&log).Encode(v)
	}
	fmt.Fprintln(&log, r.String(), r.LogValue())
	for _, personal := range []string{r.Name, fmt.Sprintf("%x", r.Name), r.Phone, r.Birth, attemptID} {
		if strings.Contains(log.String(), personal) {
			t.Errorf("%q was printed", personal)
		}
	}
}
