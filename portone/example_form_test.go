package portone_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/portone"
)

const (
	sendsPerPhone   = 3 // in an hour, whoever asks
	sendsPerAttempt = 3
	triesPerAttempt = 5 // a million combinations: one in 200,000
)

// A form is the server's side of a page that asks for the particulars itself.
type form struct {
	provider *portone.Provider
	store    certify.Store                  // that all instances share
	key      []byte                         // 32 random bytes, for this alone
	client   func(*http.Request) netip.Addr // from the connection, or from your own proxy's header
}

// send has digits sent. The page was given the id by /certifications/attempts.
func (f *form) send(w http.ResponseWriter, r *http.Request) {
	id, phone := r.PostFormValue("identityVerificationId"), r.PostFormValue("phone")
	if !f.take(w, r, "send "+id, sendsPerAttempt) || !f.take(w, r, "phone "+phone, sendsPerPhone) {
		return
	}
	err := f.provider.Send(r.Context(), id, portone.SendRequest{
		Name: r.PostFormValue("name"), PhoneNumber: phone, IdentityNumber: r.PostFormValue("identity_number"),
		Operator: r.PostFormValue("operator"), Method: portone.MethodSMS, IPAddress: f.client(r),
	})
	if errors.Is(err, portone.ErrAlreadySent) { // to the number of the first time
		err = f.provider.Resend(r.Context(), id)
	}
	tell(w, err)
}

// confirm takes the digits. After its 204 the page posts the id to
// /certifications/confirm, and there the claim is issued, or not.
func (f *form) confirm(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("identityVerificationId")
	if !f.take(w, r, "confirm "+id, triesPerAttempt) {
		return
	}
	tell(w, f.provider.Confirm(r.Context(), id, r.PostFormValue("otp")))
}

// tell says the same of every mismatch: that no carrier knows the person,
// that the digits are wrong, that nothing was sent.
func tell(w http.ResponseWriter, err error) {
	switch {
	case err == nil, errors.Is(err, portone.ErrAlreadyVerified):
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, certify.CodeVerificationRefused), errors.Is(err, certify.CodeVerificationPending):
		http.Error(w, "What you typed does not match.", http.StatusUnprocessableEntity)
	default: // log err: it holds nothing of the person
		http.Error(w, "Please try again later.", http.StatusServiceUnavailable)
	}
}

// take uses one of the places that name has in an hour, or answers that none
// is left. Phone numbers are few enough to try them all, so that only a keyed
// hash hides one.
func (f *form) take(w http.ResponseWriter, r *http.Request, name string, places int) bool {
	h := hmac.New(sha256.New, f.key)
	io.WriteString(h, name)
	left, err := takeOne(r.Context(), f.store, "form:"+hex.EncodeToString(h.Sum(nil)), places)
	switch {
	case err != nil:
		http.Error(w, "Please try again later.", http.StatusServiceUnavailable)
	case !left:
		http.Error(w, "Too many tries.", http.StatusTooManyRequests)
	}
	return err == nil && left
}

// takeOne is exact however many ask at once, because PutIfAbsent is atomic.
func takeOne(ctx context.Context, store certify.Store, key string, places int) (bool, error) {
	mine := rand.Text()
	for n := range places {
		stands, err := store.PutIfAbsent(ctx, fmt.Sprintf("%s:%d", key, n), mine, time.Hour)
		if err != nil || stands == mine {
			return err == nil, err
		}
	}
	return false, nil
}

// A form of the app's own, with the limits that it needs.
func ExampleProvider_Send() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // the vendor
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/confirm") { // the digits are wrong
			w.WriteHeader(http.StatusBadGateway)
			io.WriteString(w, `{"type":"PG_PROVIDER","pgCode":"1","pgMessage":""}`)
			return
		}
		io.WriteString(w, `{}`)
	}))
	defer api.Close()
	provider, err := portone.New(portone.Config{
		StoreID: "store-1", Secret: "s3cret", ChannelKeys: []string{"channel-key-1"}, InsecureBaseURL: api.URL,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	f := &form{provider, certify.NewMemoryStore(0, nil), []byte(rand.Text()), func(r *http.Request) netip.Addr {
		at, _ := netip.ParseAddrPort(r.RemoteAddr)
		return at.Addr()
	}}
	typed := url.Values{
		"identityVerificationId": {"0123456789abcdef0123456789abcdef"}, "name": {"홍길동"}, "phone": {"01000000000"},
		"identity_number": {"9001011"}, "operator": {"SKT"}, "otp": {"123456"},
	}
	for _, step := range []http.HandlerFunc{f.send, f.send, f.send, f.send, f.confirm, f.confirm, f.confirm, f.confirm, f.confirm, f.confirm} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(typed.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		step(w, r)
		fmt.Print(w.Code, " ")
	}
	// Output: 204 204 204 429 422 422 422 422 422 429
}
