package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A warmWriter is a ResponseWriter whose header map has been used before: to
// make a map is the server's work. It is as small as a server's, since
// clearing costs by what there is room for.
type warmWriter struct {
	header http.Header
	status int
}

func newRecorder() *warmWriter { return &warmWriter{header: make(http.Header)} }

func (w *warmWriter) Header() http.Header         { return w.header }
func (w *warmWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *warmWriter) WriteHeader(status int)      { w.status = status }

func (w *warmWriter) reset() {
	clear(w.header)
	w.status = http.StatusOK
}

func (w *warmWriter) cookie() (*http.Cookie, error) {
	lines := w.header["Set-Cookie"]
	if len(lines) == 0 {
		return nil, errors.New("no cookie")
	}
	return http.ParseSetCookie(lines[0])
}

// bearer is an API's request.
func bearer(token string) *http.Request {
	r := httptest.NewRequest("GET", origin+"/wine", nil)
	r.Header.Set("Accept", "*/*")
	r.Header.Set("User-Agent", "bench")
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// withCookie is a browser's request: other cookies stand around ours.
func withCookie(name, value string) *http.Request {
	r := httptest.NewRequest("GET", origin+"/wine", nil)
	r.Header.Set("Accept", "*/*")
	r.Header.Set("User-Agent", "bench")
	r.Header.Set("Cookie", "theme=dark; _ga=GA1.1.1234567890.1700000000; "+name+"="+value+"; lang=ko")
	return r
}

// serial serves one request again and again, and wants that status.
func serial(name string, h http.Handler, r *http.Request, status int) measure {
	return measure{name, func(b *testing.B) {
		w := newRecorder()
		b.ReportAllocs()
		for b.Loop() {
			w.reset()
			h.ServeHTTP(w, r)
		}
		if w.status != status {
			b.Fatalf("%s: status %d, want %d", name, w.status, status)
		}
	}}
}

// parallel is serial on all processors.
func parallel(name string, h http.Handler, request func() *http.Request, status int) measure {
	return measure{name, func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			w, r := newRecorder(), request()
			for pb.Next() {
				w.reset()
				h.ServeHTTP(w, r)
			}
			if w.status != status && w.status != 0 {
				b.Errorf("%s: status %d, want %d", name, w.status, status)
			}
		})
	}}
}

// nothing is the handler behind the gate.
var nothing = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
