package sandbox_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/certify-go/certify/sandbox"
)

func TestWindowSuccess(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	v := openWindow(t, s, params("origin", "https://shop.example/join?x=1"))
	impUID := v.told()["imp_uid"].(string)
	if lookup(t, s, impUID)["certified"] != false {
		t.Error("a record exists from the start, and is not certified")
	}
	v.choose(sandbox.Adult)
	if lookup(t, s, impUID)["certified"] != false {
		t.Error("certified before the code was typed")
	}
	code := v.sent()
	v.enter(" " + code[:3] + " " + code[3:] + " ")
	v.sees("인증이 완료되었습니다")
	want := map[string]any{
		"success": true, "imp_uid": impUID, "merchant_uid": "order-1", "pg_provider": "danal",
		"pg_type": "certification", "error_code": nil, "error_msg": nil,
	}
	if got := v.told(); !maps.Equal(got, want) || !v.done() || v.attribute("opener") != "https://shop.example" {
		t.Errorf("told %v (done %v), want %v", got, v.done(), want)
	}
	rec := lookup(t, s, impUID)
	if rec["certified"] != true || rec["birthday"] != "1990-05-15" || rec["merchant_uid"] != "order-1" || rec["origin"] != "https://shop.example/join?x=1" {
		t.Error("the record is not the adult's")
	}
	v.post("close", nil)
	v.choose(sandbox.Minor)
	if v.told()["success"] != true || lookup(t, s, impUID)["birthday"] != "1990-05-15" {
		t.Error("a finished window changed again")
	}
}

func TestWindowNeverFinishes(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	v := openWindow(t, s, params())
	v.choose(sandbox.NeverFinishes)
	v.enter(v.sent())
	if v.told()["success"] != true {
		t.Error("the window must claim success")
	}
	if lookup(t, s, v.told()["imp_uid"].(string))["certified"] != false {
		t.Error("the record must stay uncertified")
	}
}

func TestWindowWrongCodes(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	v := openWindow(t, s, params())
	v.choose(sandbox.Adult)
	for _, unusable := range []string{"", "12345", "1234567", "abcdef", "１２３４５６"} {
		v.enter(unusable)
		v.sees("숫자 6자리를 입력하세요.")
	}
	v.enter(v.wrong())
	v.sees("2번 더 시도할 수 있습니다.")
	v.post("back", nil)
	v.choose(sandbox.Adult)
	v.enter(v.wrong())
	v.sees("1번 더 시도할 수 있습니다.")
	v.post("resend", nil)
	code := v.sent()
	v.enter(v.wrong())
	v.sees("인증번호를 세 번 잘못 입력하였습니다.")
	if got := v.told(); got["success"] != false || got["error_code"] != "SANDBOX_WRONG_CODE" || v.done() {
		t.Errorf("told %v", got)
	}
	v.enter(code)
	if lookup(t, s, v.told()["imp_uid"].(string))["certified"] != false {
		t.Fatal("the right code after three wrong ones was taken")
	}
	v.post("close", nil)
	if !v.done() || v.told()["error_code"] != "SANDBOX_WRONG_CODE" {
		t.Error("closing the failure must report it")
	}
}

func TestWindowResendReplacesTheCode(t *testing.T) {
	t.Parallel()
	v := openWindow(t, newSandbox(t, at(noon)), params())
	v.choose(sandbox.Adult)
	first := v.sent()
	v.post("resend", nil)
	v.sees("인증번호를 다시 보냈습니다.")
	if v.sent() == first { // by chance one time in a million
		v.post("resend", nil)
	}
	v.enter(first)
	if v.told()["success"] != false {
		t.Error("the first code still works")
	}
	v.enter(v.sent())
	if v.told()["success"] != true {
		t.Error("the second code does not work")
	}
}

func TestWindowNeedsBothChoices(t *testing.T) {
	t.Parallel()
	v := openWindow(t, newSandbox(t, at(noon)), params())
	for _, form := range []url.Values{
		{}, {"carrier": {"SKT"}}, {"person": {"adult"}},
		{"carrier": {"SKT"}, "person": {"nobody"}}, {"carrier": {"KT"}, "person": {"adult"}},
	} {
		v.post("choose", form)
		v.sees("통신사와 사람을 모두 선택하세요.")
	}
	v.enter("123456")
	v.post("resend", nil)
	if v.told()["success"] != false || strings.Contains(v.page.Body.String(), "sent-code") {
		t.Error("the second step was reached without the first")
	}
}

func TestWindowCancel(t *testing.T) {
	t.Parallel()
	v := openWindow(t, newSandbox(t, at(noon)), params())
	impUID := v.told()["imp_uid"]
	want := map[string]any{"success": false, "imp_uid": impUID, "merchant_uid": "order-1", "error_code": "F0000", "error_msg": "사용자가 본인인증을 취소하였습니다."}
	if got := v.told(); !maps.Equal(got, want) || v.done() {
		t.Errorf("closing an open window would tell %v, want %v", got, want)
	}
	v.post("close", nil)
	if got := v.told(); !maps.Equal(got, want) || !v.done() {
		t.Errorf("a cancel tells %v, want %v", got, want)
	}
	v.choose(sandbox.Adult)
	if !v.done() {
		t.Error("a cancelled window opened again")
	}
}

