// Package certify gates the routes of a Go web app by mobile identity
// verification (휴대폰 본인인증), as Korean law asks of shops, media and games.
//
// A visitor proves who they are in the window of i'mport or PortOne. A
// [Handler] completes the callback: it fetches the result from the provider's
// REST API, makes sure that it belongs to this browser, and issues a signed
// claim. [Require] gates handlers by checking that claim against a [Policy].
//
// # Wiring
//
// Three values are made once, and say what is wrong when they are:
//
//	sessions, err := certify.NewSessions(certify.SessionConfig{Origin: "https://shop.example", Keys: keys})
//	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: provider, Pepper: pepper})
//	mux.Handle("/certifications", handler)
//	mux.Handle("/certifications/", handler)
//	mux.Handle("/wine/", certify.Require(certify.YouthProtection())(wine))
//	http.ListenAndServe(addr, sessions.Load(mux))
//
// [Sessions.Load] goes around everything. It verifies nothing by itself: the
// first gate that a request meets, or the first [FromContext], does. A gate
// outside Load answers 500.
//
// What is no Go program is gated by the server in front of it, which asks
// whether [HandlerConfig.Checks] let the request through: docs/forward-auth.md.
//
// # Two ages
//
// Korean law counts ages in two ways. Full age (만 나이) is the number of
// birthdays: [MinAge], [CivilAdult], [NotChild14]. Calendar-year age (연 나이)
// is the year less the year of birth, and is the rule for alcohol, tobacco and
// youth-harmful media: [YouthProtection], [CalendarYearAge]. Somebody born in
// December 2007 is 18 by the first and 19 by the second from New Year 2026
// until that December.
//
// The claim carries the full age on the day of issue and the year of birth,
// and no birthday. From these [Claim.AgeRange] tells the full age at any later
// time to within one year, and policies say [CodeAgeUncertain] rather than
// guess.
//
// # Answers
//
// A browser that navigates without a claim is sent to the start page; a script
// gets 401 with a problem document (RFC 9457). A policy's refusal is 403, and
// never starts another verification by itself, which would cost a fee and may
// change nothing. A verification that is too old is 401 (RFC 9470). If the provider
// or the [Store] does not answer, nobody enters and the answer is 503. Each
// refusal has a [Code].
//
// # Front end
//
// The start page needs nothing of the app. Its script serves the app's own
// buttons, too, as certify.js under the Handler's path: an element with the
// attribute data-certify opens the provider's window, and shows how it goes.
//
// # Accounts
//
// A verification proves whose phone it is. Who sits at the browser later is
// another matter: [SessionConfig.Account] ties each claim to the account that
// was signed in, and [HandlerConfig.Accept] lets an app find or make that
// account by the person's keyed CI or DI hash.
//
// # Personal data
//
// An [Identity] exists while a callback is handled. It prints, logs and
// marshals as "[redacted]". Nothing of it is stored; the claim holds age, year
// of birth, nationality if known, and keyed hashes.
//
// # Stability
//
// Claims stay readable: later versions verify the claims of earlier ones for
// as long as these live, and earlier versions ignore members they do not know.
// Codes, paths and the members of problem documents are stable.
package certify
