package jose

import (
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// VerifyWithGoJose verifies a claim with github.com/go-jose/go-jose.
func VerifyWithGoJose(token string, keys jose.JSONWebKeySet, want Expected) (*Claim, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.HS256})
	if err != nil {
		return nil, err
	}
	header := parsed.Headers[0]
	if header.ExtraHeaders[jose.HeaderType] != Type {
		return nil, errors.New("not a claim: its typ is another")
	}
	found := keys.Key(header.KeyID)
	if len(found) != 1 || found[0].Algorithm != header.Algorithm { // the key decides the algorithm
		return nil, errors.New("no key for its kid and alg")
	}
	var std jwt.Claims
	var own struct {
		AuthTime  jwt.NumericDate `json:"auth_time"`
		Age       int             `json:"age"`
		BirthYear int             `json:"birth_year"`
	}
	if err := parsed.Claims(found[0].Key, &std, &own); err != nil {
		return nil, err
	}
	if std.Expiry == nil || std.ID == "" { // go-jose takes what is missing for good
		return nil, errors.New("its exp or jti is missing")
	}
	expected := jwt.Expected{Issuer: want.Issuer, AnyAudience: jwt.Audience{want.Audience}, Time: want.Now}
	if err := std.ValidateWithLeeway(expected, time.Minute); err != nil {
		return nil, err
	}
	if !want.Now.Before(std.Expiry.Time()) { // the leeway is for iat alone
		return nil, jwt.ErrExpired
	}
	return &Claim{std.ID, std.Subject, own.AuthTime.Time(), own.Age, own.BirthYear}, nil
}
