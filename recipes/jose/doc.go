// Package jose has recipes for services that verify certify's claims with the
// JOSE library that they have already, and the tests that hold certify
// against these libraries: they verify what certify signs, and certify
// verifies what they sign.
//
// A claim is a JWT (RFC 7519) with the type "certify+jwt". Such a service
// needs the issuer's public keys, from its "/certifications/jwks.json", and
// sees no revocations: for these, and for policies, use certify itself with
// public keys and a shared Store.
package jose

import "time"

// Type is the header typ of a claim (RFC 8725, section 3.11).
const Type = "certify+jwt"

// A Claim is what a service without certify wants to know.
type Claim struct {
	ID        string // jti
	Subject   string // the app's account, "" without one
	AuthTime  time.Time
	Age       int // full age (만 나이) on the Korean date of iat
	BirthYear int
}

// Expected is whose claims a service takes.
type Expected struct {
	Issuer, Audience string
	Now              time.Time
}
