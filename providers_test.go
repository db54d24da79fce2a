package certify_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A movedProvider is a fakeProvider under a name; "v2" behaves as V2 does: the
// attempt's id is the verification's.
type movedProvider struct {
	*fakeProvider
	name string
}

func (p movedProvider) Name() string { return p.name }

func (p movedProvider) CallbackID(v url.Values, a certify.Attempt) (string, error) {
	if p.name == "v1" {
		return p.fakeProvider.CallbackID(v, a)
	}
	switch id := v.Get("identityVerificationId"); id {
	case "":
		return "", certify.CodeVerificationIDMissing
	case a.ID:
		return id, nil
	}
	return "", certify.CodeAttemptMissing
}

// A move is a site that changes its provider while visitors are under way.
type move struct {
	*site
	v1, v2 movedProvider
	mu     sync.Mutex
	first  *certify.Handler
	events []certify.Event
}

func newMove(t *testing.T, change func(*certify.HandlerConfig)) *move {
	t.Helper()
	m := &move{}
	m.site = newSite(t, siteConfig{
		routes: func(mux *http.ServeMux) {
			serve := func(w http.ResponseWriter, r *http.Request) {
				m.mu.Lock()
				h := m.first
				m.mu.Unlock()
				http.StripPrefix("/move", h).ServeHTTP(w, r)
			}
			mux.HandleFunc("/move/certifications", serve)
			mux.HandleFunc("/move/certifications/", serve)
		},
		sessions: func(c *certify.SessionConfig) {
			c.Event = func(_ context.Context, e certify.Event) {
				m.mu.Lock()
				defer m.mu.Unlock()
				m.events = append(m.events, e)
			}
		},
	})
	m.v1 = movedProvider{&fakeProvider{now: m.site.now}, "v1"}
	m.v2 = movedProvider{&fakeProvider{now: m.site.now}, "v2"}
	m.begins(t, m.v1, nil, change)
	return m
}

// begins mounts a Handler whose new attempts go to p.
func (m *move) begins(t *testing.T, p certify.Provider, others []certify.Provider, change func(*certify.HandlerConfig)) {
	t.Helper()
	cfg := certify.HandlerConfig{Sessions: m.sessions, Provider: p, OtherProviders: others, Pepper: testPepper}
	if change != nil {
		change(&cfg)
	}
	h, err := certify.NewHandler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.first = h
}

func (m *move) begin(t *testing.T, b *browser) string {
	t.Helper()
	a := b.post("/move/certifications/attempts", "{}")
	id, _ := a.json(t)["merchant_uid"].(string)
	if a.StatusCode != http.StatusCreated || id == "" {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	return id
}

func (m *move) lastRefusal() certify.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range slices.Backward(m.events) {
		if e.Kind == certify.EventRefused || e.Kind == certify.EventFault {
			return e
		}
	}
	return certify.Event{}
}

// Attempts of before the switch finish after it, and a callback is only for
// the provider that its attempt names.
func TestMovingToAnotherProvider(t *testing.T) {
	t.Parallel()
	m := newMove(t, nil)
	late, foreign, old := m.browser(), m.browser(), m.browser()
	lateID := m.begin(t, late)
	foreignID := m.begin(t, foreign)
	m.begin(t, old)
	m.begins(t, m.v2, []certify.Provider{m.v1}, nil)

	m.v1.verify("imp_late", lateID)
	a := late.post("/move/certifications", `{"imp_uid":"imp_late"}`)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("an attempt of before the switch: status %d: %s", a.StatusCode, a.body)
	}
	first := late.claim().DIHash

	fresh := m.browser()
	freshID := m.begin(t, fresh)
	m.v2.verify(freshID, freshID)
	if a := fresh.post("/move/certifications", `{"identityVerificationId":"`+freshID+`"}`); a.StatusCode != http.StatusOK {
		t.Fatalf("an attempt of after the switch: status %d: %s", a.StatusCode, a.body)
	}
	if second := fresh.claim().DIHash; first == "" || second != first {
		t.Errorf("one person has two hashes: %q and %q", first, second)
	}

	m.v2.verify(foreignID, foreignID) // as V2 would, had it begun there
	if a := foreign.post("/move/certifications", `{"identityVerificationId":"`+foreignID+`"}`); a.code() != "attempt_missing" {
		t.Errorf("a V2 verification under a V1 attempt: status %d: %s", a.StatusCode, a.body)
	}
	if a := old.get("/move/certifications/redirect?identityVerificationId=" + freshID + "&code=X"); a.code() != "attempt_missing" {
		t.Errorf("another browser's V2 callback, where V1 was begun: status %d: %s", a.StatusCode, a.body)
	}
	if a := old.get("/move/certifications/redirect?success=false"); a.code() != "verification_cancelled" {
		t.Errorf("a callback without an id that says it failed: status %d: %s", a.StatusCode, a.body)
	}

	m.v1.verify("imp_old", foreignID, func(id *certify.Identity) { id.VerifiedAt = m.site.now().Add(-time.Hour) })
	if a := foreign.post("/move/certifications", `{"imp_uid":"imp_old"}`); a.code() != "verification_out_of_time" {
		t.Errorf("out of time: status %d: %s", a.StatusCode, a.body)
	}
	if e := m.lastRefusal(); e.Code != certify.CodeVerificationOutOfTime || e.Provider != "v1" {
		t.Errorf("what V1 did is told of %q: %s", e.Provider, e.Code)
	}
}

// What is asked before a message is paid for knows that its provider is gone.
func TestAttemptOfAProviderThatIsGone(t *testing.T) {
	t.Parallel()
	m := newMove(t, nil)
	b := m.browser()
	id := m.begin(t, b)
	r := httptest.NewRequest(http.MethodPost, "/send", nil)
	r.Header.Set("Cookie", b.attemptCookies())
	m.begins(t, m.v2, []certify.Provider{m.v1}, nil)
	if a, err := m.first.Attempt(r, id); err != nil || a.Provider != "v1" {
		t.Errorf("during the move: %q, error %v", a.Provider, err)
	}
	m.begins(t, m.v2, nil, nil)
	if _, err := m.first.Attempt(r, id); !errors.Is(err, certify.CodeAttemptMissing) {
		t.Errorf("after it: error %v", err)
	}
}

func TestAProviderThatHangsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	one := func(c *certify.HandlerConfig) { c.MaxLookups = 1 }
	m := newMove(t, one)
	stuck := m.browser()
	stuckID := m.begin(t, stuck)
	m.begins(t, m.v2, []certify.Provider{m.v1}, one)
	asked, answer := make(chan struct{}), make(chan struct{})
	m.v1.fail = func(string) error {
		close(asked)
		<-answer
		return nil
	}
	m.v1.verify("imp_1", stuckID)
	var done sync.WaitGroup
	done.Go(func() {
		if a := stuck.post("/move/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != http.StatusOK {
			t.Errorf("V1, at last: status %d: %s", a.StatusCode, a.body)
		}
	})
	<-asked
	b := m.browser()
	id := m.begin(t, b)
	m.v2.verify(id, id)
	if a := b.post("/move/certifications", `{"identityVerificationId":"`+id+`"}`); a.StatusCode != http.StatusOK {
		t.Errorf("V2, while V1 hangs: status %d: %s", a.StatusCode, a.body)
	}
	close(answer)
	done.Wait()
}
