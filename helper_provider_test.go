package certify_test

import (
	"context"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// fakeProvider answers from memory. It behaves as V1 does: it makes the
// verification's id, and the record names the attempt.
type fakeProvider struct {
	now func() time.Time

	mu      sync.Mutex
	records map[string]*certify.Identity
	fail    func(id string) error
	lookups int
}

func (p *fakeProvider) Name() string { return "fake" }

func (p *fakeProvider) Begin(a certify.Attempt) certify.Start {
	return certify.Start{
		Script: "https://provider.example/sdk.js", IDName: "merchant_uid",
		Calls: []certify.Call{{Function: "SDK.open", Args: []any{map[string]any{"merchant_uid": a.ID, "m_redirect_url": a.RedirectURL}}, Callback: true}},
	}
}

func (p *fakeProvider) CallbackID(v url.Values, a certify.Attempt) (string, error) {
	if uid := v.Get("merchant_uid"); uid != "" && uid != a.ID {
		return "", certify.CodeAttemptMissing
	}
	switch id := v.Get("imp_uid"); {
	case id == "":
		return "", certify.CodeVerificationIDMissing
	case len(id) > 40 || id[0] != 'i':
		return "", certify.CodeVerificationIDMalformed
	default:
		return id, nil
	}
}

func (p *fakeProvider) Lookup(ctx context.Context, id string) (*certify.Identity, error) {
	p.mu.Lock()
	p.lookups++
	fail, record := p.fail, p.records[id]
	p.mu.Unlock()
	if fail != nil {
		if err := fail(id); err != nil {
			return nil, err
		}
	}
	if record == nil {
		return nil, &certify.ProviderError{Code: certify.CodeVerificationRefused, Detail: "no such record"}
	}
	found := *record
	return &found, nil
}

// verify makes a completed record for the attempt, and returns its id.
func (p *fakeProvider) verify(id, attempt string, change ...func(*certify.Identity)) string {
	born, err := certify.ParseBirthDate("1990-03-14", p.now())
	if err != nil {
		panic(err)
	}
	record := &certify.Identity{
		ID: id, AttemptID: attempt, Channel: "danal", VerifiedAt: p.now(), BirthDate: born,
		Name: secretName, Phone: secretPhone, CI: secretCI, DI: secretDI,
		Nationality: certify.NationalityKorean,
	}
	for _, c := range change {
		c(record)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.records == nil {
		p.records = make(map[string]*certify.Identity)
	}
	p.records[id] = record
	return id
}

// Personal data that must turn up nowhere.
const (
	secretName  = "홍길동<script>"
	secretPhone = "01012345678"
	secretCI    = "CI-AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	secretDI    = "DI-MC0GCCqGSIb3DQIJAyEAAAECAwQFBgcI"
)

func born(t testing.TB, s string, now time.Time) certify.BirthDate {
	t.Helper()
	b, err := certify.ParseBirthDate(s, now)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
