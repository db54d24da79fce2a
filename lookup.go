package certify

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

const (
	pendingWait  = 3 * time.Second        // for a record that is not finished
	pendingPause = 700 * time.Millisecond // between two looks at it
	refusedFor   = 15 * time.Second       // a refused id is not asked for again
	slotWait     = 3 * time.Second        // for one of MaxLookups to be free
	maxIDs       = 10                     // different ids of one attempt: honest ones have one to three
	maxWaiting   = 32                     // callbacks of one attempt that are being answered
	askersLimit  = 10_000                 // attempts that are remembered
)

// lookups asks the provider, and no more of it than is needed. It counts in
// this process alone: with several, an attempt may ask for ten ids in each.
type lookups struct {
	slots map[string]chan struct{} // by provider: one that hangs holds up no other

	mu     sync.Mutex
	askers map[string]*list.Element // of *asker, by attempt
	order  *list.List               // the oldest first
}

// An asker is what is remembered of an attempt. Its turn lets one lookup of
// the attempt wait for a slot, or hold one, at a time.
type asker struct {
	attemptID string
	turn      chan struct{}
	callbacks int
	asked     map[string]*asked // by keyed hash of the verification's id
}

// Asked is what is known of an id: the lookup under way, or what the last one
// brought that is not to be asked for again at once.
type asked struct {
	flight *flight
	code   Code      // refused or pending, "" for other answers
	at     time.Time // by the monotonic clock: a wrong clock refuses nobody for long
}

// A flight is a lookup that the callbacks of one attempt and id share.
type flight struct {
	done  chan struct{}
	found *Identity
	err   error
	left  bool // whoever asked did not wait: the others must ask themselves
}

func newLookups() *lookups {
	return &lookups{slots: make(map[string]chan struct{}), askers: make(map[string]*list.Element), order: list.New()}
}

// identity looks the verification up and returns it with the one of the
// browser's attempts that it names. A record that is not finished is waited
// for, without holding up other callbacks.
func (l *lookups) identity(ctx context.Context, p Provider, of []*attempt, id string, wait bool) (*Identity, *attempt, error) {
	by, err := l.enter(of[0].ID)
	if err != nil {
		return nil, nil, err
	}
	defer l.leave(by)
	deadline := time.Now().Add(pendingWait)
	for {
		found, a, err := l.share(ctx, p, by, of, id)
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

// share waits for the lookup of the same attempt and id that is under way, or
// makes one, unless the id was refused just now or is one too many.
func (l *lookups) share(ctx context.Context, p Provider, by *asker, of []*attempt, id string) (*Identity, *attempt, error) {
	key := of[0].mac("refused", id)[:22]
	for {
		f, leads, err := l.board(by, key)
		switch {
		case err != nil:
			return nil, nil, err
		case leads:
			l.fly(ctx, p, by, of, id, f, key)
			return judge(of, id, f)
		}
		select {
		case <-f.done:
			if !f.left {
				return judge(of, id, f)
			}
		case <-ctx.Done():
			return nil, nil, errLeft(ctx)
		}
	}
}

// board returns the flight for the id, and whether the caller is to fly it.
func (l *lookups) board(by *asker, key string) (f *flight, leads bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := by.asked[key]
	switch {
	case known == nil && len(by.asked) >= maxIDs:
		return nil, false, CodeVerificationRefused
	case known == nil:
		known = new(asked)
		by.asked[key] = known
	case known.flight != nil:
		return known.flight, false, nil
	case known.isFresh():
		return nil, false, known.code
	}
	known.flight = &flight{done: make(chan struct{})}
	return known.flight, true, nil
}

func (k *asked) isFresh() bool {
	switch k.code {
	case "":
		return false
	case CodeVerificationPending:
		return time.Since(k.at) < pendingPause
	}
	return time.Since(k.at) < refusedFor
}

// fly asks the provider once the attempt has its turn and a slot is free. A
// Lookup that panics has left, too.
func (l *lookups) fly(ctx context.Context, p Provider, by *asker, of []*attempt, id string, f *flight, key string) {
	f.left = true
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		*by.asked[key] = asked{code: f.remembered(of, id), at: time.Now()}
		close(f.done)
	}()
	select {
	case by.turn <- struct{}{}:
		defer func() { <-by.turn }()
	case <-ctx.Done():
		f.err = errLeft(ctx)
		return
	}
	f.found, f.err = l.ask(ctx, p, id)
	f.left = f.err != nil && ctx.Err() != nil
}

// remembered is the code of an answer that is not to be asked for again at once.
func (f *flight) remembered(of []*attempt, id string) Code {
	if f.left {
		return ""
	}
	_, _, err := judge(of, id, f)
	switch code, _ := codeOf(err); code {
	case CodeVerificationRefused, CodeChannelRefused, CodeVerificationPending:
		return code
	}
	return ""
}

// ask waits a moment for a slot: a channel serves those that wait in their
// order, so that attempts that repeat themselves keep no other out.
func (l *lookups) ask(ctx context.Context, p Provider, id string) (*Identity, error) {
	slots := l.slots[p.Name()]
	timeout := time.NewTimer(slotWait)
	defer timeout.Stop()
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-timeout.C:
		return nil, &ProviderError{Code: CodeProviderUnavailable, Detail: "as many lookups as allowed are under way"}
	case <-ctx.Done():
		return nil, errLeft(ctx)
	}
	return p.Lookup(ctx, id)
}

