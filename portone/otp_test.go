package portone_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/portone"
)

func sendRequest() portone.SendRequest {
	return portone.SendRequest{
		Name: "김시험", PhoneNumber: "01000000001", IdentityNumber: "8001017", Operator: "SKT_MVNO",
		Method: portone.MethodSMS, IPAddress: netip.MustParseAddr("192.0.2.7"),
	}
}

func TestOTPRequests(t *testing.T) {
	t.Parallel()
	const base, person = "/identity-verifications/" + danalID, `"customer":{"identityNumber":"8001017","ipAddress":"192.0.2.7","name":"김시험","phoneNumber":"01000000001"}`
	tests := []struct {
		name      string
		call      func(context.Context, *portone.Provider) error
		uri, body string
	}{
		{"send", func(ctx context.Context, p *portone.Provider) error { return p.Send(ctx, danalID, sendRequest()) }, base + "/send",
			`{"channelKey":"channel-key-live-1",` + person + `,"method":"SMS","operator":"SKT_MVNO","storeId":"store-0001"}`},
		{"send, by SMS unless said otherwise", func(ctx context.Context, p *portone.Provider) error {
			r := sendRequest()
			r.Method = ""
			return p.Send(ctx, danalID, r)
		}, base + "/send",
			`{"channelKey":"channel-key-live-1",` + person + `,"method":"SMS","operator":"SKT_MVNO","storeId":"store-0001"}`},
		{"send by app, on another channel, over IPv6", func(ctx context.Context, p *portone.Provider) error {
			r := sendRequest()
			r.Method, r.IdentityNumber, r.ChannelKey, r.IPAddress = portone.MethodApp, "", "channel-key-live-3", netip.MustParseAddr("fe80::1%eth0")
			return p.Send(ctx, danalID, r)
		}, base + "/send",
			`{"channelKey":"channel-key-live-3","customer":{"ipAddress":"fe80::1","name":"김시험","phoneNumber":"01000000001"},"method":"APP","operator":"SKT_MVNO","storeId":"store-0001"}`},
		{"send, the longest name", func(ctx context.Context, p *portone.Provider) error {
			r := sendRequest()
			r.Name = strings.Repeat("ab", 100)
			return p.Send(ctx, danalID, r)
		}, base + "/send",
			`{"channelKey":"channel-key-live-1",` + strings.Replace(person, "김시험", strings.Repeat("ab", 100), 1) + `,"method":"SMS","operator":"SKT_MVNO","storeId":"store-0001"}`},
		{"send, IPv4 in IPv6", func(ctx context.Context, p *portone.Provider) error {
			r := sendRequest()
			r.IPAddress = netip.MustParseAddr("::ffff:192.0.2.7")
			return p.Send(ctx, danalID, r)
		}, base + "/send",
			`{"channelKey":"channel-key-live-1",` + person + `,"method":"SMS","operator":"SKT_MVNO","storeId":"store-0001"}`},
		{"confirm", func(ctx context.Context, p *portone.Provider) error { return p.Confirm(ctx, danalID, "654321") }, base + "/confirm",
			`{"otp":"654321","storeId":"store-0001"}`},
		{"confirm by app", func(ctx context.Context, p *portone.Provider) error { return p.Confirm(ctx, danalID, "") }, base + "/confirm",
			`{"storeId":"store-0001"}`},
		{"resend", func(ctx context.Context, p *portone.Provider) error { return p.Resend(ctx, danalID) }, base + "/resend?storeId=store-0001", ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, "confirmed")
			if err := tt.call(t.Context(), newProvider(t, testConfig(v))); err != nil {
				t.Fatal(err)
			}
			got := v.sent()
			if len(got) != 1 || got[0].method != "POST" || got[0].uri != tt.uri || got[0].body != tt.body {
				t.Fatalf("the vendor was asked %+v", got)
			}
			if h := got[0].header; h.Get("Authorization") != "PortOne "+testSecret || (h.Get("Content-Type") == "application/json") != (tt.body != "") {
				t.Errorf("the headers are %v", h)
			}
		})
	}
}

