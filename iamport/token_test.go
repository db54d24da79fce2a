package iamport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
)

func wantTokens(t *testing.T, v *vendor, want int) {
	t.Helper()
	if n := v.count("POST /users/getToken"); n != want {
		t.Errorf("%d tokens were asked for, want %d", n, want)
	}
}

func lookup(t *testing.T, p *iamport.Provider) {
	t.Helper()
	if _, err := p.Lookup(t.Context(), danalID); err != nil {
		t.Error(err)
	}
}

// TestTokenLife: a token is used for as long as the vendor's own clock gives
// it, less five seconds. Every token here says it was issued in 2017.
func TestTokenLife(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		life       time.Duration
		unasked    time.Duration // until when nobody asks for the next
		usableFrom time.Duration // last moment, 0: not reused
	}{
		{"new", 30 * time.Minute, 29*time.Minute + 9*time.Second, 29*time.Minute + 54*time.Second},
		{"fetched again by another server", 7 * time.Minute, 6*time.Minute + 9*time.Second, 6*time.Minute + 54*time.Second},
		{"prolonged in its last minute", 5*time.Minute + 59*time.Second, 5*time.Minute + 8*time.Second, 5*time.Minute + 53*time.Second},
		{"about to end", 5 * time.Second, 0, 0},
		{"ending now", 0, 0, 0},
		{"of a vendor that says a year", 365 * 24 * time.Hour, 59 * time.Minute, 59*time.Minute + 54*time.Second},
		{"of a vendor that says centuries", 1 << 62, 59 * time.Minute, 59*time.Minute + 54*time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t, "danal")
				v.token = inTurn(tokenFor("tok-1", tt.life), slow(4*time.Second, tokenFor("tok-2", 30*time.Minute)))
				p := newProvider(t, testConfig(v))
				lookup(t, p)
				wait := func(until time.Duration) { <-time.After(until) }
				if tt.unasked > 0 {
					wait(tt.unasked)
					lookup(t, p)
					synctest.Wait()
					wantTokens(t, v, 1)
					wait(tt.usableFrom - tt.unasked)
					began := time.Now()
					lookup(t, p) // with the old token, while the next is fetched
					if time.Since(began) != 0 {
						t.Errorf("waited %v for a renewal", time.Since(began))
					}
					synctest.Wait()
					wantTokens(t, v, 2)
					wait(4 * time.Second)
				}
				lookup(t, p)
				wantTokens(t, v, 2)
				if got := v.sent()[len(v.sent())-1].header.Get("Authorization"); got != "Bearer tok-2" {
					t.Errorf("the next lookup has %q", got)
				}
			})
		})
	}
}

// TestRenewalMayFail: until the token ends, nobody notices that no other came,
// and the vendor is asked far less often than callbacks come.
func TestRenewalMayFail(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*http.Request) (*http.Response, error){
		"down": jsonAnswer(500, ""), "refused": jsonAnswer(401, ""), "too many": jsonAnswer(429, ""), "broken": broken, "hanging": hang, "the same again": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t, "danal")
				began, first := time.Now(), tokenFor("tok-1", 60*time.Second)
				fail := fail
				if fail == nil { // the vendor counts on, and does not prolong it
					fail = func(r *http.Request) (*http.Response, error) {
						return tokenFor("tok-1", 60*time.Second-time.Since(began).Round(time.Second))(r)
					}
				}
				v.token = inTurn(first, func(r *http.Request) (*http.Response, error) {
					if time.Since(began) >= 60*time.Second {
						return tokenFor("tok-2", 30*time.Minute)(r)
					}
					return fail(r)
				})
				p := newProvider(t, testConfig(v))
				lookup(t, p)
				<-time.After(15 * time.Second)
				const callbacks = 390 // in 39 s
				for range callbacks {
					lookup(t, p)
					<-time.After(100 * time.Millisecond)
				}
				if n := v.count("POST /users/getToken"); n < 2 || n > callbacks/4 {
					t.Errorf("%d tokens were asked for by %d callbacks", n, callbacks)
				}
				<-time.After(11 * time.Second) // the token has ended
				lookup(t, p)
			})
		})
	}
}

// TestTokenIgnoresLocalClock: Config.Now may jump about; a token's life does
// not depend on it.
func TestTokenIgnoresLocalClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		cfg, ahead := testConfig(v), time.Duration(0)
		cfg.Now = func() time.Time { return testNow().Add(ahead) }
		p := newProvider(t, cfg)
		lookup(t, p)
		for _, ahead = range []time.Duration{time.Hour, 365 * 24 * time.Hour, -time.Hour} {
			lookup(t, p)
		}
		wantTokens(t, v, 1)
	})
}

// TestTokenLifeCountsFromBeforeTheAnswer: time spent waiting for the answer
// may already be part of the life.
func TestTokenLifeCountsFromBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		v.token = slow(4*time.Second, tokenFor("tok-1", 20*time.Second))
		p := newProvider(t, testConfig(v))
		lookup(t, p)
		<-time.After(12 * time.Second) // 16 s after it was asked for
		began := time.Now()
		lookup(t, p)
		wantTokens(t, v, 2)
		if time.Since(began) != 4*time.Second {
			t.Errorf("waited %v for another token", time.Since(began))
		}
	})
}

func TestTokenIsFetchedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		v.token = slow(time.Second, v.token)
		p := newProvider(t, testConfig(v))
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { lookup(t, p) })
		}
		all.Wait()
		wantTokens(t, v, 1)
		if n := v.count("GET"); n != 100 {
			t.Errorf("%d records were asked for, want 100", n)
		}
	})
}

// TestLeavingWaiterHarmsNobody: the caller whose request began the fetch goes
// away; the others get their token from the same fetch.
func TestLeavingWaiterHarmsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		v.token = slow(2*time.Second, v.token)
		p := newProvider(t, testConfig(v))
		first, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			_, err := p.Lookup(first, danalID)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the leaving caller got %v, want context.Canceled", err)
			}
		})
		synctest.Wait()
		for range 10 {
			all.Go(func() { lookup(t, p) })
		}
		<-time.After(time.Second)
		leave()
		all.Wait()
		wantTokens(t, v, 1)
	})
}

// TestFailedFetchIsRemembered: every waiter learns of it, and who comes in the
// next seconds; then one asks anew.
func TestFailedFetchIsRemembered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		first func(*http.Request) (*http.Response, error)
		code  certify.Code
		fetch int // requests of one fetch
		pause time.Duration
	}{
		{"refused", jsonAnswer(401, fixture(t, "bad_credentials")), certify.CodeProviderMisconfigured, 1, 5 * time.Second},
		{"forbidden", jsonAnswer(403, ""), certify.CodeProviderMisconfigured, 1, 5 * time.Second},
		{"too many", jsonAnswer(429, ""), certify.CodeProviderUnavailable, 1, 5 * time.Second},
		{"too many, for 30 s", retryAfter(429, "30"), certify.CodeProviderUnavailable, 1, 30 * time.Second},
		{"down, for 30 s", retryAfter(503, "30"), certify.CodeProviderUnavailable, 1, 30 * time.Second},
		{"down", jsonAnswer(500, ""), certify.CodeProviderUnavailable, 3, time.Second},
		{"malformed", jsonAnswer(200, "{}"), certify.CodeProviderInvalid, 1, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t, "danal")
				good := v.token
				v.token = tt.first
				p := newProvider(t, testConfig(v))
				var all sync.WaitGroup
				for range 5 {
					all.Go(func() {
						_, err := p.Lookup(t.Context(), danalID)
						wantCode(t, err, tt.code)
					})
				}
				all.Wait()
				for range 9 {
					<-time.After(tt.pause / 10)
					_, err := p.Lookup(t.Context(), danalID)
					wantCode(t, err, tt.code)
					var failed *certify.ProviderError
					if errors.As(err, &failed) && (failed.RetryAfter <= 0 || failed.RetryAfter > tt.pause) {
						t.Errorf("RetryAfter = %v, want what is left of %v", failed.RetryAfter, tt.pause)
					}
				}
				wantTokens(t, v, tt.fetch)
				v.token = good
				<-time.After(tt.pause / 5)
				lookup(t, p)
				wantTokens(t, v, tt.fetch+1)
			})
		})
	}
}

// retryAfter refuses with that header.
func retryAfter(status int, value string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		resp, err := jsonAnswer(status, "")(r)
		resp.Header.Set("Retry-After", value)
		return resp, err
	}
}

// TestRefusedTokenIsNotHammered: a vendor that refuses the token it has just
// handed out is asked for one a second at most.
func TestRefusedTokenIsNotHammered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		good := v.other
		v.other = jsonAnswer(401, "")
		p := newProvider(t, testConfig(v))
		for range 75 {
			_, err := p.Lookup(t.Context(), danalID)
			wantCode(t, err, certify.CodeProviderUnavailable)
			<-time.After(80 * time.Millisecond)
		}
		if tokens, records := v.count("POST"), v.count("GET"); tokens > 8 || records > 75 {
			t.Errorf("75 callbacks in 6 s asked for %d tokens and %d records", tokens, records)
		}
		v.other = good
		lookup(t, p)
	})
}

// onlyToken answers with ok when the request carries the token, else 401.
func onlyToken(value string, ok func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") == "Bearer "+value {
			return ok(r)
		}
		return jsonAnswer(401, `{"code":-1,"message":"인증","response":null}`)(r)
	}
}

