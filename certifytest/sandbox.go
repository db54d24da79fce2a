package certifytest

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/certify-go/certify/iamport"
	"github.com/certify-go/certify/portone"
	"github.com/certify-go/certify/sandbox"
)

// A Sandbox is certify's sandbox, running until the test ends, with a provider
// of either kind that asks it. Its Verify and VerifyIdentity complete a
// verification of one of its test people, as the visitor would in the window.
type Sandbox struct {
	*sandbox.Server
	URL     string            // of its REST APIs, without a slash at the end
	IAMPort *iamport.Provider // i'mport, PortOne V1: of danal and inicis_unified
	PortOne *portone.Provider // PortOne V2: of the danal channel
}

// NewSandbox starts a sandbox. A nil clock is [time.Now]; with another one give
// the Sessions the same.
func NewSandbox(t testing.TB, now func() time.Time) *Sandbox {
	t.Helper()
	server, err := sandbox.New(sandbox.Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(server)
	t.Cleanup(api.Close)
	s := &Sandbox{Server: server, URL: api.URL}
	s.IAMPort, err = iamport.New(iamport.Config{
		Code: sandbox.DefaultCode, Key: sandbox.DefaultKey, Secret: sandbox.DefaultSecret,
		PGProviders:     []string{sandbox.Danal, sandbox.InicisUnified},
		InsecureBaseURL: s.URL, ScriptURL: s.URL + "/v1/iamport.js", Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.PortOne, err = portone.New(portone.Config{
		StoreID: sandbox.DefaultStoreID, Secret: sandbox.DefaultAPISecret,
		ChannelKeys:     []string{sandbox.ChannelKeyDanal},
		InsecureBaseURL: s.URL, ScriptURL: s.URL + "/v2/browser-sdk.js", Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
