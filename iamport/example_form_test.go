package iamport_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
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
	provider *iamport.Provider
	store    certify.Store // that all instances share
	key      []byte        // 32 random bytes, for this alone
}

var errTooMany, errOtherPhone = errors.New("too many tries"), errors.New("another phone")

// send has digits sent to the phone that the visitor typed.
func (f *form) send(w http.ResponseWriter, r *http.Request) {
	ctx, attempt, phone := r.Context(), r.PostFormValue("merchant_uid"), r.PostFormValue("phone")
	err := f.mayAsk(r, attempt, "send", sendsPerAttempt)
	if err == nil {
		err = f.takeMessage(ctx, attempt, f.hash("phone "+phone))
	}
	uid := ""
	if err == nil {
		uid, err = f.provider.RequestOTP(ctx, iamport.OTPRequest{
			MerchantUID: attempt, Name: r.PostFormValue("name"), Phone: phone, Birth: r.PostFormValue("birth"),
			GenderDigit: r.PostFormValue("gender_digit"), Carrier: r.PostFormValue("carrier"), MVNO: r.PostFormValue("mvno") != "",
		})
	}
	switch {
	case err == nil: // it stays here: digits are tried under an attempt, and never under the imp_uid of somebody else
		err = f.store.Put(ctx, "form:"+f.hash("imp_uid of "+attempt), uid, time.Hour)
	case errors.Is(err, iamport.ErrOTPRefused):
		err = nil // whether a carrier knows such a person is nobody's business
	}
	tell(w, err, "")
}

// confirm takes the digits, and answers with the imp_uid. The page posts it to
// /certifications/confirm, and there the claim is issued, or not.
func (f *form) confirm(w http.ResponseWriter, r *http.Request) {
	ctx, attempt := r.Context(), r.PostFormValue("merchant_uid")
	err := f.mayAsk(r, attempt, "confirm", triesPerAttempt)
	uid, sent := "", false
	if err == nil {
		uid, sent, err = f.store.Get(ctx, "form:"+f.hash("imp_uid of "+attempt))
	}
	if err == nil && !sent {
		err = certify.CodeVerificationRefused // as for every other mismatch
	}
	if err == nil {
		err = f.provider.ConfirmOTP(ctx, uid, r.PostFormValue("otp"))
	}
	if errors.Is(err, iamport.ErrOTPMalformed) { // or confirmed before, and the answer was lost
		_, err = f.provider.Lookup(ctx, uid)
	}
	tell(w, err, uid)
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
func tell(w http.ResponseWriter, err error, uid string) {
	status, text := http.StatusServiceUnavailable, "Please try again later." // and log err: it holds nothing of the person
	switch {
	case err == nil && uid == "":
		w.WriteHeader(http.StatusNoContent)
		return
	case err == nil:
		_ = json.NewEncoder(w).Encode(map[string]string{"imp_uid": uid})
		return
	case errors.Is(err, errTooMany):
		status, text = http.StatusTooManyRequests, "Too many tries."
	case errors.Is(err, errOtherPhone), errors.Is(err, certify.CodeAttemptMissing), errors.Is(err, certify.CodeAttemptExpired),
		errors.Is(err, certify.CodeAttemptUsed), errors.Is(err, certify.CodeAttemptOtherAccount):
		status, text = http.StatusConflict, "Please begin again."
	case errors.Is(err, certify.CodeVerificationRefused), errors.Is(err, certify.CodeVerificationPending):
		status, text = http.StatusUnprocessableEntity, "What you typed does not match."
	}
	http.Error(w, text, status)
}

// A form of the app's own, with the limits that it needs.
func ExampleProvider_RequestOTP() {
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
	attempt := page.begin()
	particulars := url.Values{
		"merchant_uid": {attempt}, "name": {typed.Name}, "phone": {typed.PhoneNumber},
		"birth": {typed.IdentityNumber[:6]}, "gender_digit": {typed.IdentityNumber[6:]}, "carrier": {"SKT"},
	}
	fmt.Println("send:", page.post("/form/send", particulars))
	fmt.Println("wrong digits:", page.post("/form/confirm", url.Values{"merchant_uid": {attempt}, "otp": {"00000000"}}))
	fmt.Println("right digits:", page.post("/form/confirm", url.Values{"merchant_uid": {attempt}, "otp": {vendor.SentCode(typed.PhoneNumber)}}))
	fmt.Println("the callback:", page.post("/certifications/confirm", url.Values{"imp_uid": {page.impUID()}}))
	stranger := &visitor{shop: shop}
	fmt.Println("without the attempt's cookie:", stranger.post("/form/send", particulars))
	// Output:
	// send: 204
	// wrong digits: 422
	// right digits: 200
	// the callback: 200
	// without the attempt's cookie: 409
}
