// Package sandbox is i'mport (PortOne V1) and PortOne V2 identity verification
// on your own machine: the REST APIs, the browser scripts and their window, with
// test people instead of real ones.
//
//	s, err := sandbox.New(sandbox.Config{})
//	if err != nil { … }
//	http.ListenAndServe("127.0.0.1:8787", s)
//
// Point the application's i'mport base URL at http://127.0.0.1:8787, its
// script at http://127.0.0.1:8787/v1/iamport.js, and give it [DefaultCode],
// [DefaultKey] and [DefaultSecret]. For V2 the base URL is the same, the script
// http://127.0.0.1:8787/v2/browser-sdk.js, and the rest [DefaultStoreID],
// [DefaultAPISecret] and one of the channel keys, such as [ChannelKeyDanal].
//
// An application may also mount its /sandbox/ paths on its own origin, with
// mux.Handle("/sandbox/", s); the scripts are then
// /sandbox/v1/iamport.js and /sandbox/v2/browser-sdk.js.
//
// Tests need no browser: [Server.Verify] and, for V2, [Server.VerifyIdentity]
// complete a verification from Go, and POST /sandbox/verifications and
// /sandbox/identity-verifications do the same from any language. Each [Person]
// exists for one reason, such as turning 19 tomorrow or having no DI. They have
// the same CI and DI through both.
//
// A form of the application's own is served too: otp/request and otp/confirm of
// V1, send, resend and confirm of V2, for particulars as in
// GET /sandbox/people. [Server.SentCode] and GET /sandbox/messages tell the
// digits.
//
// The window is made to be driven by browser tests: it has radio buttons named
// carrier and person (values as in GET /sandbox/people), a field named code,
// an element with the id sent-code that shows the code it "sent", and the forms
// step and close, submitted by button[form=step] and button[form=close].
//
// What it answers follows the vendor's published schema and publicly recorded
// responses: the {code, message, response} envelope, the escaped JSON text,
// and which fields are null, absent or "" with which payment gateway (PG); of V2
// the three shapes by status, and the errors with their types. V2's Bearer
// tokens are not served, and records of V1 are not listed in V2.
//
// # What it is not
//
// It is no check of anybody. It therefore answers loopback only: a request
// from another address, or for another host name than localhost, 127.0.0.0/8
// or [::1], gets 403. So does one through a proxy or a tunnel that shows: by a
// header such as X-Forwarded-For or Via, by HTTP/1.0, or by the host that a
// browser names. One that says nothing of itself cannot be told from a program
// on this machine: put none before the sandbox. (Browsers, for their part, let
// only pages that come from this machine load a script from it.)
//
// It keeps everything in memory: the newest 10,000 records of each API and the
// newest 1,000 windows; older ones are dropped, and a restart forgets all. The
// people in it are invented, with telephone numbers that are never assigned.
package sandbox
