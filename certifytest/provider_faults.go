package certifytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

const (
	maxPause    = 10 * time.Second // that a failure without Retry-After may be remembered
	maxLookup   = time.Minute      // that a Lookup may take when nobody ends it
	endless     = 64 << 20         // bytes of an answer without an end
	maxRead     = 8 << 20          // bytes of one answer that may be read
	redirection = "http://" + elsewhere
)

var (
	unavailable = []certify.Code{certify.CodeProviderUnavailable}
	invalid     = []certify.Code{certify.CodeProviderInvalid}
	unusable    = []certify.Code{certify.CodeProviderInvalid, certify.CodeProviderUnavailable}
	operators   = []certify.Code{certify.CodeProviderMisconfigured, certify.CodeProviderUnavailable}
)

// A fault is what happens to the service's answer on the way.
type fault struct {
	name   string
	answer func(r *http.Request, real *http.Response) (*http.Response, error)
	codes  []certify.Code // of which Lookup's error has one
}

// rewritten is the fault of an answer with another status, label or content.
func rewritten(name string, status int, contentType string, content func(real string) string, codes []certify.Code) fault {
	return fault{name, func(_ *http.Request, real *http.Response) (*http.Response, error) {
		return answering(real, status, contentType, strings.NewReader(content(contentOf(real)))), nil
	}, codes}
}

func as(text string) func(string) string { return func(string) string { return text } }

func whole(text string) string { return text }

func half(text string) string { return text[:len(text)/2] }

// each makes every request of a lookup, and those after it, meet the fault. A
// lookup may take several: for a token, for the record.
func (s *providerTest) each(t *testing.T, f fault) {
	t.Helper()
	id := s.verified(t, s.attempt())
	s.anew(t)
	s.lookup(t, id)
	for k := range s.wire.asked() {
		s.anew(t)
		s.wire.meet(func(n int, r *http.Request) (*http.Response, error) {
			if n < k || r.URL.Host == elsewhere {
				return nil, nil
			}
			real, err := s.wire.pass(r)
			if err != nil {
				return nil, err
			}
			return f.answer(r, real)
		})
		began := time.Now()
		got, err := s.p.Lookup(t.Context(), id)
		what := fmt.Sprintf("%s, from request %d on", f.name, k+1)
		s.refused(t, what, got, err, f.codes...)
		if took := time.Since(began); took > maxLookup {
			t.Errorf("%s: Lookup took %s; it must give up within %s by itself", what, took, maxLookup)
		}
		s.wire.meet(nil)
		time.Sleep(maxPause) // and then nothing of it is remembered
		if got, err := s.p.Lookup(t.Context(), id); err != nil || got == nil {
			t.Errorf("%s: the next lookup fails, too: %v", what, err)
		}
	}
}

func testProviderAnswers(t *testing.T, s *providerTest) {
	const page, appJSON = "<!doctype html><title>" + canary + "</title>", "application/json"
	for _, f := range []fault{
		rewritten("HTTP 500", 500, "", whole, unavailable),
		rewritten("HTTP 502 of a proxy", 502, "text/html", as(page), unavailable),
		rewritten("HTTP 503", 503, "", as(""), unavailable),
		rewritten("HTTP 429", 429, "", as(canary), unavailable),
		rewritten("HTTP 401", 401, "", as(`{"message":"`+canary+`"}`), operators),
		rewritten("HTTP 403", 403, "", as(`{"message":"`+canary+`"}`), operators),
		rewritten("a page in place of an answer", 200, "text/html", as(page), invalid),
		rewritten("the answer labelled as a page", 0, "text/html; charset=utf-8", whole, invalid),
		rewritten("the answer as plain text", 0, "text/plain", whole, invalid),
		rewritten("half an answer", 0, "", half, invalid),
		rewritten("no content", 0, "", as(""), invalid),
		rewritten("null", 0, appJSON, as("null"), invalid),
		rewritten("an empty object", 0, appJSON, as("{}"), invalid),
		rewritten("a list", 0, appJSON, as(`["`+canary+`"]`), invalid),
		rewritten("a text", 0, appJSON, as(`"`+canary+`"`), invalid),
	} {
		s.each(t, f)
	}
	s.each(t, fault{"an answer of 64 MiB", func(_ *http.Request, real *http.Response) (*http.Response, error) {
		body := &longBody{Reader: io.MultiReader(io.LimitReader(spaces{}, endless), real.Body), t: t}
		return answering(real, 0, "", body), nil
	}, unusable})
}

