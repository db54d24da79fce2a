package redisstore_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// BenchmarkGate compares gated requests with one store and another: over
// loopback HTTP, and without HTTP. It takes turns, so that whatever else happens
// on the machine happens to all, and reports medians.
func BenchmarkGate(b *testing.B) {
	gates := gatesOf(b)
	b.Run("over loopback HTTP", func(b *testing.B) { compare(b, gates, 20, gate.overHTTP) })
	b.Run("alone", func(b *testing.B) { compare(b, gates, 100, gate.alone) })
}

// A gate is an instance, and a request of a visitor who has a claim.
type gate struct {
	name    string
	in      *instance
	request *http.Request
}

func gatesOf(b *testing.B) (gates []gate) {
	b.Helper()
	keys, office := newKeys(b), &bureau{}
	for _, s := range stores(b) {
		g := gate{name: s.name, in: newInstance(b, office, certify.SessionConfig{Keys: keys, Store: s.store})}
		v := newVisitor(b, "")
		v.pass(office, g.in, g.in)
		u, err := url.Parse(g.in.URL + "/cellar")
		if err != nil {
			b.Fatal(err)
		}
		g.request = &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: make(http.Header)}
		for _, c := range v.client.Jar.Cookies(u) {
			g.request.AddCookie(c)
		}
		gates = append(gates, g)
	}
	return gates
}

func (g gate) overHTTP(b *testing.B) {
	res, err := http.DefaultTransport.RoundTrip(g.request)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b.Fatal(res.Status)
	}
}

func (g gate) alone(b *testing.B) {
	w := httptest.NewRecorder()
	if g.in.Config.Handler.ServeHTTP(w, g.request); w.Code != http.StatusOK {
		b.Fatal(w.Code)
	}
}

// compare times so many requests of each gate in a row, b.N times in turn.
func compare(b *testing.B, gates []gate, row int, request func(gate, *testing.B)) {
	b.Helper()
	took := make([][]time.Duration, len(gates))
	for range b.N {
		for i, g := range gates {
			request(g, b) // after the others, the machine has forgotten this one
			began := time.Now()
			for range row {
				request(g, b)
			}
			took[i] = append(took[i], time.Since(began)/time.Duration(row))
		}
	}
	median := func(i int) float64 {
		slices.Sort(took[i])
		return float64(took[i][len(took[i])/2].Nanoseconds())
	}
	memory := median(0)
	for i, name := range []string{"memory", "kept", "asked"} {
		b.ReportMetric(median(i), "ns-"+name)
		b.ReportMetric(median(i)/memory, "x-"+name)
	}
	b.ReportMetric(0, "ns/op") // of all together, which tells nothing
}
