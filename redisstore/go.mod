module github.com/certify-go/certify/redisstore

go 1.26.0

require (
	github.com/certify-go/certify v0.0.0
	github.com/redis/rueidis v1.0.79
)

require (
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/patrickmn/go-cache v2.1.0+incompatible // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/certify-go/certify => ../
