package jose

import (
	"errors"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// VerifyWithJWX verifies a claim with github.com/lestrrat-go/jwx.
func VerifyWithJWX(token string, keys jwk.Set, want Expected) (*Claim, error) {
	message, err := jws.Parse([]byte(token), jws.WithCompact())
	if err != nil {
		return nil, err
	}
	if typ, _ := message.Signatures()[0].ProtectedHeaders().Type(); typ != Type {
		return nil, errors.New("not a claim: its typ is another")
	}
	parsed, err := jwt.Parse([]byte(token), jwt.WithKeySet(keys), jwt.WithIssuer(want.Issuer), jwt.WithAudience(want.Audience),
		jwt.WithRequiredClaim("exp"), jwt.WithRequiredClaim("jti"), jwt.WithClock(jwt.ClockFunc(func() time.Time { return want.Now })))
	if err != nil {
		return nil, err
	}
	c := &Claim{}
	var authTime, age, year float64
	if err := errors.Join(parsed.Get("auth_time", &authTime), parsed.Get("age", &age), parsed.Get("birth_year", &year)); err != nil {
		return nil, err
	}
	c.ID, _ = parsed.JwtID()
	c.Subject, _ = parsed.Subject()
	c.AuthTime, c.Age, c.BirthYear = time.Unix(int64(authTime), 0), int(age), int(year)
	return c, nil
}
