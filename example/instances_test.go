package main

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

// served is the process that nginx sent a request to.
func served(a answer) string { return a.Header.Get("X-Served-By") }

func TestSeveralProcesses(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	v, attempt, impUID := f.everywhere()

	// The verification is good for its own attempt, again and anywhere; a
	// second one under the attempt, and the first under a second attempt, are not.
	second := f.verified(attempt, sandbox.Adult)
	other := f.caller()
	other.begin("")
	for i := range f.shops {
		want(t, "the same again", v.at(i).confirm(impUID), http.StatusOK)
		if a := v.at(i).confirm(second); a.StatusCode != http.StatusConflict || a.code() != string(certify.CodeAttemptUsed) {
			t.Errorf("another verification under the attempt: status %d, %s", a.StatusCode, a.code())
		}
		if a := other.at(i).confirm(impUID); a.StatusCode != http.StatusForbidden || a.code() != string(certify.CodeVerificationRefused) {
			t.Errorf("the verification under another attempt: status %d, %s", a.StatusCode, a.code())
		}
	}

	// Signed out at one, out at all.
	thief := v.thief()
	for i := range f.shops {
		want(t, "before signing out", thief.at(i).open("/cellar"), http.StatusOK)
	}
	want(t, "signing out", v.at(0).post("/certifications/logout", ""), http.StatusNoContent)
	out := time.Now()
	for i := range f.shops {
		for at := thief.at(i); ; {
			asked := time.Since(out)
			a := at.do(http.MethodGet, "/cellar", "", "")
			if a.StatusCode == http.StatusUnauthorized && a.code() == string(certify.CodeClaimRevoked) {
				break
			}
			if a.StatusCode != http.StatusOK || asked > time.Second {
				t.Fatalf("%s after signing out: status %d, %s", asked, a.StatusCode, a.code())
			}
		}
	}
	want(t, "the same verification, after signing out", thief.confirm(impUID), http.StatusUnauthorized, string(certify.CodeClaimRevoked))
}

// everywhere begins at one process, finishes at the second, and is gated at the
// third, as nginx has it.
func (f *fleet) everywhere() (v *caller, attempt, impUID string) {
	f.t.Helper()
	var by []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && !f.t.Failed(); { // who is asked to come again comes to the next
		v = f.caller()
		begun := v.post("/certifications/attempts", `{"return_to":"/cellar"}`)
		want(f.t, "begin", begun, http.StatusCreated)
		attempt = begun.json(f.t)["merchant_uid"].(string)
		impUID = f.verified(attempt, sandbox.Adult)
		confirmed := v.confirm(impUID)
		want(f.t, "confirm", confirmed, http.StatusOK)
		cellar := v.open("/cellar")
		want(f.t, "the cellar", cellar, http.StatusOK)
		by = []string{served(begun), served(confirmed), served(cellar)}
		if by[0] != by[1] && by[1] != by[2] && by[0] != by[2] && !slices.Contains(by, "") {
			return v, attempt, impUID
		}
	}
	f.t.Fatalf("begun, finished and gated by %q, and each should be another", by)
	return nil, "", ""
}

// TestSigningOutEverywhere measures how long other processes go on to admit
// who signed out at one. Each polls without pause.
func TestSigningOutEverywhere(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	const rounds = 40
	var late []time.Duration
	for round := range rounds {
		v := f.caller()
		v.pass()
		thief := v.thief()
		var ready, done sync.WaitGroup
		last := make([]time.Time, len(f.shops)) // when the last request began that was admitted
		for i := range f.shops {
			ready.Add(1)
			done.Go(func() { last[i] = thief.at(i).admittedUntil(ready.Done) })
		}
		ready.Wait()
		want(t, "signing out", v.at(round%3).post("/certifications/logout", ""), http.StatusNoContent)
		out := time.Now()
		done.Wait()
		for i := range f.shops {
			if i != round%3 {
				late = append(late, max(0, last[i].Sub(out)))
			}
		}
	}
	slices.Sort(late)
	p99, worst := late[len(late)*99/100], late[len(late)-1]
	t.Logf("other processes admitted who had signed out for: p50 %s, p99 %s, at most %s (%d measured)", late[len(late)/2], p99, worst, len(late))
	if worst > time.Second {
		t.Errorf("somebody who signed out was admitted %s later", worst)
	}
}

