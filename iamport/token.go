package iamport

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/internal/rest"
)

const (
	// reuseMargin is how long before its end a token is given up.
	reuseMargin = 5 * time.Second

	// renewMargin is how long before its end a token is renewed beside the
	// callbacks that still use it. It is under a minute because the vendor
	// prolongs a token only in its last minute; asked earlier, it hands out the
	// same one with the same end.
	renewMargin = 50 * time.Second

	// fetchPause is the least time between two fetches of which the first
	// failed, or brought nothing new.
	fetchPause = time.Second

	// maxTokenLife is above every life the vendor documents (30 min, or 5 more).
	maxTokenLife = time.Hour
)

// A token is an access token with what is known of its life. Its identity (the
// pointer) tells two answers apart that hold the same value.
type token struct {
	value    string
	obtained time.Time // local, compared by the monotonic clock only
	life     time.Duration
}

// lastsFor reports whether more than d of t's life is left.
func (t *token) lastsFor(d time.Duration) bool {
	return t != nil && time.Since(t.obtained) < t.life-d
}

// tokenCache holds the access token and fetches it once however many callers
// wait for it.
type tokenCache struct {
	client      *client
	key, secret string

	mu      sync.Mutex
	current *token
	flight  *flight // nil when no fetch is under way

	refused    string                 // the value that the vendor refused last
	failure    *certify.ProviderError // of the last fetch, or nil
	pauseUntil time.Time              // no fetch begins before
}

// A flight is one fetch and those who wait for it. Its token and err may be
// read once done is closed.
type flight struct {
	done  chan struct{}
	token *token
	err   error
}

// get returns a token that is still good. One that ends soon is renewed aside:
// nobody waits for that, and if it fails the token counts until its end.
func (c *tokenCache) get(ctx context.Context) (*token, error) {
	c.mu.Lock()
	if c.current.lastsFor(reuseMargin) {
		defer c.mu.Unlock()
		if !c.current.lastsFor(renewMargin) && !c.isPaused() {
			c.begin()
		}
		return c.current, nil
	}
	return c.await(ctx)
}

// replace returns a token obtained after refused was, or refused itself when
// the vendor has just handed it out again.
func (c *tokenCache) replace(ctx context.Context, refused *token) (*token, error) {
	c.mu.Lock()
	switch {
	case c.current != refused && c.current.lastsFor(reuseMargin),
		c.current == refused && c.refused == refused.value && c.isPaused():
		defer c.mu.Unlock()
		return c.current, nil
	case c.current == refused:
		c.current = nil
	}
	c.refused = refused.value
	return c.await(ctx)
}

// isPaused reports whether the last fetch says not to ask again yet.
func (c *tokenCache) isPaused() bool { return time.Until(c.pauseUntil) > 0 }

// await returns what the fetch under way brings, or one that it begins. It is
// called with mu held, and releases it. While a failed fetch is remembered
// there is none.
func (c *tokenCache) await(ctx context.Context) (*token, error) {
	if c.flight == nil && c.failure != nil && c.isPaused() {
		defer c.mu.Unlock()
		err := *c.failure
		err.RetryAfter = time.Until(c.pauseUntil)
		return nil, &err
	}
	f := c.begin()
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, rest.Interrupted(ctx)
	}
}

// begin returns the fetch under way, or begins one. It is called with mu held.
func (c *tokenCache) begin() *flight {
	if c.flight == nil {
		c.flight = &flight{done: make(chan struct{})}
		go c.land(c.flight)
	}
	return c.flight
}

// land runs apart from the callers that wait, under a timeout of its own: one
// who leaves must not take the token from the others.
func (c *tokenCache) land(f *flight) {
	ctx, cancel := rest.WithTimeout(context.Background(), c.client.timeout)
	defer cancel()
	f.token, f.err = c.fetch(ctx)
	c.mu.Lock()
	c.flight, c.failure = nil, nil
	if f.err == nil {
		c.current = f.token
		if f.token.value == c.refused || !f.token.lastsFor(renewMargin) {
			c.pauseUntil = time.Now().Add(fetchPause)
		}
	} else {
		c.remember(f.err)
	}
	c.mu.Unlock()
	close(f.done)
}

// remember keeps why no token came, for as long as the vendor asks.
func (c *tokenCache) remember(err error) {
	pause := fetchPause
	if errors.As(err, &c.failure) {
		pause = max(pause, c.failure.RetryAfter)
	}
	c.pauseUntil = time.Now().Add(pause)
}

func (c *tokenCache) fetch(ctx context.Context) (*token, error) {
	body, _ := json.Marshal(map[string]string{"imp_key": c.key, "imp_secret": c.secret}) // never fails for strings
	asked := time.Now()                                                                  // before sending: the life counts from some moment after it
	answer, err := c.client.send(ctx, rest.Request{Name: "getToken", Method: http.MethodPost, Path: "/users/getToken", Body: body})
	switch {
	case errors.Is(err, errUnauthorized):
		return nil, errCredentials(err)
	case errors.Is(err, errNotFound):
		return nil, rest.Invalid("getToken: HTTP 404; is the base URL right?")
	case err != nil:
		return nil, err
	}
	return decodeToken(answer, asked)
}

// errCredentials is the operator's fault, with the pause that err names.
func errCredentials(err error) error {
	fault := &certify.ProviderError{
		Code:   certify.CodeProviderMisconfigured,
		Detail: "getToken: HTTP 401; the vendor does not know this Key and Secret",
	}
	var refused unauthorized
	if errors.As(err, &refused) {
		fault.RetryAfter = refused.retryAfter
	}
	return fault
}

// decodeToken computes the life from the vendor's clock alone: this host's may
// be off, and a token fetched again has less than 30 minutes left.
func decodeToken(answer []byte, asked time.Time) (*token, error) {
	var t struct {
		AccessToken string `json:"access_token"`
		Now         int64  `json:"now"`        // Unix seconds
		ExpiredAt   int64  `json:"expired_at"` // Unix seconds
	}
	if rest.Decode(answer, &t) != nil || !rest.IsToken(t.AccessToken) {
		return nil, rest.Invalid("getToken: no usable access_token")
	}
	if t.Now <= 0 || t.ExpiredAt < t.Now {
		return nil, rest.Invalid("getToken: now and expired_at contradict each other")
	}
	seconds := min(t.ExpiredAt-t.Now, int64(maxTokenLife/time.Second))
	return &token{value: t.AccessToken, obtained: asked, life: time.Duration(seconds) * time.Second}, nil
}
