package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/certify-go/certify"
)

// measureLoopback counts what a real server answers. Clients write requests
// that were made before and look for the status alone, since they take from the
// same processors.
func (t *table) measureLoopback(w io.Writer, v *visitors, p plan) error {
	k := v.keys["HS256"]
	s, err := newSessions(k, nil)
	if err != nil {
		return err
	}
	raw, err := golangJWT(k)
	if err != nil {
		return err
	}
	all := []served{
		{"loopback/bare", answering(nil)},
		{"loopback/gated", s.Load(certify.Require(certify.YouthProtection())(answering(nil)))},
		{"loopback/golang-jwt", answering(raw)},
	}
	for range loopbackTurns {
		for _, h := range all {
			if !p.only.MatchString(h.name) {
				continue
			}
			each, err := loopback(h, k.token, p.each)
			if err != nil {
				return fmt.Errorf("%s: %w", h.name, err)
			}
			fmt.Fprintf(w, "Benchmark%s-%d\t1\t%.0f ns/op\t%.0f cpu-ns/op\t%.0f requests/s\n", h.name, runtime.GOMAXPROCS(0), each.passed, each.worked, 1e9/each.passed)
			t.add(h.name, figure{ns: each.passed})
			t.add(h.name+"/cpu", figure{ns: each.worked})
		}
	}
	return nil
}

const loopbackTurns = 10 // in each round: a server is more easily disturbed than a function

type served struct {
	name string
	http.Handler
}

// answering writes a short page with its type, as handlers do, once before has
// let the request through.
func answering(before http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before != nil {
			before.ServeHTTP(w, r)
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "wine\n")
	})
}

// A cost is that of one request, in nanoseconds: the time that passes, and that
// for which processors worked, which other work on the machine disturbs less.
type cost struct{ passed, worked float64 }

func loopback(h http.Handler, token string, during time.Duration) (cost, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return cost{}, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	request := []byte("GET /wine HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: */*\r\nAuthorization: Bearer " + token + "\r\n\r\n")
	var (
		done   atomic.Int64
		failed atomic.Pointer[error]
		wg     sync.WaitGroup
	)
	ctx, stop := context.WithTimeout(context.Background(), during)
	defer stop()
	begin, worked := time.Now(), processorTime()
	for range 4 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			n, err := ask(ctx, listener.Addr().String(), request)
			done.Add(n)
			if err != nil {
				failed.Store(&err)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return cost{}, *err
	}
	n := float64(done.Load())
	return cost{float64(time.Since(begin).Nanoseconds()) / n, float64((processorTime() - worked).Nanoseconds()) / n}, nil
}

func ask(ctx context.Context, address string, request []byte) (n int64, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	answer := bufio.NewReader(conn)
	for ; n == 0 || ctx.Err() == nil; n++ {
		if _, err := conn.Write(request); err != nil {
			return n, err
		}
		if err := readAnswer(answer); err != nil {
			return n, err
		}
	}
	return n, nil
}

func readAnswer(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.Contains(status, []byte(" 200 ")) {
		return fmt.Errorf("answered with %q", status)
	}
	for line := status; !bytes.Equal(line, []byte("wine\n")); {
		if line, err = r.ReadSlice('\n'); err != nil {
			return err
		}
	}
	return nil
}
