package iamport_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
)

func ExampleNew() {
	provider, err := iamport.New(iamport.Config{
		Code:        "imp00000000",
		Key:         "0000111122223333", // from the environment in real life
		Secret:      "keep-me-out-of-the-source",
		PGProviders: []string{"danal"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(provider.Name(), provider)
	// Output: iamport iamport.Provider(imp00000000)
}

func ExampleNew_wrong() {
	_, err := iamport.New(iamport.Config{Code: "imp00000000", Key: "0000111122223333", Secret: "s3cret\n", PGProviders: []string{"danal"}})
	fmt.Println(err)
	// Output: iamport: Config.Secret holds white space or characters other than printable ASCII: was it copied with a line end?
}

// The sandbox of this project stands in for the vendor while developing.
func ExampleConfig_sandbox() {
	provider, err := iamport.New(iamport.Config{
		Code:            "imp00000000",
		Key:             "0000111122223333",
		Secret:          "keep-me-out-of-the-source",
		PGProviders:     []string{"danal"},
		InsecureBaseURL: "http://127.0.0.1:8787",
		ScriptURL:       "http://127.0.0.1:8787/v1/iamport.js",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(provider.Begin(certify.Attempt{}).Script)
	// Output: http://127.0.0.1:8787/v1/iamport.js
}

// A record that the shop needs no longer is erased at the vendor too.
func ExampleProvider_Erase() {
	provider, err := iamport.New(iamport.Config{
		Code: os.Getenv("IMP_CODE"), Key: os.Getenv("IMP_KEY"), Secret: os.Getenv("IMP_SECRET"),
		PGProviders: []string{"danal"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = provider.Erase(context.Background(), "imp_123456789012")
	if errors.Is(err, certify.CodeVerificationRefused) {
		fmt.Println("erased before, or verified under other keys")
	}
}
