package iamport_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
	"github.com/certify-go/certify/sandbox"
)

// newShop is a site with a form of its own, which asks a sandbox.
func newShop() (shop http.Handler, vendor *sandbox.Server, err error) {
	return newShopWith(func(p certify.Provider) certify.Provider { return p })
}

// newShopWith has other begin and look up what the form verifies.
func newShopWith(other func(certify.Provider) certify.Provider) (shop http.Handler, vendor *sandbox.Server, err error) {
	if vendor, err = sandbox.New(sandbox.Config{}); err != nil {
		return nil, nil, err
	}
	provider, err := iamport.New(iamport.Config{
		Code: sandbox.DefaultCode, Key: sandbox.DefaultKey, Secret: sandbox.DefaultSecret,
		PGProviders: []string{sandbox.Danal}, ChannelKey: sandbox.ChannelKeyDanal,
		InsecureBaseURL: "http://127.0.0.1", Transport: inMemory{vendor},
	})
	if err != nil {
		return nil, nil, err
	}
	keys, err := certify.ParseKeys("hs256-secret:" + strings.Repeat("A", 43))
	if err != nil {
		return nil, nil, err
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{Origin: "https://shop.example", Keys: keys, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: other(provider), Pepper: []byte(rand.Text() + rand.Text())})
	if err != nil {
		return nil, nil, err
	}
	f := &form{handler, provider, certify.NewMemoryStore(0, nil), []byte(rand.Text() + rand.Text())}
	mux := http.NewServeMux()
	mux.Handle("/certifications/", handler)
	sameOrigin := http.NewCrossOriginProtection() // only the site's own page may post
	for path, serve := range map[string]http.HandlerFunc{"POST /form/send": f.send, "POST /form/confirm": f.confirm} {
		mux.Handle(path, sameOrigin.Handler(serve))
	}
	return mux, vendor, nil
}

// inMemory is the way to a sandbox without a network.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RemoteAddr, in.Host = "127.0.0.1:1", "127.0.0.1"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, in)
	return w.Result(), nil
}

// A visitor is a browser on the page.
type visitor struct {
	shop    http.Handler
	cookies []*http.Cookie
	body    string // of the last answer
}

