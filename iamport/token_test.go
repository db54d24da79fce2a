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
// it, less half a minute. Every token here says it was issued in 2017.
func TestTokenLife(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		life      time.Duration
		reusedFor time.Duration // 0: not reused
	}{
		{"new", 30 * time.Minute, 29*time.Minute + 29*time.Second},
		{"fetched again by another server", 7 * time.Minute, 6*time.Minute + 29*time.Second},
		{"prolonged in its last minute", 5*time.Minute + 59*time.Second, 5*time.Minute + 28*time.Second},
		{"about to end", 31 * time.Second, 0},
		{"ending now", 0, 0},
		{"of a vendor that says a year", 365 * 24 * time.Hour, 59 * time.Minute},
		{"of a vendor that says centuries", 1 << 62, 59 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t, "danal")
				v.token = tokenFor("tok-1", tt.life)
				p := newProvider(t, testConfig(v))
				lookup(t, p)
				if tt.reusedFor > 0 {
					<-time.After(tt.reusedFor)
					lookup(t, p)
					wantTokens(t, v, 1)
				}
				<-time.After(time.Minute)
				lookup(t, p)
				wantTokens(t, v, 2)
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
		v.token = slow(4*time.Second, tokenFor("tok-1", time.Minute))
		p := newProvider(t, testConfig(v))
		lookup(t, p)
		<-time.After(27 * time.Second) // 31 s after it was asked for
		lookup(t, p)
		wantTokens(t, v, 2)
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

// TestFailedFetchIsNotKept: every waiter learns of it, and the next asks anew.
func TestFailedFetchIsNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		v.token = inTurn(slow(time.Second, jsonAnswer(401, fixture(t, "bad_credentials"))), v.token)
		p := newProvider(t, testConfig(v))
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				_, err := p.Lookup(t.Context(), danalID)
				wantCode(t, err, certify.CodeProviderMisconfigured)
			})
		}
		all.Wait()
		wantTokens(t, v, 1)
		lookup(t, p)
		wantTokens(t, v, 2)
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
