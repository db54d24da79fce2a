package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

// newStreet is a stand on today's clock, as browsers have no other.
func newStreet(t *testing.T, people ...string) *stand {
	t.Helper()
	return newStreetOn(t, v1, people...)
}

func newStreetOn(t *testing.T, provider string, people ...string) *stand {
	t.Helper()
	s := newStandOn(t, provider, time.Time{})
	for _, person := range people { // so that the output is searched for them
		v := s.visitor()
		v.verify(v.begin(""), person)
	}
	return s
}

// choose takes the first step in the provider's window.
func (w *tab) choose(person string) {
	w.t.Helper()
	w.click(`label:has(input[name=carrier][value=KTF])`)
	w.click(fmt.Sprintf(`label:has(input[name=person][value=%q])`, person))
	w.click(`button[form=step]`)
}

// enter takes the second: the code, by a change of it for a wrong one.
func (w *tab) enter(change func(code string) string) {
	w.t.Helper()
	w.until(`!!document.querySelector("#sms.arrived #sent-code")`)
	w.click("#code")
	w.typeText(change(w.text("#sent-code")))
	w.click(`button[form=step]`)
}

func right(code string) string { return code }

// wrong changes the last digit.
func wrong(code string) string {
	return code[:5] + string('0'+(code[5]-'0'+1)%10)
}

func TestBrowserDesk(t *testing.T) {
	t.Parallel()
	onBoth(t, browserDesk)
}

func browserDesk(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Adult)
	b := s.browse(t, desk)
	b.open("/")
	b.click(`.hero a.button`)
	b.at("/certifications/", "본인인증")
	if back := b.query("return_to"); back != "/cellar" {
		t.Errorf("return_to is %q", back)
	}
	w := b.popup(func() { b.click("#verify") })
	w.choose(sandbox.Adult)
	w.enter(right)
	b.at("/cellar", "보름")
	b.click(`a[href="/checkout?wine=crescent"]`)
	b.at("/checkout", "초승")
	b.click(`form.order button`)
	b.at("/checkout/done", "예약했습니다")
}

func TestBrowserPhone(t *testing.T) {
	t.Parallel()
	onBoth(t, browserPhone)
}

func browserPhone(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Adult)
	b := s.browse(t, phone)
	b.open("/certifications/?return_to=/cellar")
	b.click("#verify")
	b.until(fmt.Sprintf("location.href.startsWith(%q)", s.sandbox+"/sandbox/window/"))
	b.choose(sandbox.Adult)
	b.enter(right)
	b.at("/cellar", "보름")
}

func TestBrowserCancel(t *testing.T) {
	t.Parallel()
	onBoth(t, browserCancel)
}

func browserCancel(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Adult)
	b := s.browse(t, desk)
	b.open("/certifications/?return_to=/cellar")
	for name, leave := range map[string]func(*tab){
		"by the button": func(w *tab) { w.click(`button[form=close]`) },
		"by the X":      func(w *tab) { w.close() },
		"on the second page": func(w *tab) {
			w.choose(sandbox.Adult)
			w.until(`!!document.querySelector("#sent-code")`)
			w.click(`button[form=close]`)
		},
	} {
		w := b.popup(func() { b.click("#verify") })
		leave(w)
		b.until(`document.querySelector("#status").textContent.includes("완료되지 않았습니다")`)
		if claim := b.cookies()["certify"]; claim != "" {
			t.Fatalf("cancelling %s brought a claim", name)
		}
	}
	w := b.popup(func() { b.click("#verify") }) // and in the end
	w.choose(sandbox.Adult)
	w.enter(right)
	b.at("/cellar", "보름")
}

func TestBrowserCancelOnAPhone(t *testing.T) {
	t.Parallel()
	onBoth(t, browserCancelOnAPhone)
}

func browserCancelOnAPhone(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Adult)
	b := s.browse(t, phone)
	b.open("/certifications/?return_to=/cellar")
	b.click("#verify")
	b.click(`button[form=close]`)
	b.at("/certifications/redirect", "완료되지 않았습니다")
	b.click(`a[href^="/certifications/?"]`)
	b.click("#verify")
	b.choose(sandbox.Adult)
	b.enter(right)
	b.at("/cellar", "보름")
}

func TestBrowserWrongCode(t *testing.T) {
	t.Parallel()
	onBoth(t, browserWrongCode)
}

func browserWrongCode(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Adult)
	b := s.browse(t, desk)
	b.open("/certifications/?return_to=/cellar")
	w := b.popup(func() { b.click("#verify") })
	w.choose(sandbox.Adult)
	w.enter(wrong)
	w.until(`!!document.querySelector("#notice")`)
	if claim := b.cookies()["certify"]; claim != "" {
		t.Fatal("a wrong code brought a claim")
	}
	w.enter(right)
	b.at("/cellar", "보름")
}

func TestBrowserMinor(t *testing.T) {
	t.Parallel()
	onBoth(t, browserMinor)
}

func browserMinor(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Minor)
	for _, d := range []device{desk, phone} {
		b := s.browse(t, d)
		b.open("/certifications/?return_to=/cellar")
		w := b
		if d.phone {
			b.click("#verify")
		} else {
			w = b.popup(func() { b.click("#verify") })
		}
		w.choose(sandbox.Minor)
		w.enter(right)
		b.at("/cellar", "나이 제한")
		if text := b.text("body"); strings.Contains(text, "보름") {
			t.Errorf("the refusal shows the cellar: %s", text)
		}
	}
}

func TestBrowserSignUp(t *testing.T) {
	t.Parallel()
	onBoth(t, browserSignUp)
}

func browserSignUp(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.Foreigner, sandbox.NoCI)
	b := s.browse(t, desk)
	b.open("/signup")
	b.click(`main a.button`)
	w := b.popup(func() { b.click("#verify") })
	w.choose(sandbox.NoCI)
	w.enter(right)
	b.until(`document.querySelector("#status").textContent.includes("연계정보(CI)가 없어")`)

	b.open("/signup")
	b.click(`main a.button`)
	w = b.popup(func() { b.click("#verify") })
	w.choose(sandbox.Foreigner)
	w.enter(right)
	b.at("/me", "회원 번호 1번")
	b.until(`document.body.innerText.includes("아무것도 모릅니다")`) // signing up verified no age
	b.click(`form[action="/leave"] button`)
	b.at("/me", "로그인하지 않았습니다")
}

// A browser that knows the shop by another name of this machine still comes
// back from the phone's detour.
func TestBrowserLocalhost(t *testing.T) {
	t.Parallel()
	s := newStreet(t, sandbox.Adult)
	if _, err := http.Get(strings.Replace(s.shop, "127.0.0.1", "localhost", 1)); err != nil {
		t.Skip("localhost is not 127.0.0.1 here")
	}
	b := s.browse(t, phone)
	b.navigate(strings.Replace(s.shop, "127.0.0.1", "localhost", 1) + "/cellar")
	b.at("/certifications/", "본인인증")
	b.click("#verify")
	b.choose(sandbox.Adult)
	b.enter(right)
	b.at("/cellar", "보름")
}
