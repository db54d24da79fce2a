// Package rest is what the clients of the vendor's two REST APIs share: requests
// that are bounded in time and size and repeated where that is harmless, and
// errors that say nothing of a person, a credential or a response's content.
package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	maxBody   = 1 << 20 // bytes; a record has about one thousand
	maxTries  = 3
	firstWait = 200 * time.Millisecond

	// maxIdle fits the default of certify's HandlerConfig.MaxLookups: with
	// fewer idle connections a burst of lookups makes new ones each time.
	maxIdle = 64
)

// Config configures a [Client].
type Config struct {
	// Base is the API's URL; a slash at its end is dropped.
	Base string
	// Header goes with every request.
	Header http.Header
	// Transport sends the requests. Default: one of the client's own.
	Transport http.RoundTripper
	// Timeout bounds one operation. After half of the time that is left, a
	// second try starts beside the first, whose connection may hang.
	Timeout time.Duration
}

// A Client sends requests to one API. It never follows redirects, which keeps
// tokens and credentials at the host they are for.
type Client struct {
	http   *http.Client
	cfg    Config
	budget *budget
	memory *memory
}

// NewClient returns a client for cfg.
func NewClient(cfg Config) *Client {
	cfg.Base = strings.TrimRight(cfg.Base, "/")
	transport := cfg.Transport
	if transport == nil {
		transport = newTransport()
	}
	return &Client{
		http: &http.Client{Transport: transport, CheckRedirect: refuseRedirect}, cfg: cfg,
		budget: newBudget(), memory: newMemory(),
	}
}

// newTransport is the client's own, so that nobody's changes to
// http.DefaultTransport reach the credentials.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    maxIdle,
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
// error says why there is no answer at all; an answer may have any status. An
// answer that asks for a pause is given again, without a request, until the
// pause ends.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	if r.Once {
		return c.try(ctx, r)
	}
	if held := c.memory.recall(r); held != nil {
		return held, nil
	}
	ctx, cancel := WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	answer, err := c.repeat(ctx, r)
	if err == nil {
		c.memory.keep(r, answer)
	}
	return answer, err
}

func (c *Client) try(ctx context.Context, r Request) (*Answer, error) {
	req, err := c.newRequest(ctx, r)
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
	return &Answer{
		Status: resp.StatusCode, RetryAfter: retryAfter(resp), name: r.Name,
		contentType: resp.Header.Get("Content-Type"), data: data,
	}, nil
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
