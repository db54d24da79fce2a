package sandbox_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/certify-go/certify/sandbox"
)

// otpForm is an otp/request for the adult, changed by pairs; "" takes a
// parameter out.
func otpForm(changes ...string) url.Values {
	form := url.Values{
		"name": {"김성년"}, "phone": {"010-0000-0001"}, "birth": {"90.05.15"}, "gender_digit": {"2"}, "carrier": {"KT"},
		"channel_key": {sandbox.ChannelKeyKCP}, "merchant_uid": {"order-1"},
	}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return form
}

// v1 posts as JSON, or as a form.
func v1(t *testing.T, s *sandbox.Server, path string, form url.Values, asForm bool) *httptest.ResponseRecorder {
	t.Helper()
	body, contentType := form.Encode(), "application/x-www-form-urlencoded"
	if !asForm {
		members := map[string]any{}
		for name := range form {
			members[name] = form.Get(name)
			if name == "is_mvno" {
				members[name] = form.Get(name) == "true"
			}
		}
		text, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		body, contentType = string(text), "application/json"
	}
	return serve(s, request("POST", path, body, "Content-Type", contentType, "Authorization", token(t, s).AccessToken))
}

func wantV1(t *testing.T, w *httptest.ResponseRecorder, status int) map[string]any {
	t.Helper()
	e := decode[envelope](t, w.Body)
	if w.Code != status || e.Code == nil || (*e.Code == 0) != (status == 200) || (e.Message == nil) != (status == 200) {
		t.Fatalf("status %d, want %d in a fitting envelope", w.Code, status)
	}
	if status != 200 {
		return nil
	}
	return decode[map[string]any](t, strings.NewReader(string(e.Response)))
}

func TestOTP(t *testing.T) {
	t.Parallel()
	const confirm = "/certifications/otp/confirm/"
	for _, asForm := range []bool{false, true} {
		s := newSandbox(t, at(noon))
		uid := wantV1(t, v1(t, s, "/certifications/otp/request", otpForm(), asForm), 200)["imp_uid"].(string)
		if rec := lookup(t, s, uid); rec["certified"] != false || rec["merchant_uid"] != "order-1" || rec["pg_provider"] != "kcp_v2" {
			t.Error("the record is not the request's, or is certified already")
		}
		code := codeOf(t, s, sandbox.Adult)
		wantV1(t, v1(t, s, confirm+uid, nil, asForm), 400)
		wantV1(t, v1(t, s, confirm+uid, url.Values{"otp": {otherThan(code)}}, asForm), 500)
		rec := wantV1(t, v1(t, s, confirm+uid, url.Values{"otp": {code}}, asForm), 200)
		if rec["certified"] != true || rec["imp_uid"] != uid || rec["birthday"] != "1990-05-15" || rec["carrier"] != "KT" {
			t.Error("the answer is not the certified record")
		}
		if lookup(t, s, uid)["certified"] != true {
			t.Error("the record is not certified")
		}
		wantV1(t, v1(t, s, confirm+uid, url.Values{"otp": {code}}, asForm), 400)
	}
}

func TestOTPThreeWrongCodes(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	uid := wantV1(t, v1(t, s, "/certifications/otp/request", otpForm(), false), 200)["imp_uid"].(string)
	code := codeOf(t, s, sandbox.Adult)
	for range 3 {
		wantV1(t, v1(t, s, "/certifications/otp/confirm/"+uid, url.Values{"otp": {otherThan(code)}}, false), 500)
	}
	wantV1(t, v1(t, s, "/certifications/otp/confirm/"+uid, url.Values{"otp": {code}}, false), 500)
	if lookup(t, s, uid)["certified"] != false {
		t.Error("certified by the fourth code")
	}
}

