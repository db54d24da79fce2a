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
	"net/netip"
	"net/url"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/portone"
	"github.com/certify-go/certify/sandbox"
)

const (
	messagesPerPhone = 3 // in an hour, whoever asks
	sendsPerAttempt  = 3
	triesPerAttempt  = 5 // a million combinations: one in 200,000
)

// A form is the server's side of a page that asks for the particulars itself.
type form struct {
	handler  *certify.Handler
	provider *portone.Provider
	store    certify.Store                  // that all instances share
	key      []byte                         // 32 random bytes, for this alone
	client   func(*http.Request) netip.Addr // from the connection, or from your own proxy's header
}

var errTooMany, errOtherPhone = errors.New("too many tries"), errors.New("another phone")

// send has digits sent to the phone that the visitor typed.
func (f *form) send(w http.ResponseWriter, r *http.Request) {
	id, phone := r.PostFormValue("identityVerificationId"), r.PostFormValue("phone")
	err := f.mayAsk(r, id, "send", sendsPerAttempt)
	if err == nil {
		err = f.takeMessage(r.Context(), id, f.hash("phone "+phone))
	}
	if err == nil {
		err = f.provider.Send(r.Context(), id, portone.SendRequest{
			Name: r.PostFormValue("name"), PhoneNumber: phone, IdentityNumber: r.PostFormValue("identity_number"),
			Operator: r.PostFormValue("operator"), Method: portone.MethodSMS, IPAddress: f.client(r),
		})
	}
	if errors.Is(err, portone.ErrPGProvider) || errors.Is(err, portone.ErrAlreadySent) {
		err = nil // whether a carrier knows such a person is nobody's business
	}
	tell(w, err)
}

// again has them sent once more, to the same phone.
func (f *form) again(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("identityVerificationId")
	err := f.mayAsk(r, id, "send", sendsPerAttempt)
	if err == nil {
		err = f.takeMessageAgain(r.Context(), id)
	}
	if err == nil {
		err = f.provider.Resend(r.Context(), id)
	}
	if errors.Is(err, portone.ErrPGProvider) || errors.Is(err, portone.ErrNotSent) || errors.Is(err, portone.ErrNotFound) {
		err = nil // as send said
	}
	tell(w, err)
}

// confirm takes the digits. After its 204 the page posts the id to
// /certifications/confirm, and there the claim is issued, or not.
func (f *form) confirm(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("identityVerificationId")
	err := f.mayAsk(r, id, "confirm", triesPerAttempt)
	if err == nil {
		err = f.provider.Confirm(r.Context(), id, r.PostFormValue("otp"))
	}
	if errors.Is(err, portone.ErrAlreadyVerified) { // an answer that was lost
		err = nil
	}
	tell(w, err)
}

// mayAsk takes one of an attempt's places. Without an attempt of this
// browser's nothing is stored, and nobody is written to.
func (f *form) mayAsk(r *http.Request, id, what string, places int) error {
	a, err := f.handler.Attempt(r, id)
	switch {
	case err != nil:
		return err
	case a.Provider != f.provider.Name(): // while a site moves from one to the other
		return certify.CodeAttemptMissing
	}
	return f.take(r.Context(), f.hash(what+" "+id), places)
}

// takeMessage takes one of a phone's places, and keeps the attempt to the
// phone that it began with.
func (f *form) takeMessage(ctx context.Context, id, phone string) error {
	stands, err := f.store.PutIfAbsent(ctx, "form:"+f.hash("phone of "+id), phone, time.Hour)
	switch {
	case err != nil:
		return err
	case stands != phone:
		return errOtherPhone
	}
	return f.take(ctx, phone, messagesPerPhone)
}

func (f *form) takeMessageAgain(ctx context.Context, id string) error {
	phone, sent, err := f.store.Get(ctx, "form:"+f.hash("phone of "+id))
	switch {
	case err != nil:
		return err
	case !sent:
		return errOtherPhone
	}
	return f.takeMessage(ctx, id, phone)
}

// hash hides a name. Phone numbers are few enough to try them all, so that
// only a keyed hash does.
func (f *form) hash(name string) string {
	h := hmac.New(sha256.New, f.key)
	io.WriteString(h, name)
	return hex.EncodeToString(h.Sum(nil))
}

// take uses one of the places of an hour. It is exact however many ask at
// once, because PutIfAbsent is atomic.
func (f *form) take(ctx context.Context, of string, places int) error {
	mine := rand.Text()
	for n := range places {
		stands, err := f.store.PutIfAbsent(ctx, fmt.Sprintf("form:%s:%d", of, n), mine, time.Hour)
		if err != nil || stands == mine {
			return err
		}
	}
	return errTooMany
}

// tell says the same of every mismatch: that the digits are wrong, that no
// carrier knows the person, that nothing was sent.
func tell(w http.ResponseWriter, err error) {
	status, text := http.StatusServiceUnavailable, "Please try again later." // and log err: it holds nothing of the person
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	case errors.Is(err, errTooMany):
		status, text = http.StatusTooManyRequests, "Too many tries."
	case errors.Is(err, errOtherPhone), errors.Is(err, portone.ErrMaxTransactionCountReached), errors.Is(err, certify.CodeAttemptMissing),
		errors.Is(err, certify.CodeAttemptExpired), errors.Is(err, certify.CodeAttemptUsed), errors.Is(err, certify.CodeAttemptOtherAccount):
		status, text = http.StatusConflict, "Please begin again."
	case errors.Is(err, certify.CodeVerificationRefused), errors.Is(err, certify.CodeVerificationPending):
		status, text = http.StatusUnprocessableEntity, "What you typed does not match."
	}
	http.Error(w, text, status)
}

// A form of the app's own, with the limits that it needs.
func ExampleProvider_Send() {
	shop, vendor, err := newShop()
	if err != nil {
		fmt.Println(err)
		return
	}
	page := &visitor{shop: shop} // what the page's script does
	typed, err := vendor.ParticularsOf(sandbox.Adult)
	if err != nil {
		fmt.Println(err)
		return
	}
	id := page.begin()
	particulars := url.Values{
		"identityVerificationId": {id}, "name": {typed.Name}, "phone": {typed.PhoneNumber},
		"identity_number": {typed.IdentityNumber}, "operator": {"SKT"},
	}
	fmt.Println("send:", page.post("/form/send", particulars))
	fmt.Println("wrong digits:", page.post("/form/confirm", url.Values{"identityVerificationId": {id}, "otp": {"00000000"}}))
	fmt.Println("right digits:", page.post("/form/confirm", url.Values{"identityVerificationId": {id}, "otp": {vendor.SentCode(typed.PhoneNumber)}}))
	fmt.Println("the callback:", page.post("/certifications/confirm", url.Values{"identityVerificationId": {id}}))
	stranger := &visitor{shop: shop}
	fmt.Println("without the attempt's cookie:", stranger.post("/form/send", particulars))
	// Output:
	// send: 204
	// wrong digits: 422
	// right digits: 204
	// the callback: 200
	// without the attempt's cookie: 409
}
