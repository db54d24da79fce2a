package certify_test

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"
	"weak"

	"github.com/certify-go/certify"
)

// A reader reads at a time that the test sets.
type reader struct {
	*certify.Sessions
	testClock
	t testing.TB
}

func newReader(t testing.TB, change ...func(*certify.SessionConfig)) *reader {
	r := &reader{t: t, testClock: testClock{t: noon}}
	r.Sessions = quiet(t, append([]func(*certify.SessionConfig){func(c *certify.SessionConfig) { c.Now = r.now }}, change...)...)
	return r
}

// verdict is the Code of a refusal, and "" of a claim.
func (r *reader) verdict(token string) certify.Code {
	r.t.Helper()
	c, err := r.Read(r.t.Context(), token)
	if (c == nil) != (err != nil) {
		r.t.Fatalf("claim %v, error %v", c, err)
	}
	var code certify.Code
	if err != nil && !errors.As(err, &code) {
		r.t.Fatalf("an error without a code: %v", err)
	}
	return code
}

// numbered is the n-th of many good tokens.
func (f forger) numbered(n int) string { return f.claim("jti", fmt.Sprintf(`"%022d"`, n)) }

func limited(n int) func(*certify.SessionConfig) {
	return func(c *certify.SessionConfig) { c.VerifiedClaims = n }
}

// Not parallel: allocations are counted.
func TestVerifiedOnce(t *testing.T) {
	for _, f := range []forger{newForgers(t).hs, newForgers(t).ed, newForgers(t).es} {
		token := f.claim()
		allocs := func(limit int) float64 {
			s := quiet(t, limited(limit))
			return testing.AllocsPerRun(100, func() {
				if _, err := s.Read(t.Context(), token); err != nil {
					t.Fatal(err)
				}
			})
		}
		warm, cold := allocs(0), allocs(-1)
		if warm > 2 || cold < 15 {
			t.Errorf("%s: %v allocations when verified before, %v when not", f.alg, warm, cold)
		}
	}
}

// Whatever may change is judged each time, remembered or not.
func TestNothingElseIsRemembered(t *testing.T) {
	t.Parallel()
	f := newForgers(t)
	for _, tc := range []struct {
		name   string
		token  string
		happen func(r *reader)
		want   certify.Code
	}{
		{"nothing", f.hs.claim(), func(*reader) {}, ""},
		{"just before it expires", f.hs.claim(), func(r *reader) { r.wait(11*time.Hour - 1) }, ""},
		{"it expires", f.hs.claim(), func(r *reader) { r.wait(11 * time.Hour) }, certify.CodeClaimExpired},
		{"it expires within the hour", f.hs.claim("exp", fmt.Sprint(noon.Unix()+60)), func(r *reader) { r.wait(time.Minute) }, certify.CodeClaimExpired},
		{"the clock goes back", f.hs.claim(), func(r *reader) { r.wait(-2 * time.Hour) }, certify.CodeClaimMalformed},
		{"it is revoked", f.ed.claim(), func(r *reader) {
			if err := r.Revoke(r.t.Context(), "0123456789abcdefghijkl", noon.Add(11*time.Hour)); err != nil {
				r.t.Fatal(err)
			}
		}, certify.CodeClaimRevoked},
		{"its account is revoked", f.es.claim(), func(r *reader) {
			if err := r.RevokeAccount(r.t.Context(), "member-7"); err != nil {
				r.t.Fatal(err)
			}
		}, certify.CodeClaimRevoked},
		{"another's account is revoked", f.es.claim(), func(r *reader) {
			if err := r.RevokeAccount(r.t.Context(), "member-70"); err != nil {
				r.t.Fatal(err)
			}
		}, ""},
		{"its key is dropped", f.ed.claim(), func(r *reader) {
			if err := r.SetKeys(testKeys(r.t, secretLine, p256Line)); err != nil {
				r.t.Fatal(err)
			}
		}, certify.CodeClaimWrongKey},
		{"another key is dropped", f.ed.claim(), func(r *reader) {
			if err := r.SetKeys(testKeys(r.t, ed25519Line)); err != nil {
				r.t.Fatal(err)
			}
		}, ""},
	} {
		for mode, limit := range map[string]int{"remembered": 0, "each time": -1} {
			t.Run(tc.name+", "+mode, func(t *testing.T) {
				t.Parallel()
				r := newReader(t, limited(limit))
				if code := r.verdict(tc.token); code != "" || (r.VerifiedLen() == 1) != (limit == 0) {
					t.Fatalf("before: %q, %d remembered", code, r.VerifiedLen())
				}
				tc.happen(r)
				for range 2 {
					if code := r.verdict(tc.token); code != tc.want {
						t.Errorf("after: %q, want %q", code, tc.want)
					}
				}
			})
		}
	}
}

