package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/certify-go/certify/sandbox"
)

// sendBody is a request for a person's digits, changed by pairs of a member
// (of the customer, too) and its value; nil takes it out.
func sendBody(t testing.TB, s *sandbox.Server, person string, changes ...any) string {
	t.Helper()
	typed, err := s.ParticularsOf(person)
	if err != nil {
		t.Fatal(err)
	}
	customer := map[string]any{"name": typed.Name, "phoneNumber": typed.PhoneNumber, "identityNumber": typed.IdentityNumber, "ipAddress": "127.0.0.1"}
	body := map[string]any{"channelKey": sandbox.ChannelKeyDanal, "operator": "SKT", "method": "SMS", "customer": customer}
	for i := 0; i < len(changes); i += 2 {
		in, name := body, changes[i].(string)
		if _, has := customer[name]; has {
			in = customer
		}
		in[name] = changes[i+1]
		if changes[i+1] == nil {
			delete(in, name)
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func codeOf(t testing.TB, s *sandbox.Server, person string) string {
	t.Helper()
	typed, err := s.ParticularsOf(person)
	if err != nil {
		t.Fatal(err)
	}
	code := s.SentCode(typed.PhoneNumber)
	if len(code) != 6 {
		t.Fatalf("the code sent is %q", code)
	}
	return code
}

func otherThan(code string) string {
	if code == "000000" {
		return "111111"
	}
	return "000000"
}

func otp(code string) string { return `{"otp":"` + code + `"}` }

func TestSendAndConfirm(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	wantAPI(t, api(s, "POST", v2Path+"/send", sendBody(t, s, sandbox.Adult, "customData", "mine")), 200, "")
	v := identity(t, s, identityID)
	wantShape(t, v, identityID, "READY")
	if got := v["requestedCustomer"].(map[string]any); v["customData"] != "mine" || got["name"] != "김성년" || got["phoneNumber"] != "01000000001" || len(got) != 2 {
		t.Errorf("customData %v, requestedCustomer %v", v["customData"], got)
	}
	wantAPI(t, api(s, "POST", "/identity-verifications/b/send", strings.Replace(sendBody(t, s, sandbox.Adult), `"ipAddress"`, `"id":"c1","ipAddress"`, 1)), 200, "")
	if got := identity(t, s, "b")["requestedCustomer"].(map[string]any)["id"]; got != "c1" {
		t.Errorf("the customer's id is %v", got)
	}
	api(s, "POST", v2Path+"/resend", "") // so that the newest code is this one's
	first := codeOf(t, s, sandbox.Adult)
	wantAPI(t, api(s, "POST", v2Path+"/send", sendBody(t, s, sandbox.Adult)), 409, "IDENTITY_VERIFICATION_ALREADY_SENT")
	wrong := wantAPI(t, api(s, "POST", v2Path+"/confirm", otp(otherThan(first))), 502, "PG_PROVIDER")
	if wrong["pgCode"] == nil || wrong["pgMessage"] == nil {
		t.Error("a gateway's error lacks pgCode or pgMessage")
	}
	wantAPI(t, api(s, "POST", v2Path+"/confirm", "{}"), 400, "INVALID_REQUEST")
	wantShape(t, identity(t, s, identityID), identityID, "READY")
	done := wantAPI(t, api(s, "POST", v2Path+"/confirm", otp(first)), 200, "")
	wantShape(t, done["identityVerification"].(map[string]any), identityID, "VERIFIED")
	wantShape(t, identity(t, s, identityID), identityID, "VERIFIED")
	for _, verb := range []string{"send", "confirm", "resend"} {
		wantAPI(t, api(s, "POST", v2Path+"/"+verb, sendBody(t, s, sandbox.Adult, "otp", first)), 409, "IDENTITY_VERIFICATION_ALREADY_VERIFIED")
	}
}

func TestResendReplacesTheCode(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	api(s, "POST", v2Path+"/send", sendBody(t, s, sandbox.Adult))
	first := codeOf(t, s, sandbox.Adult)
	second := first
	for second == first { // one in a million
		wantAPI(t, api(s, "POST", v2Path+"/resend", ""), 200, "")
		second = codeOf(t, s, sandbox.Adult)
	}
	wantAPI(t, api(s, "POST", v2Path+"/confirm", otp(first)), 502, "PG_PROVIDER")
	wantAPI(t, api(s, "POST", v2Path+"/confirm", otp(second)), 200, "")
}

func TestThreeWrongCodesFail(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	for range 5 {
		wantAPI(t, api(s, "POST", v2Path+"/send", sendBody(t, s, sandbox.Adult)), 200, "")
		for i := range 3 {
			if i == 1 { // does not forgive the first
				wantAPI(t, api(s, "POST", v2Path+"/resend", ""), 200, "")
			}
			wantAPI(t, api(s, "POST", v2Path+"/confirm", otp(otherThan(codeOf(t, s, sandbox.Adult)))), 502, "PG_PROVIDER")
		}
		wantShape(t, identity(t, s, identityID), identityID, "FAILED")
		wantAPI(t, api(s, "POST", v2Path+"/confirm", otp(codeOf(t, s, sandbox.Adult))), 404, "IDENTITY_VERIFICATION_NOT_SENT")
		wantAPI(t, api(s, "POST", v2Path+"/resend", ""), 404, "IDENTITY_VERIFICATION_NOT_SENT")
	}
	wantAPI(t, api(s, "POST", v2Path+"/send", sendBody(t, s, sandbox.Adult)), 400, "MAX_TRANSACTION_COUNT_REACHED")
}

func TestNotSentByTheAPI(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	verifyIdentity(t, s, sandbox.IdentityVerification{Person: sandbox.NeverFinishes})
	wantAPI(t, api(s, "POST", v2Path+"/confirm", otp("123456")), 404, "IDENTITY_VERIFICATION_NOT_SENT")
	wantAPI(t, api(s, "POST", v2Path+"/resend", ""), 404, "IDENTITY_VERIFICATION_NOT_SENT")
}

func TestSendRefuses(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	tests := []struct {
		name    string
		changes []any
		status  int
		kind    string
	}{
		{"no channel", []any{"channelKey", nil}, 404, "CHANNEL_NOT_FOUND"},
		{"another channel", []any{"channelKey", "x"}, 404, "CHANNEL_NOT_FOUND"},
		{"a channel without an API", []any{"channelKey", sandbox.ChannelKeyInicis}, 400, "INVALID_REQUEST"},
		{"no name", []any{"name", nil}, 400, "INVALID_REQUEST"},
		{"no phone", []any{"phoneNumber", nil}, 400, "INVALID_REQUEST"},
		{"phone with hyphens", []any{"phoneNumber", "010-0000-0001"}, 400, "INVALID_REQUEST"},
		{"an older number", []any{"phoneNumber", "0110000001"}, 502, "PG_PROVIDER"},
		{"a number too short", []any{"phoneNumber", "010000001"}, 400, "INVALID_REQUEST"},
		{"a letter in the number", []any{"phoneNumber", "0100000000a"}, 400, "INVALID_REQUEST"},
		{"no address", []any{"ipAddress", nil}, 400, "INVALID_REQUEST"},
		{"no operator", []any{"operator", nil}, 400, "INVALID_REQUEST"},
		{"V1's operator", []any{"operator", "LGT"}, 400, "INVALID_REQUEST"},
		{"no method", []any{"method", nil}, 400, "INVALID_REQUEST"},
		{"no identity number", []any{"identityNumber", nil}, 400, "INVALID_REQUEST"},
		{"part of an identity number", []any{"identityNumber", "900515"}, 400, "INVALID_REQUEST"},
		{"a member of another type", []any{"operator", 5}, 400, "INVALID_REQUEST"},
		{"another name", []any{"name", "아무개"}, 502, "PG_PROVIDER"},
		{"another phone", []any{"phoneNumber", "01000000002"}, 502, "PG_PROVIDER"},
		{"another birthday", []any{"identityNumber", "9005162"}, 502, "PG_PROVIDER"},
		{"another gender", []any{"identityNumber", "9005151"}, 502, "PG_PROVIDER"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id := fmt.Sprintf("try%d", i)
			wantAPI(t, api(s, "POST", "/identity-verifications/"+id+"/send", sendBody(t, s, sandbox.Adult, tt.changes...)), tt.status, tt.kind)
			w := api(s, "GET", "/identity-verifications/"+id, "")
			if tt.kind == "PG_PROVIDER" {
				wantShape(t, wantAPI(t, w, 200, ""), id, "FAILED")
			} else if w.Code != 404 {
				t.Errorf("a refusal left a record: %d", w.Code)
			}
		})
	}
	wantAPI(t, api(s, "POST", "/identity-verifications/a-b/send", sendBody(t, s, sandbox.Adult, "channelKey", sandbox.ChannelKeyKCP)), 400, "INVALID_REQUEST")
}

func TestSendByApp(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	wantAPI(t, api(s, "POST", v2Path+"/send", sendBody(t, s, sandbox.Adult, "method", "APP", "identityNumber", nil, "channelKey", sandbox.ChannelKeyKCP, "operator", "LGU_MVNO")), 200, "")
	wantAPI(t, api(s, "POST", v2Path+"/resend", ""), 400, "INVALID_REQUEST")
	done := wantAPI(t, api(s, "POST", v2Path+"/confirm", "{}"), 200, "")["identityVerification"].(map[string]any)
	if got := done["verifiedCustomer"].(map[string]any)["operator"]; got != "LGU_MVNO" {
		t.Errorf("operator %v", got)
	}
	const other = "/identity-verifications/other"
	wantAPI(t, api(s, "POST", other+"/send", sendBody(t, s, sandbox.NeverFinishes, "method", "APP")), 200, "")
	if refused := wantAPI(t, api(s, "POST", other+"/confirm", "{}"), 502, "PG_PROVIDER"); refused["pgCode"] != "SANDBOX_NOT_YET" {
		t.Errorf("pgCode %v", refused["pgCode"])
	}
	wantAPI(t, api(s, "POST", "/identity-verifications/third/send", sendBody(t, s, sandbox.Adult, "method", "APP", "identityNumber", "9005162")), 502, "PG_PROVIDER")
	wantShape(t, identity(t, s, "other"), "other", "READY")
}

// TestKCPTestChannel takes any six digits, as the vendor's help pages say.
func TestKCPTestChannel(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	for key, status := range map[string]int{sandbox.ChannelKeyKCPTest: 200, sandbox.ChannelKeyKCP: 502, sandbox.ChannelKeyDanal: 502} {
		path := "/identity-verifications/" + strings.ReplaceAll(key, "-", "")[:20] + fmt.Sprint(len(key))
		wantAPI(t, api(s, "POST", path+"/send", sendBody(t, s, sandbox.Adult, "channelKey", key)), 200, "")
		wrong := otherThan(codeOf(t, s, sandbox.Adult))
		if w := api(s, "POST", path+"/confirm", otp(wrong)); w.Code != status {
			t.Errorf("%s: status %d, want %d", key, w.Code, status)
		}
		if w := api(s, "POST", path+"/confirm", otp("12345")); w.Code == 200 {
			t.Errorf("%s: five digits pass", key)
		}
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	if got := s.SentCode("01000000001"); got != "" {
		t.Errorf("a code %q before anything was sent", got)
	}
	api(s, "POST", v2Path+"/send", sendBody(t, s, sandbox.Adult))
	api(s, "POST", "/identity-verifications/b/send", sendBody(t, s, sandbox.Minor))
	type list struct {
		Messages []struct{ Phone, Code string }
	}
	all := decode[list](t, serve(s, request("GET", "/sandbox/messages", "")).Body).Messages
	one := decode[list](t, serve(s, request("GET", "/sandbox/messages?phone=010-0000-0001", "")).Body).Messages
	if len(all) != 2 || len(one) != 1 || one[0].Phone != "01000000001" || one[0].Code != codeOf(t, s, sandbox.Adult) || all[1] != one[0] {
		t.Errorf("messages %v, and to one phone %v", all, one)
	}
	if s.SentCode("") != "" {
		t.Error("a code for no phone")
	}
}

func TestParticularsOf(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	for person, want := range map[string]string{
		sandbox.Adult: "9005152", sandbox.NineteenToday: "0711213", sandbox.Foreigner: "6",
	} {
		got, err := s.ParticularsOf(person)
		if err != nil || !strings.HasSuffix(got.IdentityNumber, want) && person != sandbox.Foreigner {
			t.Errorf("%s: %v, %v", person, got.IdentityNumber, err)
		}
		if digit := got.IdentityNumber[6]; person == sandbox.Foreigner && digit != '5' && digit != '6' {
			t.Errorf("a foreigner's digit is %c", digit)
		}
	}
	y2k, err := newSandbox(t, at("2019-11-21T12:00:00+09:00")).ParticularsOf(sandbox.NineteenToday)
	if err != nil || y2k.IdentityNumber != "0011213" {
		t.Errorf("born in 2000: %s, %v", y2k.IdentityNumber, err)
	}
	if _, err := s.ParticularsOf("nobody"); err == nil {
		t.Error("nobody has particulars")
	}
	people := serve(s, request("GET", "/sandbox/people", "")).Body.String()
	if !strings.Contains(people, `"identity_number": "9005152"`) {
		t.Error("the list of people lacks their particulars")
	}
}