func TestWindowMinAge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, person, pg, minAge string
		pass                     bool
	}{
		{"on the birthday", sandbox.NineteenToday, "", "19", true},
		{"the day before", sandbox.NineteenTomorrow, "", "19", false},
		{"calendar-year age does not count", sandbox.NineteenThisYear, "", "19", false},
		{"no min_age", sandbox.Minor, "", "", true},
		{"zero", sandbox.Minor, "", "0", true},
		{"danal with its CPID", sandbox.Minor, "danal.B010000000", "19", false},
		{"an option of danal's only", sandbox.Minor, "inicis_unified", "19", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t, at(noon))
			v := openWindow(t, s, params("min_age", tt.minAge, "pg", tt.pg))
			cancel := v.told()
			v.choose(tt.person)
			if tt.pass {
				v.enter(v.sent())
				if v.told()["success"] != true {
					t.Error("refused")
				}
				return
			}
			v.sees("만 19세 이상만 인증할 수 있습니다.")
			v.post("close", nil)
			if !maps.Equal(v.told(), cancel) {
				t.Error("too young must read like a cancel")
			}
			if lookup(t, s, cancel["imp_uid"].(string))["certified"] != false {
				t.Error("certified although too young")
			}
		})
	}
}

func TestWindowRedirect(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, redirect, before, after string
	}{
		{"plain", "https://shop.example/return", "https://shop.example/return?", ""},
		{"with a query", "https://shop.example/return?a=1&b=%ED%95%9C", "https://shop.example/return?a=1&b=%ED%95%9C&", ""},
		{"with a fragment", "http://localhost:3000/return#x", "http://localhost:3000/return?", "#x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t, at(noon))
			v := openWindow(t, s, params("m_redirect_url", tt.redirect, "merchant_uid", "주문 1&2", "opener", ""))
			impUID := v.told()["imp_uid"].(string)
			v.choose(sandbox.Adult)
			v.enter(v.sent())
			wantRedirect(t, v, tt.before, tt.after, url.Values{"imp_uid": {impUID}, "merchant_uid": {"주문 1&2"}, "success": {"true"}})

			v = openWindow(t, s, params("m_redirect_url", tt.redirect))
			impUID = v.told()["imp_uid"].(string)
			v.post("close", nil)
			wantRedirect(t, v, tt.before, tt.after, url.Values{
				"imp_uid": {impUID}, "merchant_uid": {"order-1"}, "success": {"false"},
				"error_code": {"F0000"}, "error_msg": {"사용자가 본인인증을 취소하였습니다."},
			})
		})
	}
}

func wantRedirect(t *testing.T, v *visitor, before, after string, want url.Values) {
	t.Helper()
	location := v.page.Header().Get("Location")
	if v.page.Code != http.StatusSeeOther || !strings.HasPrefix(location, before) || !strings.HasSuffix(location, after) {
		t.Fatalf("status %d to %q, want 303 to %q…%q", v.page.Code, location, before, after)
	}
	added, err := url.ParseQuery(strings.TrimSuffix(strings.TrimPrefix(location, before), after))
	if err != nil || added.Encode() != want.Encode() {
		t.Errorf("query %v, want %v", added, want)
	}
}

func TestWindowIsGone(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	for _, r := range []*http.Request{
		request("GET", "/sandbox/window/nosuchkey", ""),
		request("POST", "/sandbox/window/nosuchkey/code", "code=123456", "Content-Type", "application/x-www-form-urlencoded"),
	} {
		if w := serve(s, r); w.Code != 404 || !strings.Contains(w.Body.String(), "인증창을 열 수 없습니다") {
			t.Errorf("%s: status %d", r.Method, w.Code)
		}
	}
	v := openWindow(t, s, params())
	if w := serve(s, request("POST", v.path+"/jump", "")); w.Code != 404 {
		t.Errorf("unknown step: status %d, want 404", w.Code)
	}
	w := serve(s, request("POST", v.path+"/choose", "person="+strings.Repeat("x", 20<<10), "Content-Type", "application/x-www-form-urlencoded"))
	if w.Code != 400 {
		t.Errorf("a huge form: status %d, want 400", w.Code)
	}
}

func TestOldestWindowsAreDropped(t *testing.T) {
	t.Parallel()
	const limit = 1_000 // as documented
	s := newSandbox(t, at(noon))
	first, second := openWindow(t, s, params()), openWindow(t, s, params())
	for range limit - 1 {
		serve(s, request("GET", "/sandbox/window?"+params().Encode(), ""))
	}
	first.look()
	second.look()
	if first.page.Code != 404 || second.page.Code != 200 {
		t.Errorf("first %d, second %d; want 404 and 200", first.page.Code, second.page.Code)
	}
}