// What one request does to its claim, the next does not see.
func TestEachRequestHasItsOwnClaim(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, -1} {
		s := quiet(t, limited(limit))
		token := newForgers(t).hs.claim()
		for range 3 {
			c, err := s.Read(t.Context(), token)
			if err != nil || c.Age != 36 || c.Subject != "member-7" || !c.ExpiresAt.Equal(noon.Add(11*time.Hour)) {
				t.Fatalf("claim %+v, error %v", c, err)
			}
			c.Age, c.BirthYear, c.Subject, c.ID, c.ExpiresAt = 99, 1900, "member-8", "other", noon.Add(1000*time.Hour)
		}
	}
}

// A handler and a policy that change their claim, under many requests at once.
func TestClaimsAreNotShared(t *testing.T) {
	t.Parallel()
	s := quiet(t, func(c *certify.SessionConfig) { c.Bearer = true })
	greedy := certify.PolicyFunc(func(_ time.Time, c *certify.Claim) error {
		if c.Age != 36 {
			return errors.New("not my claim")
		}
		c.Age++
		return nil
	})
	gate := s.Load(certify.Require(greedy)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := certify.FromContext(r.Context()); ok {
			c.BirthYear++
		}
	})))
	token := newForgers(t).hs.claim()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 20 {
				if w := serve(gate, "Authorization", "Bearer "+token); w.Code != http.StatusOK {
					t.Errorf("status %d: %s", w.Code, w.Body)
					return
				}
			}
		})
	}
	wg.Wait()
}

// However many tokens come, no more are remembered than allowed, and all of
// them are read.
func TestVerifiedClaimsAreBounded(t *testing.T) {
	t.Parallel()
	f := newForgers(t).hs
	for _, tc := range []struct {
		name                   string
		limit, atLeast, atMost int
	}{
		{"none", -1, 0, 0}, {"one", 1, 1, 1}, {"some", 1000, 950, 1000}, {"many", 20_000, 19_000, 20_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newReader(t, limited(tc.limit))
			for i := range 2*tc.atMost + 10 {
				if code := r.verdict(f.numbered(i)); code != "" {
					t.Fatalf("token %d: %s", i, code)
				}
			}
			if n := r.VerifiedLen(); n < tc.atLeast || n > tc.atMost {
				t.Errorf("%d are remembered", n)
			}
		})
	}
}

// Those who left make room for those who came.
func TestVerifiedClaimsAreForgotten(t *testing.T) {
	t.Parallel()
	r, f := newReader(t, limited(100)), newForgers(t).hs
	for i := range 200 {
		r.verdict(f.numbered(i))
	}
	r.wait(time.Hour - 1)
	if n := r.VerifiedLen(); n < 90 {
		t.Errorf("%d are remembered within the hour", n)
	}
	if r.wait(1); r.VerifiedLen() != 0 {
		t.Errorf("%d are remembered after an hour", r.VerifiedLen())
	}
	for i := range 8 { // as many as may share their places: all find room
		if code := r.verdict(f.numbered(200 + i)); code != "" {
			t.Fatal(code)
		}
	}
	if n := r.VerifiedLen(); n != 8 {
		t.Errorf("%d are remembered, 8 of them are new", n)
	}
}

// What was verified is the whole token: another with the same signature, which
// is what tokens are found by, is not.
func TestRememberedTokensAreComparedWhole(t *testing.T) {
	t.Parallel()
	for _, f := range []forger{newForgers(t).hs, newForgers(t).ed, newForgers(t).es} {
		r, good := newReader(t), f.claim()
		signature := good[strings.LastIndexByte(good, '.'):]
		forged := b64url.EncodeToString([]byte(f.header())) + "." + b64url.EncodeToString([]byte(claimJSON("age", "37"))) + signature
		if code := r.verdict(good); code != "" || r.VerifiedLen() != 1 {
			t.Fatalf("%s: %q, %d remembered", f.alg, code, r.VerifiedLen())
		}
		for _, token := range []string{forged, good[1:], good[len(good)-43:], "." + good} {
			if r.verdict(token) == "" {
				t.Errorf("%s: %q is read", f.alg, token)
			}
		}
		if code := r.verdict(good); code != "" {
			t.Errorf("%s: %q", f.alg, code)
		}
	}
}

