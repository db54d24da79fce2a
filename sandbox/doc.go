// Package sandbox is i'mport (PortOne V1) identity verification on your own
// machine: the REST API, the browser script and its window, with test people
// instead of real ones.
//
//	s, err := sandbox.New(sandbox.Config{})
//	if err != nil { … }
//	http.ListenAndServe("127.0.0.1:8787", s)
//
// Point the application's i'mport base URL at http://127.0.0.1:8787, its
// script at http://127.0.0.1:8787/v1/iamport.js, and give it [DefaultCode],
// [DefaultKey] and [DefaultSecret].
//
// An application may also mount its /sandbox/ paths on its own origin, with
// mux.Handle("/sandbox/", s); the script is then /sandbox/v1/iamport.js.
//
// Tests need no browser: [Server.Verify] completes a verification from Go, and
// POST /sandbox/verifications does the same from any language. Each [Person]
// exists for one reason, such as turning 19 tomorrow or having no DI.
//
// The window is made to be driven by browser tests: it has radio buttons named
// carrier and person (values as in GET /sandbox/people), a field named code,
// an element with the id sent-code that shows the code it "sent", and the forms
// step and close, submitted by button[form=step] and button[form=close].
//
// What it answers follows the vendor's published schema and publicly recorded
// responses: the {code, message, response} envelope, the escaped JSON text,
// and which fields are null, absent or "" with which payment gateway (PG).
//
// # What it is not
//
// It is no check of anybody. It therefore answers loopback only: a request
// from another address, or for another host name than localhost, 127.0.0.0/8
// or [::1], gets 403. (Browsers, for their part, let only pages that come from
// this machine load a script from it.) It keeps everything in memory: the
// newest 10,000 records and the newest 1,000 windows; older ones are dropped,
// and a restart forgets all. The people in it are invented, with telephone
// numbers that are never assigned.
package sandbox
