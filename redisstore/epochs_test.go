package redisstore_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/redisstore"
)

// pair makes two processes of one site, of which the second's clock is ahead.
func pair(t *testing.T, cfg redisstore.Config, b *bureau, ahead time.Duration) [2]*instance {
	t.Helper()
	keys := newKeys(t)
	var in [2]*instance
	for i, d := range []time.Duration{0, ahead} {
		store, _ := openWarm(t, cfg, 1)
		in[i] = newInstance(t, b, certify.SessionConfig{
			Keys: keys, Store: patient{t, store}, Account: login, Now: func() time.Time { return time.Now().Add(d) },
		})
	}
	return in
}

// verifies begins an attempt, and completes a verification of it.
func (v *visitor) verifies(b *bureau, in *instance) (body string) {
	v.t.Helper()
	attempt := v.want(in, "POST", "/certifications/attempts", `{}`, http.StatusCreated)["merchant_uid"].(string)
	b.verify("imp_"+attempt, attempt)
	return `{"imp_uid":"imp_` + attempt + `"}`
}

// revoked wants an instance to refuse, from now on where it asks Redis each
// time, and else within a second. It counts what was admitted until then.
func (v *visitor) revoked(in *instance, cached bool) (admitted int) {
	v.t.Helper()
	since := time.Now()
	for {
		asked := time.Since(since)
		status, _, doc := v.send(in, "GET", "/cellar", "")
		switch {
		case status == http.StatusUnauthorized && doc["code"] == string(certify.CodeClaimRevoked):
			return admitted
		case status == http.StatusServiceUnavailable && asked < patience: // the machine stood still
		case !cached || status != http.StatusOK || asked > staleFor:
			v.t.Errorf("%s after RevokeAccount: status %d, %v", asked, status, doc["code"])
			return admitted
		default:
			admitted++
		}
	}
}

// No clock decides who is revoked: one process issues, the other revokes at
// once, and neither admits the account or brings it a claim for an attempt of
// before.
func TestInstancesRevokeWithoutACommonClock(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	for _, entries := range []int{0, -1} {
		for _, ahead := range []time.Duration{0, 3 * time.Second, 40 * time.Second, -40 * time.Second} {
			t.Run(fmt.Sprintf("cache %d, %s ahead", entries, ahead), func(t *testing.T) {
				t.Parallel()
				cfg := config(redis.addr)
				cfg.Prefix, cfg.CacheEntries = fmt.Sprintf("epochs:%d:%s:", entries, ahead), entries
				b := &bureau{}
				in := pair(t, cfg, b, ahead)
				admitted := 0
				for i := range 50 {
					issuer, revoker := in[i%2], in[1-i%2]
					account := fmt.Sprint("member-", i)
					v, waiting := newVisitor(t, account), newVisitor(t, account)
					v.want(issuer, "POST", "/certifications", v.verifies(b, issuer), http.StatusOK)
					body := waiting.verifies(b, issuer)
					for _, each := range in {
						v.want(each, "GET", "/cellar", "", http.StatusOK)
					}
					if err := revoker.sessions.RevokeAccount(t.Context(), account); err != nil {
						t.Fatal(err)
					}
					for _, each := range []*instance{issuer, revoker} {
						admitted += v.revoked(each, entries == 0)
					}
					for _, each := range in {
						if doc := waiting.want(each, "POST", "/certifications", body, http.StatusUnauthorized); doc["code"] != string(certify.CodeClaimRevoked) {
							t.Errorf("an attempt of before: %v", doc["code"])
						}
					}
					if i%10 == 0 { // and nobody is kept out for good
						v.want(issuer, "POST", "/certifications", v.verifies(b, issuer), http.StatusOK)
						v.want(revoker, "GET", "/cellar", "", http.StatusOK)
					}
				}
				if entries < 0 && admitted > 0 || admitted > 10 {
					t.Errorf("%d requests were admitted after RevokeAccount returned", admitted)
				}
				t.Logf("%d requests were admitted after RevokeAccount returned", admitted)
			})
		}
	}
}

// A claim that is issued while its account is revoked does not survive.
func TestRevocationsThatRaceWithIssues(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	cfg := config(redis.addr)
	cfg.CacheEntries = -1
	b := &bureau{}
	in := pair(t, cfg, b, 3*time.Second)
	const workers, races = 8, 125
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := range races {
				issuer, revoker := in[i%2], in[i/2%2]
				account := fmt.Sprintf("member-%d-%d", worker, i%4) // revoked again and again
				v := newVisitor(t, account)
				body := v.verifies(b, issuer)
				begun := make(chan error)
				go func() { begun <- revoker.sessions.RevokeAccount(t.Context(), account) }()
				if worker%2 == 0 {
					v.send(issuer, "GET", "/certifications/", "") // the revocation is some way ahead
				}
				status, _, doc := v.send(issuer, "POST", "/certifications", body)
				if err := <-begun; err != nil {
					t.Errorf("RevokeAccount: %v", err)
				}
				switch {
				case status == http.StatusOK:
					v.revoked(in[0], false)
					v.revoked(in[1], false)
				case status != http.StatusUnauthorized || doc["code"] != string(certify.CodeClaimRevoked):
					t.Errorf("status %d, %v", status, doc["code"])
				}
			}
		})
	}
	all.Wait()
}

func TestInstancesRevokeAll(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	b := &bureau{}
	in := pair(t, config(redis.addr), b, -40*time.Second)
	var visitors []*visitor
	var waiting []string
	for i := range 10 {
		v := newVisitor(t, fmt.Sprint("member-", i))
		v.want(in[0], "POST", "/certifications", v.verifies(b, in[1]), http.StatusOK)
		visitors, waiting = append(visitors, v), append(waiting, v.verifies(b, in[0]))
	}
	if err := in[1].sessions.RevokeAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, v := range visitors {
		v.revoked(in[0], true)
		v.revoked(in[1], true)
		v.want(in[0], "POST", "/certifications", waiting[i], http.StatusUnauthorized)
		v.want(in[1], "POST", "/certifications", v.verifies(b, in[0]), http.StatusOK)
		v.want(in[0], "GET", "/cellar", "", http.StatusOK)
	}
}
