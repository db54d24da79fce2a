package iamport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/certify-go/certify/internal/rest"
)

// Outcomes that mean one thing for a token and another for a record. They do
// not leave the package.
var (
	errUnauthorized = errors.New("iamport: HTTP 401")
	errNotFound     = errors.New("iamport: HTTP 404")
)

// unauthorized is an [errUnauthorized] with the time after which to ask again.
type unauthorized struct{ retryAfter time.Duration }

func (unauthorized) Error() string { return errUnauthorized.Error() }
func (unauthorized) Unwrap() error { return errUnauthorized }

// client sends one request to the REST API and returns the "response" of the
// envelope that every answer comes in.
type client struct {
	rest    *rest.Client
	timeout time.Duration
}

func newClient(cfg Config) *client {
	base := vendorAPI
	if cfg.BaseURL != "" {
		base = cfg.BaseURL
	}
	if cfg.InsecureBaseURL != "" {
		base = cfg.InsecureBaseURL
	}
	header := http.Header{"User-Agent": {"certify-go/iamport"}}
	if cfg.Tier != "" {
		header.Set("Tier", cfg.Tier)
	}
	return &client{
		rest:    rest.NewClient(rest.Config{Base: base, Header: header, Transport: cfg.Transport, Timeout: cfg.Timeout}),
		timeout: cfg.Timeout,
	}
}

// An envelope holds every answer of the API.
type envelope struct {
	Code     *int64          `json:"code"`
	Response json.RawMessage `json:"response"`
}

// A statedRefusal is the HTTP status with which the API itself refused: in an
// envelope whose code is not 0. The vendor sends these with any status.
type statedRefusal int

func (s statedRefusal) Error() string { return fmt.Sprintf("iamport: refused with HTTP %d", int(s)) }

func (c *client) send(ctx context.Context, r rest.Request) (json.RawMessage, error) {
	answer, err := c.rest.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	switch answer.Status {
	case http.StatusUnauthorized:
		return nil, unauthorized{answer.RetryAfter}
	case http.StatusForbidden:
		return nil, answer.Misconfigured("%s: HTTP 403; check the console's list of allowed addresses, and Tier", r.Name)
	}
	var env envelope
	err = answer.Unmarshal(&env)
	switch {
	case err == nil && env.Code != nil && *env.Code != 0:
		return nil, stated(answer, *env.Code)
	case !answer.OK(): // it may come from something else than the API
		return nil, answer.Refusal()
	case err != nil:
		return nil, err
	}
	return env.result(r.Name, answer)
}

func stated(answer *rest.Answer, code int64) error {
	if answer.Status == http.StatusNotFound {
		return errNotFound
	}
	err := answer.Refusal()
	err.Detail += fmt.Sprintf(" with code %d", code)
	err.Err = statedRefusal(answer.Status)
	return err
}

// result returns the response of a success: besides a 2xx status, code 0 and a
// response that is not null. None of the three is enough.
func (env envelope) result(name string, answer *rest.Answer) (json.RawMessage, error) {
	switch {
	case env.Code == nil:
		return nil, rest.Invalid("%s: HTTP %d without a code", name, answer.Status)
	case len(env.Response) == 0 || string(env.Response) == "null":
		return nil, rest.Invalid("%s: HTTP %d with code 0 and no result", name, answer.Status)
	}
	return env.Response, nil
}