func errLeft(ctx context.Context) error {
	return &ProviderError{Code: CodeProviderUnavailable, Detail: "the visitor did not wait", Err: ctx.Err()}
}

// judge trusts the provider with nothing that can be checked here. It returns
// a copy: each callback has its own.
func judge(of []*attempt, id string, f *flight) (*Identity, *attempt, error) {
	var failed *ProviderError
	switch {
	case errors.As(f.err, &failed) && failed.AttemptID != "" && attemptIn(of, failed.AttemptID) == nil:
		return nil, nil, CodeVerificationRefused
	case f.err != nil:
		return nil, nil, f.err
	case f.found == nil || f.found.ID != id:
		return nil, nil, &ProviderError{Code: CodeProviderInvalid, Detail: "the record names another id"}
	}
	found := *f.found
	a := attemptIn(of, found.AttemptID)
	switch {
	case a == nil:
		return nil, nil, CodeVerificationRefused
	case found.BirthDate.IsZero(), found.VerifiedAt.IsZero():
		return nil, nil, &ProviderError{Code: CodeProviderInvalid, Detail: "the record lacks the birth date or the time"}
	}
	return &found, a, nil
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

// enter finds what is remembered of the attempt. Callbacks of one attempt that
// are very many are not kept waiting.
func (l *lookups) enter(attemptID string) (*asker, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.askers[attemptID]
	if e == nil {
		l.forget()
		e = l.order.PushBack(&asker{attemptID: attemptID, turn: make(chan struct{}, 1), asked: make(map[string]*asked)})
		l.askers[attemptID] = e
	}
	by := e.Value.(*asker)
	if by.callbacks >= maxWaiting {
		return nil, &ProviderError{Code: CodeProviderUnavailable, Detail: "as many callbacks of one attempt as allowed are under way"}
	}
	by.callbacks++
	return by, nil
}

func (l *lookups) leave(by *asker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	by.callbacks--
}

// forget makes room for one more attempt: the oldest goes, unless it is being
// answered.
func (l *lookups) forget() {
	for e := l.order.Front(); e != nil && l.order.Len() >= askersLimit; e = e.Next() {
		if by := e.Value.(*asker); by.callbacks == 0 {
			l.order.Remove(e)
			delete(l.askers, by.attemptID)
			return
		}
	}
}
