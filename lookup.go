package certify

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	pendingWait  = 3 * time.Second        // for a record that is not finished
	pendingPause = 700 * time.Millisecond // between two looks at it
	refusedFor   = 15 * time.Second       // a refused id is not asked for again
	refusedLimit = 10_000
)

// lookups asks the provider, and no more of it than is needed: one lookup for
// an attempt at a time, so many at each provider, and none for what was just refused.
type lookups struct {
	slots   map[string]chan struct{} // by provider: one that hangs holds up no other
	refused *MemoryStore

	mu    sync.Mutex
	turns map[string]*turn
}

// A turn lets one callback of an attempt look up at a time.
type turn struct {
	taken   chan struct{}
	waiting int
}

func newLookups(now func() time.Time) *lookups {
	return &lookups{
		slots: make(map[string]chan struct{}), refused: NewMemoryStore(refusedLimit, now),
		turns: make(map[string]*turn),
	}
}

// identity looks the verification up and returns it with the one of the
// browser's attempts that it names. A record that is not finished is waited
// for, without holding up other callbacks.
func (l *lookups) identity(ctx context.Context, p Provider, of []*attempt, id string, wait bool) (*Identity, *attempt, error) {
	deadline := time.Now().Add(pendingWait)
	for {
		found, a, err := l.once(ctx, p, of, id)
		if !wait || !errors.Is(err, CodeVerificationPending) || time.Until(deadline) < pendingPause {
			return found, a, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, err
		case <-time.After(pendingPause):
		}
	}
}

func (l *lookups) once(ctx context.Context, p Provider, of []*attempt, id string) (*Identity, *attempt, error) {
	leave, err := l.enter(ctx, of[0].ID)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	memory := of[0].ID + ":" + of[0].mac("refused", id)
	if code, ok, _ := l.refused.Get(ctx, memory); ok {
		return nil, nil, Code(code)
	}
	found, a, err := l.ask(ctx, p, of, id)
	if errors.Is(err, CodeVerificationRefused) || errors.Is(err, CodeChannelRefused) {
		code, _ := codeOf(err)
		_ = l.refused.Put(ctx, memory, string(code), refusedFor) // a full memory forgets, and asks again
	}
	return found, a, err
}

// ask looks the verification up if a slot is free, and trusts the provider
// with nothing that can be checked here.
func (l *lookups) ask(ctx context.Context, p Provider, of []*attempt, id string) (*Identity, *attempt, error) {
	slots := l.slots[p.Name()]
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	default:
		return nil, nil, &ProviderError{Code: CodeProviderUnavailable, Detail: "as many lookups as allowed are under way"}
	}
	found, err := p.Lookup(ctx, id)
	var failed *ProviderError
	switch {
	case errors.As(err, &failed) && failed.AttemptID != "" && attemptIn(of, failed.AttemptID) == nil:
		return nil, nil, CodeVerificationRefused
	case err != nil:
		return nil, nil, err
	case found == nil || found.ID != id:
		return nil, nil, &ProviderError{Code: CodeProviderInvalid, Detail: "the record names another id"}
	}
	a := attemptIn(of, found.AttemptID)
	switch {
	case a == nil:
		return nil, nil, CodeVerificationRefused
	case found.BirthDate.IsZero(), found.VerifiedAt.IsZero():
		return nil, nil, &ProviderError{Code: CodeProviderInvalid, Detail: "the record lacks the birth date or the time"}
	}
	return found, a, nil
}

// attemptIn is the attempt with that id, or nil.
func attemptIn(of []*attempt, id string) *attempt {
	for _, a := range of {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// enter waits for the attempt's turn and returns what ends it.
func (l *lookups) enter(ctx context.Context, attemptID string) (leave func(), err error) {
	l.mu.Lock()
	t := l.turns[attemptID]
	if t == nil {
		t = &turn{taken: make(chan struct{}, 1)}
		l.turns[attemptID] = t
	}
	t.waiting++
	l.mu.Unlock()
	drop := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if t.waiting--; t.waiting == 0 {
			delete(l.turns, attemptID)
		}
	}
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken; drop() }, nil
	case <-ctx.Done():
		drop()
		return nil, &ProviderError{Code: CodeProviderUnavailable, Detail: "the visitor did not wait", Err: ctx.Err()}
	}
}
