package redisstore_test

import (
	"crypto/tls"
	"fmt"
	"os"

	"github.com/redis/rueidis"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/redisstore"
)

// Several processes that serve one site share a Redis.
func ExampleNew() {
	store, err := redisstore.New(redisstore.Config{
		Client: rueidis.ClientOption{
			InitAddress: []string{"redis.internal:6379"},
			Username:    "certify", Password: os.Getenv("REDIS_PASSWORD"),
			TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	keys, err := certify.ParseKeys(os.Getenv("CERTIFY_KEYS"))
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{Origin: "https://shop.example", Keys: keys, Store: store})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = sessions
}

// Behind Sentinel, and with a replica that must have confirmed each write.
func ExampleNew_sentinel() {
	store, err := redisstore.New(redisstore.Config{
		Client: rueidis.ClientOption{
			InitAddress: []string{"sentinel-1.internal:26379", "sentinel-2.internal:26379", "sentinel-3.internal:26379"},
			Sentinel:    rueidis.SentinelOption{MasterSet: "certify"},
		},
		Replicas: 1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
}
