// Package certifytest is for the tests of apps that use certify, and of what
// they plug into it.
//
// # An app's own tests
//
// A request of somebody who is verified takes a line, and no browser, provider
// or waiting:
//
//	r := httptest.NewRequest("GET", "/pay", nil)
//	late := certifytest.Foreigner()
//	late.VerifiedAgo = 11 * time.Minute
//	r.AddCookie(certifytest.Cookie(t, sessions, late))
//
// The sessions are the app's own, or made by [NewSessions]. [Gated] tells
// whether a route was forgotten. [Clock] lets hours pass at once, as
// [certify.SessionConfig.Now]. [NewSandbox] starts the provider's service, for
// a test that goes the whole way. docs/testing.md has more.
//
// # What apps plug in
//
// [StoreSuite] tells whether a [certify.Store] does what certify counts on:
//
//	func TestStore(t *testing.T) {
//		certifytest.StoreSuite(t, func(t testing.TB) certifytest.StoreSubject {
//			clock := newClock()
//			return certifytest.StoreSubject{Store: mystore.New(clock.Now), Advance: clock.Advance}
//		})
//	}
//
// Its [ProviderSuite] tells the same of a [certify.Provider], over a wire on
// which the service's answers get lost, late, long, and into wrong hands.
package certifytest