func (v *visitor) post(path string, form url.Values) int {
	r := httptest.NewRequest(http.MethodPost, "https://shop.example"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range v.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	v.shop.ServeHTTP(w, r)
	v.cookies = append(v.cookies, w.Result().Cookies()...)
	v.body = w.Body.String()
	return w.Code
}

// begin begins an attempt and returns its id.
func (v *visitor) begin() string {
	v.post("/certifications/attempts", url.Values{"return_to": {"/"}})
	return v.member("merchant_uid")
}

// impUID is the one in the answer, "" without.
func (v *visitor) impUID() string { return v.member("imp_uid") }

func (v *visitor) member(name string) string {
	var answer map[string]any
	_ = json.Unmarshal([]byte(v.body), &answer)
	text, _ := answer[name].(string)
	return text
}

// A formTest is a visitor with the example's form, as a person of the sandbox.
type formTest struct {
	*visitor
	t      *testing.T
	vendor *sandbox.Server
	typed  url.Values
}

func newFormTest(t *testing.T) formTest {
	t.Helper()
	shop, vendor, err := newShop()
	if err != nil {
		t.Fatal(err)
	}
	return formTestAt(t, shop, vendor)
}

func formTestAt(t *testing.T, shop http.Handler, vendor *sandbox.Server) formTest {
	t.Helper()
	p, err := vendor.ParticularsOf(sandbox.Adult)
	if err != nil {
		t.Fatal(err)
	}
	return formTest{&visitor{shop: shop}, t, vendor, url.Values{
		"name": {p.Name}, "phone": {p.PhoneNumber}, "carrier": {"SKT"},
		"birth": {p.IdentityNumber[:6]}, "gender_digit": {p.IdentityNumber[6:]},
	}}
}

// fill posts a form of the page for an attempt, with pairs of a field and its
// value changed.
func (f formTest) fill(path, id string, changes ...string) int {
	form := url.Values{"merchant_uid": {id}}
	for name, value := range f.typed {
		if path == "/form/send" {
			form[name] = value
		}
	}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return f.post(path, form)
}

// wants checks what some requests in a row are answered with.
func (f formTest) wants(what string, want int, times int, ask func() int) {
	f.t.Helper()
	for n := range times {
		if got := ask(); got != want {
			f.t.Errorf("%s, the %d. time: HTTP %d, want %d: %s", what, n+1, got, want, f.body)
		}
	}
}

// messages counts what was sent to the person's phone.
func (f formTest) messages() int {
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/sandbox/messages?phone="+f.typed.Get("phone"), nil)
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	f.vendor.ServeHTTP(w, r)
	var sent struct{ Messages []any }
	if err := json.Unmarshal(w.Body.Bytes(), &sent); err != nil {
		f.t.Fatal(err)
	}
	return len(sent.Messages)
}

// TestFormIsBoundToAnAttempt: nobody is written to for a browser that has none.
func TestFormIsBoundToAnAttempt(t *testing.T) {
	t.Parallel()
	f := newFormTest(t)
	id := f.begin()
	thief := f
	thief.visitor = &visitor{shop: f.shop}
	for _, begun := range []bool{false, true} {
		if begun {
			thief.begin()
		}
		for n := range 3 {
			thief.wants("a send without the attempt", http.StatusConflict, 1, func() int { return thief.fill("/form/send", fmt.Sprintf("%032x", n)) })
		}
		for _, path := range []string{"/form/send", "/form/confirm"} {
			thief.wants("somebody else's attempt, "+path, http.StatusConflict, 1, func() int { return thief.fill(path, id, "otp", "123456") })
		}
	}
	if n := f.messages(); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
	f.wants("the send of whose attempt it is", http.StatusNoContent, 1, func() int { return f.fill("/form/send", id) })
	code := f.vendor.SentCode(f.typed.Get("phone"))
	thief.wants("a confirm with the right digits, elsewhere", http.StatusConflict, 1, func() int { return thief.fill("/form/confirm", id, "otp", code) })
	f.wants("confirm, and again where the answer was lost", http.StatusOK, 2, func() int { return f.fill("/form/confirm", id, "otp", code) })
	uid := f.impUID()
	callback := func(v *visitor) func() int {
		return func() int { return v.post("/certifications/confirm", url.Values{"imp_uid": {uid}}) }
	}
	thief.wants("the callback, elsewhere", http.StatusForbidden, 1, callback(thief.visitor))
	f.wants("the callback", http.StatusOK, 2, callback(f.visitor))
}

// A renamed provider is another, to which a site moves.
type renamed struct{ certify.Provider }

func (renamed) Name() string { return "other" }

// TestFormIsForItsOwnProvider: an attempt that was begun with another provider
// cannot be verified with this one, and costs no message.
func TestFormIsForItsOwnProvider(t *testing.T) {
	t.Parallel()
	shop, vendor, err := newShopWith(func(p certify.Provider) certify.Provider { return renamed{p} })
	if err != nil {
		t.Fatal(err)
	}
	f := formTestAt(t, shop, vendor)
	id := f.begin()
	if id == "" {
		t.Fatalf("no attempt was begun: %s", f.body)
	}
	for _, path := range []string{"/form/send", "/form/confirm"} {
		f.wants(path+" for another provider's attempt", http.StatusConflict, 2, func() int { return f.fill(path, id, "otp", "123456") })
	}
	if n := f.messages(); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

// TestMessagesToAPhoneAreFew, whoever asks, for however many attempts, and
// whatever else they type.
func TestMessagesToAPhoneAreFew(t *testing.T) {
	t.Parallel()
	f := newFormTest(t)
	id := f.begin()
	f.wants("send", http.StatusNoContent, 2, func() int { return f.fill("/form/send", id) })
	f.wants("another phone under the attempt", http.StatusConflict, 1, func() int { return f.fill("/form/send", id, "phone", "01000000002") })
	f.wants("more than an attempt may", http.StatusTooManyRequests, 1, func() int { return f.fill("/form/send", id) })
	f.wants("a third message, for another attempt", http.StatusNoContent, 1, func() int { return f.fill("/form/send", f.begin()) })
	for range 3 {
		other := f
		other.visitor = &visitor{shop: f.shop}
		id := other.begin()
		other.wants("a fourth", http.StatusTooManyRequests, 2, func() int { return other.fill("/form/send", id) })
	}
	if n := f.messages(); n != messagesPerPhone {
		t.Errorf("%d messages reached the phone, want %d", n, messagesPerPhone)
	}
	f.wants("another phone", http.StatusNoContent, 1, func() int { return f.fill("/form/send", f.begin(), "phone", "01000000099") })
}

func TestDigitsAreTriedAFewTimes(t *testing.T) {
	t.Parallel()
	f := newFormTest(t)
	id := f.begin()
	f.wants("send", http.StatusNoContent, 1, func() int { return f.fill("/form/send", id) })
	code := f.vendor.SentCode(f.typed.Get("phone"))
	f.wants("wrong digits", http.StatusUnprocessableEntity, triesPerAttempt, func() int { return f.fill("/form/confirm", id, "otp", "00000000") })
	f.wants("the right ones, too late", http.StatusTooManyRequests, 2, func() int { return f.fill("/form/confirm", id, "otp", code) })
}

// TestMismatchesAreAlike: neither status nor text tells what the vendor knows.
func TestMismatchesAreAlike(t *testing.T) {
	t.Parallel()
	f := newFormTest(t)
	sent, answers := map[string]bool{}, map[string]bool{}
	for _, change := range [][]string{nil, {"name", "아무개"}, {"birth", "900101"}, {"phone", "01000000099"}} {
		id := f.begin()
		sent[fmt.Sprint(f.fill("/form/send", id, change...), f.body)] = true
		answers[fmt.Sprint(f.fill("/form/confirm", id, "otp", "00000000"), f.body)] = true
	}
	answers[fmt.Sprint(f.fill("/form/confirm", f.begin(), "otp", "123456"), f.body)] = true
	if len(sent) != 1 || len(answers) != 1 {
		t.Errorf("sends are answered with %v, and mismatches with %v", sent, answers)
	}
}
