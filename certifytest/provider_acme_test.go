package certifytest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
)

// acme is a third provider, as its author would write it, and the service that
// it asks. What a test breaks in it is in its flaw.
type acme struct {
	flaw    string
	http    *http.Client
	last    map[string]any // that a flawed Begin shares
	cache   sync.Map       // of a flawed Lookup
	claimed sync.Map       // of a flawed CallbackID
}

const acmeSecret = "acme-secret-of-a-test"

var acmeID = regexp.MustCompile(`^v-[0-9a-f]{32}$`)

func newAcme(flaw string, transport http.RoundTripper) (*acme, error) {
	p := &acme{flaw: flaw, http: &http.Client{Transport: transport}, last: map[string]any{}}
	if flaw != "follows redirects" {
		p.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	if flaw == "asks in New" {
		_, _ = p.Lookup(context.Background(), "v-"+strings.Repeat("0", 32))
	}
	return p, nil
}

func (p *acme) Name() string {
	if p.flaw == "has a bad name" {
		return "Acme"
	}
	return "acme"
}

func (p *acme) Format(f fmt.State, verb rune) {
	if p.flaw == "prints its secret" {
		_, _ = io.WriteString(f, acmeSecret)
	}
	_, _ = io.WriteString(f, "acme")
}

func (p *acme) Begin(a certify.Attempt) certify.Start {
	params := map[string]any{"attempt": a.ID, "back": a.RedirectURL}
	switch p.flaw {
	case "does not name the attempt":
		params["attempt"] = "1"
	case "tells the browser its secret":
		params["key"] = acmeSecret
	case "shares what it begins with":
		p.last[a.ID] = a.RedirectURL
		params["all"] = p.last
	}
	name := "acme_id"
	if p.flaw == "names the id like the script" {
		name = "script"
	}
	return certify.Start{Script: "https://acme.example/sdk.js", IDName: name, Calls: []certify.Call{{Function: "ACME.open", Args: []any{params}}}}
}

func (p *acme) CallbackID(v url.Values, a certify.Attempt) (string, error) {
	ids := v["verification"]
	switch {
	case p.flaw == "takes the first id" && len(ids) > 1:
		ids = ids[:1]
	case p.flaw == "has an error of its own" && len(ids) == 0:
		return "", errors.New("acme: no id")
	}
	switch {
	case len(ids) == 0 || ids[0] == "":
		return "", certify.CodeVerificationIDMissing
	case len(ids) > 1, !acmeID.MatchString(ids[0]) && p.flaw != "takes any id":
		return "", certify.CodeVerificationIDMalformed
	case v.Get("attempt") != a.ID && p.flaw != "takes others' callbacks":
		return "", certify.CodeAttemptMissing
	}
	if p.flaw == "believes the browser" {
		p.claimed.Store(ids[0], a.ID)
	}
	return ids[0], nil
}

type acmeRecord struct {
	ID, Attempt, State, Channel, Born, Name, Ci, Di string
	At                                              time.Time
}

func acmeFault(code certify.Code, detail string, cause error) error {
	return &certify.ProviderError{Code: code, Detail: detail, Err: cause}
}

func (p *acme) Lookup(ctx context.Context, id string) (*certify.Identity, error) {
	if !acmeID.MatchString(id) && p.flaw != "asks for any id" {
		return nil, acmeFault(certify.CodeVerificationRefused, "not an id", nil)
	}
	if who, ok := p.cache.Load(id); ok {
		return who.(*certify.Identity), nil
	}
	rec, err := p.fetch(ctx, id)
	if err != nil {
		return nil, err
	}
	who, err := p.judge(rec, id)
	if failed, ok := err.(*certify.ProviderError); ok {
		failed.AttemptID = rec.Attempt
		switch p.flaw {
		case "says it was another's":
			failed.AttemptID = rec.ID
		case "does not say whose it was":
			failed.AttemptID = ""
		}
	}
	if p.flaw == "hands out one identity to all" && err == nil {
		p.cache.Store(id, who)
	}
	return who, err
}

func (p *acme) fetch(ctx context.Context, id string) (*acmeRecord, error) {
	outer := ctx
	if p.flaw != "waits for ever" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
	}
	if p.flaw == "ignores the context" {
		ctx = context.WithoutCancel(ctx)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
	}
	if p.flaw == "asks for any id" {
		id = url.PathEscape(id)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://acme.example/v/"+id, nil)
	if err != nil {
		return nil, acmeFault(certify.CodeProviderInvalid, "no URL", nil)
	}
	req.Header.Set("Authorization", acmeSecret)
	res, err := p.http.Do(req)
	if err != nil {
		return nil, p.down(outer, err)
	}
	defer res.Body.Close()
	limit := int64(1 << 20)
	if p.flaw == "reads without end" {
		limit = 1 << 40
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit))
	if err != nil {
		return nil, p.down(outer, err)
	}
	return p.read(res, body)
}