func TestOTPRequests(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	tests := []struct {
		name    string
		changes []string
		status  int
		pg      string
		carrier any
	}{
		{"danal", []string{"channel_key", sandbox.ChannelKeyDanal}, 200, "danal", nil},
		{"a key of the merchant's own", []string{"channel_key", "channel-key-1"}, 200, "danal", nil},
		{"virtual operator", []string{"is_mvno", "true"}, 200, "kcp_v2", "SKT_MVNO"},
		{"LG U+", []string{"carrier", "LGT"}, 200, "kcp_v2", "LGT"},
		{"no merchant_uid", []string{"merchant_uid", ""}, 200, "kcp_v2", "KT"},
		{"inicis_unified", []string{"channel_key", sandbox.ChannelKeyInicis}, 400, "", nil},
		{"no channel", []string{"channel_key", ""}, 400, "", nil},
		{"no name", []string{"name", ""}, 400, "", nil},
		{"no phone", []string{"phone", ""}, 400, "", nil},
		{"no birth", []string{"birth", ""}, 400, "", nil},
		{"birth with a century", []string{"birth", "19900515"}, 400, "", nil},
		{"no digit", []string{"gender_digit", ""}, 400, "", nil},
		{"digit 0", []string{"gender_digit", "0"}, 400, "", nil},
		{"digit 9", []string{"gender_digit", "9"}, 400, "", nil},
		{"a foreigner's digit", []string{"gender_digit", "8"}, 500, "", nil},
		{"two digits", []string{"gender_digit", "22"}, 400, "", nil},
		{"the browser SDK's carrier", []string{"carrier", "KTF"}, 400, "", nil},
		{"overlong merchant_uid", []string{"merchant_uid", strings.Repeat("a", 256)}, 400, "", nil},
		{"another name", []string{"name", "아무개"}, 500, "", nil},
		{"another phone", []string{"phone", "01000000002"}, 500, "", nil},
		{"another birthday", []string{"birth", "900516"}, 500, "", nil},
		{"another gender", []string{"gender_digit", "1"}, 500, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, asForm := range []bool{false, true} {
				got := wantV1(t, v1(t, s, "/certifications/otp/request", otpForm(tt.changes...), asForm), tt.status)
				if tt.status != 200 {
					continue
				}
				uid := got["imp_uid"].(string)
				rec := wantV1(t, v1(t, s, "/certifications/otp/confirm/"+uid, url.Values{"otp": {codeOf(t, s, sandbox.Adult)}}, asForm), 200)
				if rec["pg_provider"] != tt.pg || rec["carrier"] != tt.carrier || rec["merchant_uid"] == "" {
					t.Errorf("through %v, carrier %v, merchant_uid %v", rec["pg_provider"], rec["carrier"], rec["merchant_uid"])
				}
			}
		})
	}
}

func TestOTPByApp(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	uid := wantV1(t, v1(t, s, "/certifications/otp/request", otpForm("verification_method", "APP"), false), 200)["imp_uid"].(string)
	if got := s.SentCode("01000000001"); got != "" {
		t.Error("a code was sent for the app")
	}
	if rec := wantV1(t, v1(t, s, "/certifications/otp/confirm/"+uid, nil, false), 200); rec["certified"] != true {
		t.Error("not certified")
	}
}

func TestOTPRefusals(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	window := verify(t, s, sandbox.Verification{Person: sandbox.NeverFinishes}).ImpUID
	wantV1(t, v1(t, s, "/certifications/otp/confirm/imp_000000000000", url.Values{"otp": {"1"}}, false), 404)
	wantV1(t, v1(t, s, "/certifications/otp/confirm/"+window, url.Values{"otp": {"1"}}, false), 404)
	for _, path := range []string{"/certifications/otp/request", "/certifications/otp/confirm/" + window} {
		if w := serve(s, request("POST", path, `{}`)); w.Code != 401 {
			t.Errorf("%s without a token: status %d", path, w.Code)
		}
		bearer := token(t, s).AccessToken
		for _, body := range []string{`{`, `[]`, strings.Repeat("a", 17<<10)} {
			if w := serve(s, request("POST", path, body, "Authorization", bearer)); w.Code != 400 && w.Code != 404 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s with %.10q: status %d", path, body, w.Code)
			}
		}
	}
}
