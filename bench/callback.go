package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A begun attempt is what a browser holds of it.
type begun struct{ id, cookie string }

func (s *shop) begin() (begun, error) {
	w := newRecorder()
	s.handler.ServeHTTP(w, post("/certifications/attempts", `{"return_to":"/wine"}`))
	cookie, err := w.cookie()
	if err != nil || w.status != http.StatusCreated {
		return begun{}, fmt.Errorf("an attempt is answered with %d: %v", w.status, err)
	}
	id, ok := strings.CutPrefix(cookie.Name, cookieName+"-attempt-")
	if !ok {
		return begun{}, errors.New("no attempt's cookie")
	}
	return begun{id, cookie.Name + "=" + cookie.Value}, nil
}

// request is the callback.
func (a begun) request() *http.Request {
	r := post("/certifications", `{"imp_uid":"imp_`+a.id+`"}`)
	r.Header.Set("Cookie", a.cookie)
	return r
}

func post(path, body string) *http.Request {
	r := httptest.NewRequest("POST", origin+path, io.NopCloser(strings.NewReader(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

// callbacks are verifications from memory, and what they are made of.
func callbacks(v *visitors) (all []measure, err error) {
	for _, alg := range algorithms {
		s, err := newSessions(v.keys[alg], nil)
		if err != nil {
			return nil, err
		}
		shop, err := newShop(s)
		if err != nil {
			return nil, err
		}
		all = append(all,
			measure{"callback/" + alg, shop.first},
			measure{"callback/" + alg + "/parallel", shop.firstParallel},
			signAlone(v.keys[alg]))
		if alg == "HS256" {
			all = append(all, measure{"callback/repeated", shop.repeated}, measure{"callback/begin", shop.begins})
		}
	}
	return append(all, measure{"callback/store-put", storePut}), nil
}

// requests are callbacks of attempts that were just begun.
func (s *shop) requests(b *testing.B, n int) []*http.Request {
	list := make([]*http.Request, n)
	for i := range list {
		a, err := s.begin()
		if err != nil {
			b.Fatal(err)
		}
		list[i] = a.request()
	}
	return list
}

func (s *shop) confirm(b *testing.B, w *warmWriter, r *http.Request) {
	w.reset()
	if s.handler.ServeHTTP(w, r); w.status != http.StatusOK {
		b.Errorf("the callback answers %d", w.status)
	}
}

func (s *shop) first(b *testing.B) {
	w, list := newRecorder(), s.requests(b, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for _, r := range list {
		s.confirm(b, w, r)
	}
}

func (s *shop) firstParallel(b *testing.B) {
	list, next := s.requests(b, b.N), atomic.Int64{}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		w := newRecorder()
		for pb.Next() {
			s.confirm(b, w, list[next.Add(1)-1])
		}
	})
}

func (s *shop) repeated(b *testing.B) {
	a, err := s.begin()
	if err != nil {
		b.Fatal(err)
	}
	w := newRecorder()
	b.ReportAllocs()
	for range b.N {
		s.confirm(b, w, a.request())
	}
}

func (s *shop) begins(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		if _, err := s.begin(); err != nil {
			b.Fatal(err)
		}
	}
}

func signAlone(k *key) measure {
	input := k.token[:strings.LastIndexByte(k.token, '.')]
	return measure{"callback/sign/" + k.method.Alg(), func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := k.method.Sign(input, k.private); err != nil {
				b.Fatal(err)
			}
		}
	}}
}

func storePut(b *testing.B) {
	store, ctx := certify.NewMemoryStore(0, nil), context.Background()
	names := make([]string, b.N)
	for i := range names {
		names[i] = fmt.Sprintf("attempt:%032d", i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, name := range names {
		if _, err := store.PutIfAbsent(ctx, name, "a value of some bytes", time.Minute); err != nil && b.N < certify.DefaultMemoryLimit {
			b.Fatal(err)
		}
	}
}
