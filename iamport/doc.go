// Package iamport verifies people with i'mport (PortOne V1) mobile identity
// verification (본인인증): it opens the window with the vendor's browser SDK and
// fetches the result from the vendor's REST API.
//
// # Use
//
// Most programs construct a [Provider] and hand it to [certify.HandlerConfig]:
//
//	provider, err := iamport.New(iamport.Config{
//		Code:        os.Getenv("IMP_CODE"),   // imp00000000
//		Key:         os.Getenv("IMP_KEY"),
//		Secret:      os.Getenv("IMP_SECRET"),
//		PGProviders: []string{"danal"},
//	})
//
// Code, key and secret are in PortOne's console under 결제 연동 > 식별코드・API
// Keys > V1 API. PGProviders names the PGs (결제대행사) whose word counts. The
// page in the browser chooses the channel, and a record does not say whether
// that channel was a test one, so delete every test channel of a live merchant.
//
// # What the record says, and what it does not
//
// A record exists before the person has verified anything; only its certified
// flag counts. What the PG leaves out stays empty in the identity: the DI with
// inicis_unified, phone and carrier with danal unless contracted. Nationality
// is read from foreigner_v2 alone, because foreigner is false for everybody
// whose merchant did not buy the option; with some of the certificate services
// behind inicis_unified people type it themselves, and the identity says so.
// Their gender they type, too.
//
// # A form of your own
//
// Merchants whom the carriers have approved may ask for the particulars in
// their own page, and have danal or kcp_v2 send the digits:
// [Provider.RequestOTP] and [Provider.ConfirmOTP]. None of them proves anything
// about a browser. The way to a claim is the same as with the window, and its
// ends are the Handler's:
//
//  1. The page posts to /certifications/attempts, and gets merchant_uid and the
//     attempt's cookie.
//  2. It posts merchant_uid and the particulars to the app, which asks
//     [certify.Handler.Attempt] whether the attempt is this browser's, calls
//     RequestOTP, and keeps the imp_uid under the attempt.
//  3. It posts merchant_uid and the digits to the app, which asks the same,
//     calls ConfirmOTP with the imp_uid that it kept, and returns that.
//  4. It posts {"imp_uid": …} to /certifications/confirm. Only a browser that
//     holds the attempt's cookie gets the claim.
//
// The app owes its visitors what the example at [Provider.RequestOTP] has:
// nothing is sent and nothing stored without an attempt of the browser's; an
// attempt is for one phone; so many messages to a phone, counted under a keyed
// hash of the number; so many digits for an attempt; and one answer whether a
// carrier knows the person or not, and for every mismatch. Package portone says
// why, and docs/own-form.md has the page's side.
//
// # Compatibility
//
// The vendor adds fields and values without notice (its stable-API policy), so
// unknown ones are ignored. Whatever contradicts the documented contract is
// [certify.CodeProviderInvalid].
//
// Vendor documentation: https://developers.portone.io/opi/ko/extra/identity-verification/v1/all/readme
package iamport
