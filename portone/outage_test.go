package portone_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/portone"
	"github.com/certify-go/certify/sandbox"
)

const records = "/identity-verifications/"

// paths are those that a lookup asks.
var paths = []string{records}

// An outage is a vendor whose answers a fault delays or replaces, and the app
// whose visitors have paid.
type outage struct {
	t      *testing.T
	vendor *sandbox.Server
	app    http.Handler

	mu    sync.Mutex
	asked []string // the paths of all requests
	fault func(*http.Request) (*http.Response, error)
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	vendor, err := sandbox.New(sandbox.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	o := &outage{t: t, vendor: vendor}
	provider, err := portone.New(portone.Config{
		StoreID: sandbox.DefaultStoreID, Secret: sandbox.DefaultAPISecret, ChannelKeys: []string{sandbox.ChannelKeyDanal},
		InsecureBaseURL: "http://127.0.0.1", Transport: o,
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := certify.ParseKeys("hs256-secret:" + strings.Repeat("A", 43))
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{Origin: "https://shop.example", Keys: keys, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	o.app, err = certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: provider, Pepper: []byte(rand.Text() + rand.Text())})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *outage) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	o.asked = append(o.asked, r.URL.Path)
	fault := o.fault
	o.mu.Unlock()
	if fault != nil {
		if resp, err := fault(r); resp != nil || err != nil {
			return resp, err
		}
	}
	return inMemory{o.vendor}.RoundTrip(r)
}

// meet sets the fault for the requests whose path begins with prefix, and
// forgets what was asked. A fault answers nothing to let a request pass.
func (o *outage) meet(prefix string, fault func(*http.Request) (*http.Response, error)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = nil
	o.fault = func(r *http.Request) (*http.Response, error) {
		if fault == nil || !strings.HasPrefix(r.URL.Path, prefix) {
			return nil, nil
		}
		return fault(r)
	}
}

// count counts the requests whose path begins with prefix.
func (o *outage) count(prefix string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, path := range o.asked {
		if strings.HasPrefix(path, prefix) {
			n++
		}
	}
	return n
}

// late is the fault of an answer that takes d.
func late(d time.Duration) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return nil, nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// A payer is a visitor whom the vendor has verified, with the callback.
type payer struct {
	*visitor
	callback url.Values
}

func (o *outage) newPayer() payer {
	o.t.Helper()
	v := &visitor{shop: o.app}
	id := v.begin()
	if _, err := o.vendor.VerifyIdentity(sandbox.IdentityVerification{ID: id, Person: sandbox.Adult}); err != nil {
		o.t.Fatal(err)
	}
	return payer{v, url.Values{"identityVerificationId": {id}}}
}

// confirm posts the callback and returns the status and Retry-After.
func (p payer) confirm() (int, string) {
	r := httptest.NewRequest(http.MethodPost, "https://shop.example/certifications/confirm", strings.NewReader(p.callback.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	for _, c := range p.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	p.shop.ServeHTTP(w, r)
	return w.Code, w.Header().Get("Retry-After")
}

// retryAfter refuses with that header.
func retryAfter(status int, value string) answerer {
	return func(r *http.Request) (*http.Response, error) {
		resp, err := jsonAnswer(status, "")(r)
		resp.Header.Set("Retry-After", value)
		return resp, err
	}
}

// TestSlowVendor: whatever comes within Config.Timeout counts, for every
// visitor at once, with two requests each at most.
func TestSlowVendor(t *testing.T) {
	t.Parallel()
	for _, took := range []time.Duration{time.Second, 6 * time.Second, 9 * time.Second} {
		t.Run(took.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := newOutage(t)
				if status, _ := o.newPayer().confirm(); status != http.StatusOK { // which has a token fetched
					t.Fatalf("HTTP %d without any fault", status)
				}
				o.meet(records, late(took))
				const visitors = 20
				var all sync.WaitGroup
				for range visitors {
					p := o.newPayer()
					all.Go(func() {
						if status, _ := p.confirm(); status != http.StatusOK {
							t.Errorf("a paid callback ends with HTTP %d", status)
						}
					})
				}
				all.Wait()
				if n := o.count(""); n > 2*visitors || took <= time.Second && n != visitors {
					t.Errorf("%d callbacks made %d requests", visitors, n)
				}
			})
		})
	}
}

// TestVendorAsksForAPause: nobody asks before the pause ends, every visitor
// learns when that is, and afterwards all are served.
func TestVendorAsksForAPause(t *testing.T) {
	t.Parallel()
	for _, prefix := range paths {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			t.Run(fmt.Sprint(prefix, status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					o := newOutage(t)
					o.meet(prefix, retryAfter(status, "30"))
					began := time.Now()
					var payers []payer
					for range 75 {
						p := o.newPayer()
						got, wait := p.confirm()
						seconds, err := strconv.Atoi(wait)
						left := 30 - int(time.Since(began).Seconds())
						if got != http.StatusServiceUnavailable || err != nil || seconds != left {
							t.Errorf("HTTP %d, Retry-After %q; want 503 and %d", got, wait, left)
						}
						payers = append(payers, p)
						<-time.After(80 * time.Millisecond)
					}
					if n := o.count(""); n > 5 {
						t.Errorf("75 callbacks made %d requests", n)
					}
					o.meet("", nil)
					<-time.After(30*time.Second - time.Since(began))
					for _, p := range payers {
						if got, _ := p.confirm(); got != http.StatusOK {
							t.Errorf("after the pause HTTP %d", got)
						}
					}
				})
			})
		}
	}
}

// TestFailingVendor: once failing is known a callback makes little more than
// one request; and who comes after the recovery is served at once.
func TestFailingVendor(t *testing.T) {
	t.Parallel()
	for _, prefix := range paths {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := newOutage(t)
				o.newPayer().confirm()
				o.meet(prefix, jsonAnswer(500, ""))
				fail := func(visitors int) (payers []payer) {
					for range visitors {
						p := o.newPayer()
						if got, wait := p.confirm(); got != http.StatusServiceUnavailable || wait == "" {
							t.Errorf("HTTP %d, Retry-After %q", got, wait)
						}
						payers = append(payers, p)
					}
					return payers
				}
				fail(20)
				o.meet(prefix, jsonAnswer(500, ""))
				payers := fail(100)
				if n := o.count(""); n > 120 {
					t.Errorf("100 callbacks made %d requests", n)
				}
				o.meet("", nil)
				<-time.After(time.Second)
				for _, p := range payers {
					if got, _ := p.confirm(); got != http.StatusOK {
						t.Errorf("after the recovery HTTP %d", got)
					}
				}
			})
		})
	}
}