// A longBody complains when much of it is read.
type longBody struct {
	io.Reader
	t    *testing.T
	read int
}

func (b *longBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.read += n; b.read > maxRead {
		b.t.Errorf("more than %d bytes of an answer were read", maxRead)
		return n, errors.New("certifytest: that is enough")
	}
	return n, err
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func testProviderRedirects(t *testing.T, s *providerTest) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		s.each(t, fault{fmt.Sprint("HTTP ", status), func(r *http.Request, real *http.Response) (*http.Response, error) {
			res := answering(real, status, "", nil)
			res.Header.Set("Location", redirection+r.URL.RequestURI())
			return res, nil
		}, unusable})
		if s.wire.strayed() {
			t.Errorf("a redirect by HTTP %d was followed, with the credentials: refuse them all (http.Client.CheckRedirect)", status)
		}
	}
}

func testProviderDown(t *testing.T, s *providerTest) {
	for _, f := range []fault{
		{"no connection", func(*http.Request, *http.Response) (*http.Response, error) {
			return nil, errors.New("dial tcp: " + canary)
		}, unavailable},
		{"a connection that breaks", func(_ *http.Request, real *http.Response) (*http.Response, error) {
			return answering(real, 0, "", io.MultiReader(strings.NewReader(half(contentOf(real))), broken{})), nil
		}, unusable},
		{"no answer", func(r *http.Request, _ *http.Response) (*http.Response, error) { return hang(0, r) }, unavailable},
		{"an answer that never ends, byte by byte", func(r *http.Request, real *http.Response) (*http.Response, error) {
			return answering(real, 0, "", &trickle{ctx: r.Context()}), nil
		}, unavailable},
	} {
		s.each(t, f)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("read tcp: " + canary) }

// A trickle is what keeps a connection alive, and a caller who only counts
// silences.
type trickle struct {
	ctx context.Context
	n   int
}

func (b *trickle) Read(p []byte) (int, error) {
	if b.n++; b.n > int(2*maxLookup/time.Second) {
		return 0, errTooPatient
	}
	select {
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
}

// errTooPatient ends the wait of a provider that sets itself no limit.
var errTooPatient = errors.New("certifytest: the provider waits for ever")

// hang answers when the caller gives up.
func hang(_ int, r *http.Request) (*http.Response, error) {
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-time.After(2 * maxLookup):
		return nil, errTooPatient
	}
}

func testProviderContext(t *testing.T, s *providerTest) {
	id := s.verified(t, s.attempt())
	s.anew(t)
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New(canary))
	s.leaves(t, "a caller who has left", gone, id, context.Canceled, 0)

	s.wire.meet(hang)
	leaving, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(time.Second, func() { cancel(errors.New(canary)) })
	s.leaves(t, "a caller who leaves", leaving, id, context.Canceled, time.Second)

	late, end := context.WithTimeout(t.Context(), time.Second)
	defer end()
	s.leaves(t, "a caller whose time is up", late, id, context.DeadlineExceeded, time.Second)
}

func (s *providerTest) leaves(t *testing.T, what string, ctx context.Context, id string, want error, after time.Duration) {
	t.Helper()
	began := time.Now()
	got, err := s.p.Lookup(ctx, id)
	s.refused(t, what, got, err, certify.CodeProviderUnavailable)
	if !errors.Is(err, want) {
		t.Errorf("%s: the error does not wrap %v", what, want)
	}
	if took := time.Since(began); took > after {
		t.Errorf("%s: Lookup returned after %s, not at once", what, took-after)
	}
}

// testProviderLeaving: what callers share, such as a token, outlives the one
// who asked for it first.
func testProviderLeaving(t *testing.T, s *providerTest) {
	a := s.attempt()
	id := s.verified(t, a)
	s.anew(t)
	open := make(chan struct{})
	s.wire.meet(func(_ int, r *http.Request) (*http.Response, error) {
		select {
		case <-open:
			return nil, nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	})
	leaving, cancel := context.WithCancel(t.Context())
	left, stayed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := s.p.Lookup(leaving, id)
		left <- err
	}()
	time.Sleep(time.Millisecond) // so that it is the first
	go func() {
		got, err := s.p.Lookup(t.Context(), id)
		if err == nil && got != nil {
			s.isPerson(t, got, a, id)
		}
		stayed <- err
	}()
	time.Sleep(time.Second)
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller who left got %v", err)
	}
	close(open)
	if err := <-stayed; err != nil {
		t.Errorf("the caller who stayed got %v", err)
	}
}
