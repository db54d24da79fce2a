package sandbox

import "sync"

// bounded keeps the newest values up to a limit and drops the oldest, so that
// no traffic can grow the sandbox without end. Safe for concurrent use.
type bounded[V any] struct {
	limit int

	mu    sync.Mutex
	byID  map[string]V
	order []string // every id added and not yet dropped, oldest first
}

func newBounded[V any](limit int) *bounded[V] {
	return &bounded[V]{limit: limit, byID: make(map[string]V)}
}

// add stores v under a new id and reports false when the id is taken.
func (b *bounded[V]) add(id string, v V) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, taken := b.byID[id]; taken {
		return false
	}
	b.insert(id, v)
	return true
}

// upsert stores what change makes of the value, or of none if the id is new.
// change runs under the lock.
func (b *bounded[V]) upsert(id string, change func(V) V) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, known := b.byID[id]
	if v = change(v); known {
		b.byID[id] = v
		return
	}
	b.insert(id, v)
}

func (b *bounded[V]) insert(id string, v V) {
	if len(b.order) == b.limit {
		delete(b.byID, b.order[0])
		b.order = b.order[1:]
	}
	b.byID[id] = v
	b.order = append(b.order, id)
}

func (b *bounded[V]) get(id string) (V, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.byID[id]
	return v, ok
}

// update replaces the value by what change makes of it; nothing happens when
// the id is unknown. change runs under the lock.
func (b *bounded[V]) update(id string, change func(V) V) (V, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.byID[id]
	if !ok {
		return v, false
	}
	v = change(v)
	b.byID[id] = v
	return v, true
}

func (b *bounded[V]) remove(id string) (V, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.byID[id]
	delete(b.byID, id)
	return v, ok
}

// all answers the values, oldest first.
func (b *bounded[V]) all() []V {
	b.mu.Lock()
	defer b.mu.Unlock()
	values := make([]V, 0, len(b.byID))
	for _, id := range b.order {
		if v, ok := b.byID[id]; ok {
			values = append(values, v)
		}
	}
	return values
}