func (p *acme) down(ctx context.Context, err error) error {
	cause := ctx.Err()
	detail := "no answer"
	switch p.flaw {
	case "quotes the transport":
		detail = err.Error()
	case "wraps the transport's error":
		cause = err
	case "forgets who left":
		cause = nil
	case "returns plain errors":
		return errors.Join(errors.New("acme: no answer"), cause)
	}
	return acmeFault(certify.CodeProviderUnavailable, detail, cause)
}

func (p *acme) read(res *http.Response, body []byte) (*acmeRecord, error) {
	status := res.StatusCode
	if p.flaw == "looks at no status" {
		status = 200
	}
	switch {
	case status == 404:
		return nil, acmeFault(certify.CodeVerificationRefused, "no such record", nil)
	case status == 401, status == 403:
		return nil, acmeFault(certify.CodeProviderMisconfigured, "refused", nil)
	case status == 429, status >= 500:
		return nil, acmeFault(certify.CodeProviderUnavailable, "down", nil)
	case status != 200:
		return nil, acmeFault(certify.CodeProviderInvalid, "another status", nil)
	case res.Header.Get("Content-Type") != "application/json" && p.flaw != "reads any label":
		return nil, acmeFault(certify.CodeProviderInvalid, "no JSON", nil)
	}
	rec := &acmeRecord{}
	if err := json.Unmarshal(body, rec); err != nil {
		detail := "no JSON"
		if p.flaw == "quotes the answer" {
			detail = "no JSON: " + string(body)
		}
		return nil, acmeFault(certify.CodeProviderInvalid, detail, nil)
	}
	return rec, nil
}

func (p *acme) judge(rec *acmeRecord, id string) (*certify.Identity, error) {
	switch {
	case rec.ID != id && p.flaw != "takes another's record":
		return nil, acmeFault(certify.CodeProviderInvalid, "another record", nil)
	case rec.State == "failed" && p.flaw == "refuses failures by the wrong code":
		return nil, acmeFault(certify.CodeProviderInvalid, "failed", nil)
	case rec.State != "done" && p.flaw != "looks at no state":
		return nil, acmeFault(certify.CodeVerificationPending, "not done", nil)
	case rec.Channel != "live" && p.flaw != "takes any channel":
		return nil, acmeFault(certify.CodeChannelRefused, "channel", nil)
	}
	born, err := certify.ParseBirthDate(rec.Born, time.Now())
	if err != nil {
		return nil, acmeFault(certify.CodeProviderInvalid, "birth date", nil)
	}
	who := &certify.Identity{ID: id, AttemptID: rec.Attempt, Channel: "acme", VerifiedAt: rec.At, Name: rec.Name, BirthDate: born, CI: rec.Ci, DI: rec.Di}
	switch p.flaw {
	case "drops the DI":
		who.DI = ""
	case "makes up the time":
		who.VerifiedAt = rec.At.Add(-time.Hour)
	case "says now":
		who.VerifiedAt = time.Now()
	case "names no attempt":
		who.AttemptID = ""
	case "believes the browser":
		if claimed, ok := p.claimed.Load(id); ok {
			who.AttemptID = claimed.(string)
		}
	case "salts the DI":
		who.DI += id
	}
	return who, nil
}

// acmeService keeps the records of a service.
type acmeService struct {
	mu      sync.Mutex
	records map[string]acmeRecord
}

func (s *acmeService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	rec, found := s.records[strings.TrimPrefix(r.URL.Path, "/v/")]
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if !found || r.Header.Get("Authorization") != acmeSecret {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(rec)
}

func (s *acmeService) verify(a certify.Attempt, end certifytest.ProviderEnd) (url.Values, error) {
	rec := acmeRecord{
		ID: "v-" + a.ID, Attempt: a.ID, State: "done", Channel: "live", At: time.Now(),
		Born: "1990-05-15", Name: "홍길동", Ci: strings.Repeat("c", 88), Di: strings.Repeat("d", 64),
	}
	said := url.Values{"verification": {rec.ID}, "attempt": {a.ID}}
	switch end {
	case certifytest.EndUnfinished:
		rec.State = "open"
	case certifytest.EndFailed:
		rec.State = "failed"
	case certifytest.EndTestChannel:
		rec.Channel = "test"
	case certifytest.EndOtherChannel:
		return nil, errors.ErrUnsupported // the service has but one
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if end != certifytest.EndUnknown {
		s.records[rec.ID] = rec
	}
	return said, nil
}

func openAcme(t testing.TB, flaw string) certifytest.ProviderSubject {
	t.Helper()
	service := &acmeService{records: make(map[string]acmeRecord)}
	born, err := certify.ParseBirthDate("1990-05-15", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return certifytest.ProviderSubject{
		New:     func(transport http.RoundTripper) (certify.Provider, error) { return newAcme(flaw, transport) },
		Service: service, Verify: service.verify, Secrets: []string{acmeSecret},
		Person: certify.Identity{Channel: "acme", Name: "홍길동", BirthDate: born, CI: strings.Repeat("c", 88), DI: strings.Repeat("d", 64)},
	}
}
