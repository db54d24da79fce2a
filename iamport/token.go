package iamport

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/certify-go/certify/internal/rest"
)

const (
	// reuseMargin is how long before its end a token is given up. It is under
	// a minute because the vendor prolongs a token only in its last minute;
	// asked earlier, it hands out the same one with the same end.
	reuseMargin = 30 * time.Second

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

func (t *token) isFresh() bool {
	return t != nil && time.Since(t.obtained) < t.life-reuseMargin
}

// tokenCache holds the access token and fetches it once however many callers
// wait for it.
type tokenCache struct {
	client      *client
	key, secret string

	mu      sync.Mutex
	current *token
	flight  *flight // nil when no fetch is under way
}

// A flight is one fetch and those who wait for it. Its token and err may be
// read once done is closed.
type flight struct {
	done  chan struct{}
	token *token
	err   error
}

// get returns a token that is still good.
func (c *tokenCache) get(ctx context.Context) (*token, error) { return c.replace(ctx, nil) }

// replace returns a token obtained after refused was.
func (c *tokenCache) replace(ctx context.Context, refused *token) (*token, error) {
	c.mu.Lock()
	if c.current != refused && c.current.isFresh() {
		defer c.mu.Unlock()
		return c.current, nil
	}
	f := c.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		c.flight = f
		go c.land(f)
	}
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, rest.Interrupted(ctx)
	}
}

// land runs apart from the callers that wait, under a timeout of its own: one
// who leaves must not take the token from the others.
func (c *tokenCache) land(f *flight) {
	ctx, cancel := rest.WithTimeout(context.Background(), c.client.timeout)
	defer cancel()
	f.token, f.err = c.fetch(ctx)
	c.mu.Lock()
	c.current, c.flight = f.token, nil
	c.mu.Unlock()
	close(f.done)
}

func (c *tokenCache) fetch(ctx context.Context) (*token, error) {
	body, _ := json.Marshal(map[string]string{"imp_key": c.key, "imp_secret": c.secret}) // never fails for strings
	asked := time.Now()                                                                  // before sending: the life counts from some moment after it
	answer, err := c.client.send(ctx, rest.Request{Name: "getToken", Method: http.MethodPost, Path: "/users/getToken", Body: body})
	switch {
	case errors.Is(err, errUnauthorized):
		return nil, rest.Misconfigured("getToken: HTTP 401; the vendor does not know this Key and Secret")
	case errors.Is(err, errNotFound):
		return nil, rest.Invalid("getToken: HTTP 404; is the base URL right?")
	case err != nil:
		return nil, err
	}
	return decodeToken(answer, asked)
}

// decodeToken computes the life from the vendor's clock alone: this host's may
// be off, and a token fetched again has less than 30 minutes left.
func decodeToken(answer []byte, asked time.Time) (*token, error) {
	var t struct {
		AccessToken string `json:"access_token"`
		Now         int64  `json:"now"`        // Unix seconds
		ExpiredAt   int64  `json:"expired_at"` // Unix seconds
	}
	if json.Unmarshal(answer, &t) != nil || !rest.IsToken(t.AccessToken) {
		return nil, rest.Invalid("getToken: no usable access_token")
	}
	if t.Now <= 0 || t.ExpiredAt < t.Now {
		return nil, rest.Invalid("getToken: now and expired_at contradict each other")
	}
	seconds := min(t.ExpiredAt-t.Now, int64(maxTokenLife/time.Second))
	return &token{value: t.AccessToken, obtained: asked, life: time.Duration(seconds) * time.Second}, nil
}
