package certifytest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// canary is in what the suite answers in the service's place: it must get no
// further.
const canary = "a-canary-of-the-suite"

// elsewhere is where redirects lead.
const elsewhere = "elsewhere.invalid"

// A wire brings requests to the service, unless its fault answers them.
type wire struct {
	service http.Handler

	mu    sync.Mutex
	hosts []string // of the requests, in order
	fault func(n int, r *http.Request) (*http.Response, error)
}

// meet sets the fault, which sees the n-th request, from 0. It answers nil and
// no error to let it pass.
func (w *wire) meet(fault func(n int, r *http.Request) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = fault
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	n, fault := len(w.hosts), w.fault
	w.hosts = append(w.hosts, r.URL.Host)
	w.mu.Unlock()
	if fault != nil {
		if res, err := fault(n, r); res != nil || err != nil {
			return res, err
		}
	}
	return w.pass(r)
}

// pass has the service answer, at once.
func (w *wire) pass(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body := io.Reader(http.NoBody)
	if r.Body != nil {
		body = r.Body
		defer r.Body.Close()
	}
	if r.URL.Host == "" || r.URL.Host == elsewhere {
		return nil, errors.New("certifytest: no such host")
	}
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), body)
	in.Header, in.RemoteAddr = r.Header.Clone(), "127.0.0.1:49152"
	if r.Host != "" {
		in.Host = r.Host
	}
	out := httptest.NewRecorder()
	w.service.ServeHTTP(out, in)
	res := out.Result()
	res.Request = r
	return res, nil
}

// asked counts the requests.
func (w *wire) asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.hosts)
}

// strayed reports whether a request followed a redirect.
func (w *wire) strayed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, host := range w.hosts {
		if host == elsewhere {
			return true
		}
	}
	return false
}

// answering is the answer with another status, label or content where they
// are not zero.
func answering(res *http.Response, status int, contentType string, body io.Reader) *http.Response {
	changed := *res
	changed.Header = res.Header.Clone()
	changed.Header.Del("Content-Length")
	changed.ContentLength = -1
	if status != 0 {
		changed.StatusCode, changed.Status = status, http.StatusText(status)
	}
	if contentType != "" {
		changed.Header.Set("Content-Type", contentType)
	}
	if body != nil {
		changed.Body = io.NopCloser(body)
	}
	return &changed
}

func contentOf(res *http.Response) string {
	var text strings.Builder
	_, _ = io.Copy(&text, res.Body)
	return text.String()
}
