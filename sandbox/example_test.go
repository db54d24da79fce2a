package sandbox_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/certify-go/certify/sandbox"
)

func Example() {
	s, err := sandbox.New(sandbox.Config{})
	if err != nil {
		panic(err)
	}
	api := httptest.NewServer(s) // the i'mport API for the test
	defer api.Close()

	// What a browser would have reported to the application's callback.
	result, err := s.Verify(sandbox.Verification{MerchantUID: "order-1", Person: sandbox.NineteenTomorrow})
	if err != nil {
		panic(err)
	}
	fmt.Println(result.Success, result.MerchantUID, result.PGProvider)
	// Output: true order-1 danal
}

func ExamplePeople() {
	for _, p := range sandbox.People()[:3] {
		fmt.Println(p.ID, "·", p.TitleEN)
	}
	// Output:
	// adult · Adult
	// nineteen-today · Turned 19 today
	// nineteen-tomorrow · Turns 19 tomorrow
}