func TestRefusedTokensAreNotRemembered(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	for _, h := range hostileTokens(t) {
		if code := r.verdict(h.token); code != h.code {
			t.Errorf("%s: %s", h.name, code)
		}
		if r.VerifiedLen() != 0 && !strings.Contains(h.why, "iat lies in the future") { // a matter of time
			t.Fatalf("%s is remembered", h.name)
		}
		if err := r.SetKeys(testKeys(t, secretLine, ed25519Line, p256Line)); err != nil {
			t.Fatal(err)
		}
	}
}

// A token is part of a request's header: what is remembered of it must not
// keep the header.
func TestNoRequestIsKept(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	header := func() weak.Pointer[byte] {
		buf := append(make([]byte, 1<<20), newForgers(t).hs.claim()...)
		token := unsafe.String(&buf[1<<20], len(buf)-1<<20)
		if code := r.verdict(token); code != "" {
			t.Fatal(code)
		}
		return weak.Make(&buf[0])
	}()
	runtime.GC()
	if header.Value() != nil || r.VerifiedLen() != 1 {
		t.Errorf("the header is kept: %v; %d remembered", header.Value() != nil, r.VerifiedLen())
	}
}

// While keys are swapped, a token counts or is of the wrong key, and once its
// key is gone it never counts again.
func TestSetKeysIsAtomic(t *testing.T) {
	t.Parallel()
	r, f := newReader(t), newForgers(t)
	with, without := testKeys(t, secretLine, ed25519Line), testKeys(t, secretLine)
	stays, goes := f.hs.claim(), f.ed.claim()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if code := r.verdict(stays); code != "" {
					t.Errorf("a key that stays: %s", code)
					return
				}
				if code := r.verdict(goes); code != "" && code != certify.CodeClaimWrongKey {
					t.Errorf("a key that goes: %s", code)
					return
				}
			}
		})
	}
	for range 300 {
		for _, keys := range []*certify.Keys{with, without} {
			if err := r.SetKeys(keys); err != nil {
				t.Error(err)
			}
		}
		if code := r.verdict(goes); code != certify.CodeClaimWrongKey {
			t.Errorf("after its key went: %q", code)
		}
	}
	close(stop)
	wg.Wait()
}

func BenchmarkRead(b *testing.B) {
	for _, f := range []forger{newForgers(b).hs, newForgers(b).ed, newForgers(b).es} {
		for mode, limit := range map[string]int{"warm": 0, "cold": -1} {
			b.Run(f.alg+"/"+mode, func(b *testing.B) {
				s, token := quiet(b, limited(limit)), f.claim()
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := s.Read(b.Context(), token); err != nil {
							b.Fatal(err)
						}
					}
				})
			})
		}
	}
}

// BenchmarkVerifiedMemory shows as many tokens as it is told to, 2,000,000 by
// -benchtime 2000000x: memory stays what the first 100,000 took.
func BenchmarkVerifiedMemory(b *testing.B) {
	s, f := quiet(b), newForgers(b).hs
	before := heap()
	for i := range b.N {
		if _, err := s.Read(b.Context(), f.numbered(i)); err != nil {
			b.Fatal(err)
		}
	}
	grown := heap() - before
	b.ReportMetric(float64(grown)/float64(s.VerifiedLen()), "heap-B/claim")
	b.ReportMetric(float64(s.VerifiedLen()), "claims")
	b.ReportMetric(float64(grown)/(1<<20), "heap-MB")
	runtime.KeepAlive(s)
}

func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// heapPer is what each of the n things in what make returns takes.
func heapPer(b *testing.B, build func() any, n int) float64 {
	b.Helper()
	before := heap()
	built := build()
	grown := heap() - before
	runtime.KeepAlive(built)
	return grown / float64(n)
}
