package portone_test

import (
	"fmt"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/portone"
)

func ExampleNew() {
	provider, err := portone.New(portone.Config{
		StoreID:     "store-00000000-0000-0000-0000-000000000000",
		Secret:      "keep-me-out-of-the-source", // from the environment in real life
		ChannelKeys: []string{"channel-key-00000000-0000-0000-0000-000000000000"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(provider.Name(), provider)
	// Output: portone portone.Provider(store-00000000-0000-0000-0000-000000000000)
}

func ExampleNew_wrong() {
	_, err := portone.New(portone.Config{StoreID: "store-1", Secret: "s3cret"})
	fmt.Println(err)
	// Output: portone: Config.ChannelKeys is empty: name the channels whose verifications count, the one to open first
}

// The sandbox of this project stands in for the vendor while developing.
func ExampleConfig_sandbox() {
	provider, err := portone.New(portone.Config{
		StoreID:         "store-00000000-0000-0000-0000-000000000000",
		Secret:          "keep-me-out-of-the-source",
		ChannelKeys:     []string{"channel-key-00000000-0000-0000-0000-000000000000"},
		InsecureBaseURL: "http://127.0.0.1:8787",
		ScriptURL:       "http://127.0.0.1:8787/v2/browser-sdk.js",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(provider.Begin(certify.Attempt{}).Script)
	// Output: http://127.0.0.1:8787/v2/browser-sdk.js
}