func TestTokenRefreshedOnceOn401(t *testing.T) {
	t.Parallel()
	t.Run("a new token passes", func(t *testing.T) {
		t.Parallel()
		v := newVendor(t, "danal")
		v.token = inTurn(tokenFor("tok-1", time.Hour), tokenFor("tok-2", time.Hour))
		v.other = onlyToken("tok-2", v.other)
		p := newProvider(t, testConfig(v))
		lookup(t, p)
		lookup(t, p)
		wantTokens(t, v, 2)
		if n := v.count("GET"); n != 3 {
			t.Errorf("%d records were asked for, want 3: the new token is kept", n)
		}
	})
	t.Run("the same token again", func(t *testing.T) {
		t.Parallel()
		v := newVendor(t, "danal")
		v.other = jsonAnswer(401, "")
		_, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
		wantCode(t, err, certify.CodeProviderUnavailable)
		wantTokens(t, v, 2)
		if n := v.count("GET"); n != 1 {
			t.Errorf("the record was asked for %d times, want once: the 401 stands", n)
		}
	})
	t.Run("a new token is refused too", func(t *testing.T) {
		t.Parallel()
		v := newVendor(t, "danal")
		v.token = inTurn(tokenFor("tok-1", time.Hour), tokenFor("tok-2", time.Hour), tokenFor("tok-3", time.Hour))
		v.other = jsonAnswer(401, "")
		_, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
		wantCode(t, err, certify.CodeProviderUnavailable)
		wantTokens(t, v, 2)
		if n := v.count("GET"); n != 2 {
			t.Errorf("the record was asked for %d times, want twice", n)
		}
	})
	t.Run("keys replaced meanwhile", func(t *testing.T) {
		t.Parallel()
		v := newVendor(t, "danal")
		v.token = inTurn(v.token, jsonAnswer(401, fixture(t, "bad_credentials")))
		v.other = jsonAnswer(401, "")
		_, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
		wantCode(t, err, certify.CodeProviderMisconfigured)
	})
}

// TestManyRefusedAtOnce: a hundred callers whose token ends early cost one
// fetch, not a hundred.
func TestManyRefusedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		v.token = inTurn(tokenFor("tok-1", time.Hour), tokenFor("tok-2", time.Hour), tokenFor("tok-3", time.Hour))
		v.other = slow(time.Second, onlyToken("tok-2", v.other))
		p := newProvider(t, testConfig(v))
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				<-time.After(time.Duration(i) * 10 * time.Millisecond) // some are refused after others have refreshed
				lookup(t, p)
			})
		}
		all.Wait()
		wantTokens(t, v, 2)
	})
}

func TestTokenAnswersRefused(t *testing.T) {
	t.Parallel()
	const ok = `"access_token":"tok-1","now":1512446940,"expired_at":1512448740`
	tests := []struct{ name, response string }{
		{"no token", `"now":1512446940,"expired_at":1512448740`},
		{"token null", `"access_token":null,"now":1512446940,"expired_at":1512448740`},
		{"token empty", `"access_token":"","now":1512446940,"expired_at":1512448740`},
		{"token with a line end", `"access_token":"tok-1\r\nTier: x","now":1512446940,"expired_at":1512448740`},
		{"token with a space", `"access_token":"tok 1","now":1512446940,"expired_at":1512448740`},
		{"token not ASCII", `"access_token":"인증","now":1512446940,"expired_at":1512448740`},
		{"token too long", fmt.Sprintf(`"access_token":"%0600d","now":1512446940,"expired_at":1512448740`, 1)},
		{"token a number", `"access_token":1,"now":1512446940,"expired_at":1512448740`},
		{"no now", `"access_token":"tok-1","expired_at":1512448740`},
		{"no expired_at", `"access_token":"tok-1","now":1512446940`},
		{"ended before it began", `"access_token":"tok-1","now":1512446940,"expired_at":1512446939`},
		{"now a string", `"access_token":"tok-1","now":"1512446940","expired_at":1512448740`},
		{"token twice", ok + `,"access_token":"tok-1"`},
		{"token in two cases", ok + `,"Access_Token":"tok-2"`},
		{"expired_at in another case", `"access_token":"tok-1","now":1512446940,"Expired_at":1512448740`},
		{"now negative", `"access_token":"tok-1","now":-9223372036854775808,"expired_at":9223372036854775807`},
	}
	v := newVendor(t, "danal")
	v.token = jsonAnswer(200, `{"code":0,"response":{`+ok+`}}`)
	lookup(t, newProvider(t, testConfig(v)))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, "danal")
			v.token = jsonAnswer(200, `{"code":0,"response":{`+tt.response+`}}`)
			_, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
			wantCode(t, err, certify.CodeProviderInvalid)
			if n := v.count("GET"); n != 0 {
				t.Error("the record was asked for with that token")
			}
		})
	}
}

func TestTokenShapes(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "danal")
	v.token = jsonAnswer(200, fixture(t, "token"))
	lookup(t, newProvider(t, testConfig(v)))
	if got := v.sent()[1].header.Get("Authorization"); got != "Bearer 00112233445566778899aabbccddeeff00112233" {
		t.Errorf("Authorization = %q", got)
	}
	v = newVendor(t, "danal")
	v.token = jsonAnswer(401, fixture(t, "bad_credentials"))
	_, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
	wantCode(t, err, certify.CodeProviderMisconfigured)
}
