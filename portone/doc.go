// Package portone verifies people with PortOne V2 mobile identity verification
// (본인인증): it opens the window with the vendor's browser SDK and fetches the
// result from the vendor's REST API. Package iamport is its sister for V1.
//
// # Use
//
// Most programs construct a [Provider] and hand it to [certify.HandlerConfig]:
//
//	provider, err := portone.New(portone.Config{
//		StoreID:     os.Getenv("PORTONE_STORE_ID"), // store-…
//		Secret:      os.Getenv("PORTONE_API_SECRET"),
//		ChannelKeys: []string{os.Getenv("PORTONE_CHANNEL_KEY")}, // channel-key-…
//	})
//
// All three are in PortOne's console under 결제 연동 > 연동 정보. The secret has an
// expiry date, chosen when it is made: [certify.CodeProviderMisconfigured] is
// then the error of every lookup.
//
// # What the record says, and what it does not
//
// The merchant chooses a verification's id, and here it is the attempt's, so a
// record names its attempt by its id. It exists before the person has verified
// anything: only the status VERIFIED counts, and READY and FAILED are both "not
// yet", because a person may try again under the same id.
//
// What the page tells the SDK, the visitor can change: the channel, the
// window, MinAge. So a record counts only if its channel is LIVE and its key is
// one of Config.ChannelKeys. Behind a test channel of KCP any six digits verify
// anybody as anybody.
//
// What the PG leaves out stays empty in the identity: the DI with KG Inicis
// (INICIS_UNIFIED), phone and operator with Danal unless contracted. With some
// of the certificate services behind KG Inicis people type their nationality
// and gender themselves; of the nationality the identity says so. The carrier
// LG U+ is "LGU" here and "LGT" in V1; [certify.Identity.Channel] is written as
// in V1: "danal".
//
// The DI of a person is the same string as through V1 under one PG merchant
// id. KCP makes it of a site id that the page may send (bypass.kcpV2.web_siteid),
// and so may a visitor who changes the page: whether KCP refuses a site id that
// is not the merchant's is not documented. So with KCP a DI tells that two
// verifications are of one person, and not that they are of two. Where one
// account for each person matters, keep accounts by a keyed hash of the CI.
//
// # A form of your own
//
// Merchants whom the carriers have approved may ask for the particulars in
// their own page, and have the PG send the digits: [Provider.Send],
// [Provider.Resend] and [Provider.Confirm]. None of them proves anything about
// a browser. The way to a claim is the same as with the window, and its ends
// are the Handler's:
//
//  1. The page posts to /certifications/attempts, and gets
//     identityVerificationId and the attempt's cookie.
//  2. It posts that id and the particulars to the app, which asks
//     [certify.Handler.Attempt] whether the attempt is this browser's, and calls
//     Send.
//  3. It posts the id and the digits to the app, which asks the same, and calls
//     Confirm.
//  4. It posts {"identityVerificationId": id} to /certifications/confirm. Only
//     a browser that holds the attempt's cookie gets the claim, and only for a
//     verification within the attempt's time. Whoever confirms under another's
//     id verifies for nobody.
//
// The app owes its visitors what the example at [Provider.Send] has: nothing
// is sent and nothing stored without an attempt of the browser's, whose number
// HandlerConfig.AllowStart limits; an attempt is for one phone; so many messages
// to a phone, counted under a keyed hash of the number, because anyone can type
// anyone's number and each message costs; so many digits for an attempt, because
// six digits can be guessed; and one answer whether a carrier knows the person
// or not, and for every mismatch, because the rest would tell a stranger what
// the PG knows of somebody. docs/own-form.md has the page's side.
//
// # Compatibility
//
// The vendor adds fields, values and error types without notice (its
// stable-API policy), so unknown ones are ignored, and an unknown status does
// not count. Whatever contradicts the documented contract is
// [certify.CodeProviderInvalid].
//
// Vendor documentation: https://developers.portone.io/opi/ko/extra/identity-verification/readme-v2
package portone
