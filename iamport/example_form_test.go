package iamport_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
)

// A form is the server's side of a page that asks for the particulars itself.
// Its limits are those of the example at portone's Provider.Send.
type form struct {
	provider *iamport.Provider
	store    certify.Store // that all instances share
	key      []byte        // 32 random bytes, for this alone
}

// place is where the imp_uid of an attempt stands. It stays here: digits can
// only be tried under the attempt that the page holds, never under the imp_uid
// of somebody else, which is short enough to guess.
func (f *form) place(attempt string) string {
	h := hmac.New(sha256.New, f.key)
	io.WriteString(h, "imp_uid "+attempt)
	return "form:" + hex.EncodeToString(h.Sum(nil))
}

// request has digits sent. r.MerchantUID is the merchant_uid that the page was
// given by /certifications/attempts.
func (f *form) request(ctx context.Context, r iamport.OTPRequest) error {
	uid, err := f.provider.RequestOTP(ctx, r)
	if err != nil {
		return err
	}
	return f.store.Put(ctx, f.place(r.MerchantUID), uid, 30*time.Minute)
}

// confirm takes the digits. It returns the imp_uid that the page then posts to
// /certifications/confirm, where the claim is issued, or not.
func (f *form) confirm(ctx context.Context, attempt, otp string) (string, error) {
	uid, found, err := f.store.Get(ctx, f.place(attempt))
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", certify.CodeVerificationRefused // as for every other mismatch
	}
	return uid, f.provider.ConfirmOTP(ctx, uid, otp)
}

// A form of the app's own.
func ExampleProvider_RequestOTP() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // the vendor
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/getToken"):
			io.WriteString(w, `{"code":0,"response":{"access_token":"a","now":1,"expired_at":1801}}`)
		case strings.HasSuffix(r.URL.Path, "/request"):
			io.WriteString(w, `{"code":0,"response":{"imp_uid":"imp_100000000001"}}`)
		default: // the digits are wrong
			io.WriteString(w, `{"code":1,"message":"","response":null}`)
		}
	}))
	defer api.Close()
	provider, err := iamport.New(iamport.Config{
		Code: "imp00000001", Key: "0000111122223333", Secret: "s3cret", PGProviders: []string{"danal"},
		ChannelKey: "channel-key-1", InsecureBaseURL: api.URL,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, ctx := &form{provider, certify.NewMemoryStore(0, nil), []byte("32 random bytes in real life")}, context.Background()
	const attempt = "0123456789abcdef0123456789abcdef"
	fmt.Println(f.request(ctx, iamport.OTPRequest{
		MerchantUID: attempt, Name: "홍길동", Phone: "01000000000", Birth: "900101", GenderDigit: "1", Carrier: "SKT",
	}))
	uid, err := f.confirm(ctx, attempt, "123456")
	fmt.Println(uid, errors.Is(err, iamport.ErrOTPRefused))
	_, err = f.confirm(ctx, "ffffffffffffffffffffffffffffffff", "123456")
	fmt.Println(errors.Is(err, certify.CodeVerificationRefused))
	// Output:
	// <nil>
	// imp_100000000001 true
	// true
}