func TestOTPErrors(t *testing.T) {
	t.Parallel()
	const (
		refused, pending, unavailable, invalid, misconfigured = certify.CodeVerificationRefused, certify.CodeVerificationPending,
			certify.CodeProviderUnavailable, certify.CodeProviderInvalid, certify.CodeProviderMisconfigured
	)
	tests := []struct {
		status int
		kind   portone.ErrorType
		want   certify.Code
	}{
		{400, portone.ErrInvalidRequest, refused},
		{400, portone.ErrMaxTransactionCountReached, refused},
		{401, portone.ErrUnauthorized, misconfigured},
		{403, portone.ErrForbidden, misconfigured},
		{404, portone.ErrNotFound, refused},
		{404, portone.ErrChannelNotFound, misconfigured},
		{404, portone.ErrNotSent, refused},
		{409, portone.ErrAlreadyVerified, refused},
		{409, portone.ErrAlreadySent, pending},
		{502, portone.ErrPGProvider, refused},
	}
	for _, tt := range tests {
		t.Run(string(tt.kind), func(t *testing.T) {
			t.Parallel()
			body := replace(t, fixture(t, "pg_provider"), "PG_PROVIDER", string(tt.kind))
			v := &vendor{answer: jsonAnswer(tt.status, body)}
			all := asks(newProvider(t, testConfig(v)))
			delete(all, "Lookup")
			for name, ask := range all {
				before := len(v.sent())
				err := ask(t.Context())
				wantCode(t, err, tt.want)
				wantType(t, err, tt.kind)
				if n := len(v.sent()) - before; n != 1 {
					t.Errorf("%s asked %d times, want once: each may cost", name, n)
				}
			}
		})
	}
}

// TestOTPOnce: nothing that may have sent a message is repeated by itself.
func TestOTPOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer answerer
	}{
		{"500", jsonAnswer(500, "")},
		{"502 of a proxy", answer(502, "text/html", "")},
		{"429", jsonAnswer(429, "")},
		{"connection broken", broken},
		{"body broken", brokenBody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{answer: tt.answer}
				all := asks(newProvider(t, testConfig(v)))
				delete(all, "Lookup")
				for name, ask := range all {
					before := len(v.sent())
					err := ask(t.Context())
					wantCode(t, err, certify.CodeProviderUnavailable)
					wantType(t, err, "")
					if n := len(v.sent()) - before; n != 1 {
						t.Errorf("%s asked %d times, want once", name, n)
					}
				}
			})
		})
	}
}

// TestOTPTakesAMinute: a PG may be slow, and the vendor asks to wait.
func TestOTPTakesAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: slow(59*time.Second, jsonAnswer(200, fixture(t, "confirmed")))}
		all := asks(newProvider(t, testConfig(v)))
		delete(all, "Lookup")
		for name, ask := range all {
			if err := ask(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		v.answer = hang
		for name, ask := range all {
			start := time.Now()
			wantCode(t, ask(t.Context()), certify.CodeProviderUnavailable)
			if took := time.Since(start); took != time.Minute {
				t.Errorf("%s took %v, want a minute", name, took)
			}
		}
	})
}

