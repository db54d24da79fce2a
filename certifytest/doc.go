// Package certifytest tests what apps plug into certify. Its [StoreSuite]
// tells whether a [certify.Store] does what certify counts on:
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
