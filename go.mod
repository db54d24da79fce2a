module github.com/certify-go/certify

go 1.26.0

require (
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/patrickmn/go-cache v2.1.0+incompatible
	golang.org/x/text v0.43.0
)