// admittedUntil asks without pause, calls ready when it has been admitted for a
// while, and returns when the last request began that was.
func (c *caller) admittedUntil(ready func()) (last time.Time) {
	soon := sync.OnceFunc(ready)
	defer soon()
	for n := 0; ; n++ {
		if n == 4 {
			soon()
		}
		began := time.Now()
		a, err := c.try(http.MethodGet, "/cellar", "", "")
		switch {
		case err == nil && a.StatusCode == http.StatusOK:
			last = began
		case err == nil && n > 3 && a.code() == string(certify.CodeClaimRevoked):
			return last
		default:
			c.t.Errorf("request %d: %v, %s", n, err, a.code())
			return last
		}
	}
}

// TestRollingRotation gives the processes a new key, one after the other and in
// the order that the documentation says, while visitors come and go.
func TestRollingRotation(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	var walks, gates atomic.Int64
	stop := make(chan struct{})
	var done sync.WaitGroup
	for i := range 4 {
		done.Go(func() { f.comeAndGo(stop, i%2 == 0, &walks, &gates) })
	}
	old, next := f.currentKeys(), generateKey(t)
	attempt := f.caller()
	id := attempt.begin("") // under the old key
	for _, keys := range [][]string{{old, next}, {next, old}} {
		before := gates.Load()
		f.roll(keys...)
		for deadline := time.Now().Add(3 * patience); gates.Load() < before+40 && time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		}
	}
	want(t, "an attempt of before the rotation", attempt.confirm(f.verified(id, sandbox.Adult)), http.StatusOK)
	fresh := f.caller()
	fresh.pass()
	for deadline := time.Now().Add(3 * patience); (walks.Load() < 20 || gates.Load() < 100) && time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
	}
	close(stop)
	done.Wait()
	// The old key goes when nothing is alive any more that it signed.
	f.roll(next)
	want(t, "a claim of the new key", fresh.open("/cellar"), http.StatusOK)
	if walks.Load() < 20 || gates.Load() < 100 {
		t.Errorf("only %d walks and %d gates meanwhile", walks.Load(), gates.Load())
	}
	t.Logf("%d verifications and %d gated requests during nine restarts, none refused", walks.Load(), gates.Load())
}

// comeAndGo is gated again and again, with one claim or each time with another.
func (f *fleet) comeAndGo(stop <-chan struct{}, anew bool, walks, gates *atomic.Int64) {
	holder := f.caller() // with the claim of before
	holder.pass()
	for {
		select {
		case <-stop:
			return
		default:
		}
		if anew {
			holder = f.caller()
			holder.pass()
			walks.Add(1)
		}
		if a := holder.open("/cellar"); a.StatusCode != http.StatusOK {
			f.t.Errorf("dropped: status %d, %s: %.200s", a.StatusCode, a.code(), a.body)
			return
		}
		gates.Add(1)
	}
}

// Without their Redis the processes admit nobody, and come back by themselves.
func TestSeveralProcessesWithoutRedis(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	v := f.caller()
	v.pass()
	v.client.Transport = nil // which is not polite
	f.redis.end(syscall.SIGKILL)
	gone := time.Now()
	for i := range f.shops {
		at := v.at(i)
		for {
			asked := time.Since(gone)
			a := at.open("/cellar")
			if a.StatusCode == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "" {
				break
			}
			if a.StatusCode != http.StatusOK || asked > time.Second {
				t.Fatalf("%s after Redis was gone: status %d: %.200s", asked, a.StatusCode, a.body)
			}
		}
	}
	f.redis.start()
	for i := range f.shops {
		at := v.at(i)
		for began := time.Now(); at.open("/cellar").StatusCode != http.StatusOK; <-time.After(5 * time.Millisecond) {
			if time.Since(began) > patience {
				t.Fatal("it does not come back")
			}
		}
	}
}
