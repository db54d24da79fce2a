package iamport

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxBody   = 1 << 20 // bytes; a record has about one thousand
	maxTries  = 3
	firstWait = 200 * time.Millisecond
)

// client sends one request to the REST API and returns the "response" of the
// envelope that every answer comes in.
type client struct {
	http    *http.Client
	base    string
	tier    string
	timeout time.Duration
}

func newClient(cfg Config) *client {
	base := vendorAPI
	if cfg.BaseURL != "" {
		base = cfg.BaseURL
	}
	if cfg.InsecureBaseURL != "" {
		base = strings.TrimRight(cfg.InsecureBaseURL, "/")
	}
	transport := cfg.Transport
	if transport == nil {
		transport = newTransport()
	}
	return &client{
		http:    &http.Client{Transport: transport, CheckRedirect: refuseRedirect},
		base:    base,
		tier:    cfg.Tier,
		timeout: cfg.Timeout,
	}
}

// newTransport is the provider's own, so that nobody's changes to
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

// refuseRedirect keeps tokens and credentials at the host they are for.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

type request struct {
	method, path string
	token        string // "" for none
	body         []byte // JSON, or nil
}

// name is for error details: it leaves out the id.
func (r request) name() string {
	if strings.HasPrefix(r.path, "/certifications/") {
		return r.method + " certifications"
	}
	return "getToken"
}

// send tries r until it gets an answer that repeating would not change.
// Asking for a record or a token twice is harmless: the vendor answers the
// same. A DELETE is sent once, because the second answer (404) would hide the
// first.
func (c *client) send(ctx context.Context, r request) (json.RawMessage, error) {
	for try := 1; ; try++ {
		body, again, err := c.try(ctx, r)
		if !again || try == maxTries || r.method == http.MethodDelete || !pause(ctx, try) {
			return body, err
		}
	}
}

// pause waits before the next try, with jitter so that servers that failed
// together do not come back together. It reports false, at once where it can,
// when ctx ends before.
func pause(ctx context.Context, try int) bool {
	wait := time.Duration(float64(firstWait<<(try-1)) * (0.5 + rand.Float64()))
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

// try sends r once and reports whether doing it again may help. It gives up
// at half of the whole timeout, so that a hung connection leaves time for
// another.
func (c *client) try(ctx context.Context, r request) (body json.RawMessage, again bool, err error) {
	tryCtx, cancel := context.WithTimeout(ctx, c.timeout/2)
	defer cancel()
	req, err := c.newRequest(tryCtx, r)
	if err != nil {
		return nil, false, invalid("%s: no URL could be made", r.name())
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, true, transportFailure(ctx, r.name(), err)
	}
	defer resp.Body.Close()
	if again, err := checkStatus(r.name(), resp.StatusCode); err != nil {
		return nil, again, err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, true, transportFailure(ctx, r.name(), err)
	}
	body, err = openEnvelope(r.name(), resp, data)
	return body, false, err
}

func (c *client) newRequest(ctx context.Context, r request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "certify-go/iamport")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if c.tier != "" {
		req.Header.Set("Tier", c.tier)
	}
	return req, nil
}

// checkStatus returns nil for the statuses whose body has to be read: success,
// and 404, which may come from something else than the API.
func checkStatus(name string, status int) (again bool, err error) {
	switch {
	case status >= 200 && status < 300, status == http.StatusNotFound:
		return false, nil
	case status == http.StatusUnauthorized:
		return false, errUnauthorized
	case status == http.StatusForbidden:
		return false, misconfigured("%s: HTTP 403; check the console's list of allowed addresses, and Tier", name)
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return false, unavailable("%s: HTTP %d", name, status)
	case status >= 500:
		return true, unavailable("%s: HTTP %d", name, status)
	case status >= 300 && status < 400:
		return false, invalid("%s: HTTP %d; redirects are not followed", name, status)
	}
	return false, invalid("%s: HTTP %d", name, status)
}

// openEnvelope returns the response of a success: a 2xx status, code 0 and a
// response that is not null. The vendor reports errors with any status, so
// none of the three is enough.
func openEnvelope(name string, resp *http.Response, data []byte) (json.RawMessage, error) {
	status := resp.StatusCode
	if len(data) > maxBody {
		return nil, invalid("%s: HTTP %d with more than %d bytes", name, status, maxBody)
	}
	if media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, invalid("%s: HTTP %d whose content is not application/json", name, status)
	}
	var env struct {
		Code     *int64          `json:"code"`
		Response json.RawMessage `json:"response"`
	}
	if !utf8.Valid(data) || json.Unmarshal(data, &env) != nil || env.Code == nil {
		return nil, invalid("%s: HTTP %d whose content is not the API's JSON", name, status)
	}
	if *env.Code == 0 && status != http.StatusNotFound && len(env.Response) > 0 && string(env.Response) != "null" {
		return env.Response, nil
	}
	if *env.Code != 0 && status == http.StatusNotFound {
		return nil, errNotFound
	}
	return nil, invalid("%s: HTTP %d with code %d and no result", name, status, *env.Code)
}