// TestOTPAnswers: a success is the API's JSON, and of a Confirm the record
// that was asked for, which then has to count as by Lookup.
func TestOTPAnswers(t *testing.T) {
	t.Parallel()
	confirmed, danal := fixture(t, "confirmed"), fixture(t, "danal")
	const invalid = certify.CodeProviderInvalid
	tests := []struct {
		name              string
		contentType, body string
		sent, confirm     certify.Code // "": success
	}{
		{"confirmed", "application/json", confirmed, "", ""},
		{"empty object", "application/json", `{}`, "", invalid},
		{"without the envelope", "application/json", danal, "", invalid},
		{"envelope null", "application/json", `{"identityVerification":null}`, "", invalid},
		{"a proxy's page", "text/html", confirmed, invalid, invalid},
		{"nothing", "application/json", ``, invalid, invalid},
		{"truncated", "application/json", confirmed[:99], invalid, invalid},
		{"another record", "application/json", replace(t, confirmed, danalID, attemptID), "", invalid},
		{"not verified after all", "application/json", replace(t, confirmed, `"VERIFIED"`, `"READY"`), "", certify.CodeVerificationPending},
		{"test channel", "application/json", replace(t, confirmed, `"LIVE"`, `"TEST"`), "", certify.CodeChannelRefused},
		{"another id of the channel", "application/json", replace(t, confirmed, `channel-id-live-1`, `channel-id-live-9`), "", ""},
		{"another channel's key", "application/json", replace(t, confirmed, `"key":"channel-key-live-1"`, `"key":"channel-key-live-9"`), "", certify.CodeChannelRefused},
		{"no birth date", "application/json", replace(t, confirmed, `"birthDate"`, `"x"`), "", invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, ask := range asks(newProvider(t, testConfig(&vendor{answer: answer(200, tt.contentType, tt.body)}))) {
				want := tt.sent
				switch name {
				case "Lookup":
					continue
				case "Confirm":
					want = tt.confirm
				}
				err := ask(t.Context())
				if want != "" {
					wantCode(t, err, want)
				} else if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestSendRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*portone.SendRequest)
		want   string
	}{
		{"no name", func(r *portone.SendRequest) { r.Name = " " }, "Name"},
		{"name too long", func(r *portone.SendRequest) { r.Name = strings.Repeat("시", 67) }, "Name"},
		{"name not UTF-8", func(r *portone.SendRequest) { r.Name = "\xb1\xe8" }, "Name"},
		{"no phone", func(r *portone.SendRequest) { r.PhoneNumber = "" }, "PhoneNumber"},
		{"phone with hyphens", func(r *portone.SendRequest) { r.PhoneNumber = "010-000-001" }, "PhoneNumber"},
		{"phone too short", func(r *portone.SendRequest) { r.PhoneNumber = "010000000" }, "PhoneNumber"},
		{"phone too long", func(r *portone.SendRequest) { r.PhoneNumber = "010000000011" }, "PhoneNumber"},
		{"another method", func(r *portone.SendRequest) { r.Method = "sms" }, "Method"},
		{"no identity number by SMS", func(r *portone.SendRequest) { r.IdentityNumber = "" }, "IdentityNumber"},
		{"a whole identity number", func(r *portone.SendRequest) { r.IdentityNumber = "8001017000000" }, "IdentityNumber"},
		{"part of an identity number by app", func(r *portone.SendRequest) { r.Method, r.IdentityNumber = portone.MethodApp, "800101" }, "IdentityNumber"},
		{"no operator", func(r *portone.SendRequest) { r.Operator = "" }, "Operator"},
		{"V1's operator", func(r *portone.SendRequest) { r.Operator = "LGT" }, "Operator"},
		{"no address", func(r *portone.SendRequest) { r.IPAddress = netip.Addr{} }, "IPAddress"},
		{"another channel", func(r *portone.SendRequest) { r.ChannelKey = "channel-key-live-9" }, "ChannelKey"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, "confirmed")
			r := sendRequest()
			tt.change(&r)
			err := newProvider(t, testConfig(v)).Send(t.Context(), danalID, r)
			wantCode(t, err, certify.CodeVerificationRefused)
			wantType(t, err, portone.ErrInvalidRequest)
			if !strings.Contains(err.Error(), "SendRequest."+tt.want+" ") {
				t.Errorf("error = %v, want one about %s", err, tt.want)
			}
			if len(v.sent()) != 0 {
				t.Error("the vendor was asked, and the message charged")
			}
		})
	}
}

func TestConfirmRefuses(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "confirmed")
	p := newProvider(t, testConfig(v))
	for _, otp := range []string{"123", "12345678901", "12345a", " 123456", "１２３４", "123456\n", "-12345"} {
		err := p.Confirm(t.Context(), danalID, otp)
		wantCode(t, err, certify.CodeVerificationRefused)
		wantType(t, err, portone.ErrInvalidRequest)
	}
	if len(v.sent()) != 0 {
		t.Error("the vendor was asked")
	}
}

// TestSendRequestIsAllSent: every field of the request reaches the vendor.
func TestSendRequestIsAllSent(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "confirmed")
	r := sendRequest()
	r.ChannelKey = "channel-key-live-2"
	if err := newProvider(t, testConfig(v)).Send(t.Context(), danalID, r); err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(v.sent()[0].body), &body); err != nil {
		t.Fatal(err)
	}
	customer, _ := body["customer"].(map[string]any)
	want := []any{r.Name, r.PhoneNumber, r.IdentityNumber, r.Operator, r.Method, r.IPAddress.String(), r.ChannelKey}
	got := []any{customer["name"], customer["phoneNumber"], customer["identityNumber"], body["operator"], body["method"], customer["ipAddress"], body["channelKey"]}
	if len(want) != reflect.TypeFor[portone.SendRequest]().NumField() || !reflect.DeepEqual(got, want) {
		t.Error("a field is missing or wrong")
	}
}
