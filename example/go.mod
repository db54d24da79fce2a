module github.com/certify-go/certify/example

go 1.26.0

require (
	github.com/certify-go/certify v0.0.0
	github.com/certify-go/certify/redisstore v0.0.0
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.22.1
	github.com/redis/rueidis v1.0.79
	go.etcd.io/bbolt v1.5.0
	golang.org/x/text v0.43.0
)

require (
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/patrickmn/go-cache v2.1.0+incompatible // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace (
	github.com/certify-go/certify => ../
	github.com/certify-go/certify/redisstore => ../redisstore
)
