// Package rest is what the clients of the vendor's two REST APIs share: requests
// that are bounded in time and size and repeated where that is harmless, and
// errors that say nothing of a person, a credential or a response's content.
package rest

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

const (
	maxBody   = 1 << 20 // bytes; a record has about one thousand
	maxTries  = 3
	firstWait = 200 * time.Millisecond
)

// Config configures a [Client].
type Config struct {
	// Base is the API's URL; a slash at its end is dropped.
	Base string
	// Header goes with every request.
	Header http.Header
	// Transport sends the requests. Default: one of the client's own.
	Transport http.RoundTripper
	// Timeout is what the caller gives one operation. A try gets half of it,
	// so that a hung connection leaves time for another.
	Timeout time.Duration
}

// A Client sends requests to one API. It never follows redirects, which keeps
// tokens and credentials at the host they are for.
type Client struct {
	http *http.Client
	cfg  Config
}

// NewClient returns a client for cfg.
func NewClient(cfg Config) *Client {
	cfg.Base = strings.TrimRight(cfg.Base, "/")
	transport := cfg.Transport
	if transport == nil {
		transport = newTransport()
	}
	return &Client{&http.Client{Transport: transport, CheckRedirect: refuseRedirect}, cfg}
}

// newTransport is the client's own, so that nobody's changes to
// http.DefaultTransport reach the credentials.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// A Request is one request to the API.
type Request struct {
	// Name stands for the request in error details. It holds no ids.
	Name string
	// Method and Path, which is escaped, begins with a slash and may have a query.
	Method, Path string
	// Authorization is the header of that name, or "".
	Authorization string
	// Body is JSON, or nil.
	Body []byte
	// Once says that the request has an effect, and is not to be repeated when
	// it is not known whether the first one arrived.
	Once bool
}

// Do sends r until it gets an answer that repeating would not change. The
// error says why there is no answer at all; an answer may have any status.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	for try := 1; ; try++ {
		answer, err := c.try(ctx, r)
		done := err == nil && answer.Status < 500
		if done || r.Once || try == maxTries || !pause(ctx, try) {
			return answer, err
		}
	}
}

// pause waits before the next try, with jitter so that servers that failed
// together do not come back together. It reports false, at once where it can,
// when ctx ends before.
func pause(ctx context.Context, try int) bool {
	wait := time.Duration(float64(firstWait<<(try-1)) * (0.5 + rand.Float64())) // #nosec G404 -- nobody gains by guessing when a call is repeated
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *Client) try(ctx context.Context, r Request) (*Answer, error) {
	tryCtx, cancel := ctx, context.CancelFunc(func() {})
	if !r.Once {
		tryCtx, cancel = context.WithTimeout(ctx, c.cfg.Timeout/2)
	}
	defer cancel()
	req, err := c.newRequest(tryCtx, r)
	if err != nil {
		return nil, Invalid("%s: no URL could be made", r.Name)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, transportFailure(ctx, r.Name, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, transportFailure(ctx, r.Name, err)
	}
	return &Answer{Status: resp.StatusCode, name: r.Name, contentType: resp.Header.Get("Content-Type"), data: data}, nil
}

func (c *Client) newRequest(ctx context.Context, r Request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, c.cfg.Base+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	if c.cfg.Header != nil {
		req.Header = c.cfg.Header.Clone()
	}
	req.Header.Set("Accept", "application/json")
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.Authorization != "" {
		req.Header.Set("Authorization", r.Authorization)
	}
	return req, nil
}
