package certify

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
)

// A tick is a moment of the clock that the Store keeps. The clock goes one tick
// further whenever an epoch begins. It orders revocations and attempts without
// the clocks of machines, which differ.
type tick struct {
	life string // names what the Store holds: a Store that lost everything gets another
	n    uint64
}

const (
	clockKey  = "clock"    // leads to a tick that is not far from the last one
	clockLife = 2 * MaxTTL // longer than any entry that names a tick
)

var errNotTick = errors.New("what stands under a key of the clock is nothing that certify put there")

// tickKey is of an entry that exists once the clock has come to t.
func tickKey(t tick) string { return "clock:" + t.String() }

// String returns "" for no tick.
func (t tick) String() string {
	if t.life == "" {
		return ""
	}
	return t.life + "." + strconv.FormatUint(t.n, 10)
}

func (t tick) next() tick { return tick{t.life, t.n + 1} }

func parseTick(s string) (tick, bool) {
	life, number, _ := strings.Cut(s, ".")
	n, err := strconv.ParseUint(number, 10, 64)
	t := tick{life, n}
	return t, err == nil && isRandomID(life) && t.String() == s
}

// tick reads an optional member of an attempt.
func (o *object) tick(name string) tick {
	t, ok := parseTick(o.optionalText(name))
	o.check(name, ok || o.value(name) == nil)
	return t
}

// newRandomID returns 96 random bits as 16 characters.
func newRandomID() string {
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	return b64.EncodeToString(id[:])
}

func isRandomID(s string) bool {
	raw, err := decodeSegment(s)
	return err == nil && len(raw) == 12
}

// lastTick reads the clock, and starts it if there is none. The entry that
// leads to the last tick may be behind: where two advance the clock at once,
// either may write it last. So the ticks themselves are followed from there.
func (s *Sessions) lastTick(ctx context.Context) (tick, error) {
	stands, ok, err := s.store.Get(ctx, clockKey)
	if err == nil && !ok {
		stands, err = s.store.PutIfAbsent(ctx, clockKey, tick{newRandomID(), 0}.String(), clockLife)
	}
	if err != nil {
		return tick{}, s.storeDown(ctx, err)
	}
	t, ok := parseTick(stands)
	if !ok {
		return tick{}, s.storeDown(ctx, errNotTick)
	}
	for {
		_, ok, err := s.store.Get(ctx, tickKey(t.next()))
		if err != nil {
			return tick{}, s.storeDown(ctx, err)
		}
		if !ok {
			return t, nil
		}
		t = t.next()
	}
}

// advanceClock returns a tick that comes after all that were read before. Two
// at once may get the same.
func (s *Sessions) advanceClock(ctx context.Context) (tick, error) {
	last, err := s.lastTick(ctx)
	if err != nil {
		return tick{}, err
	}
	t := last.next()
	if _, err := s.store.PutIfAbsent(ctx, tickKey(t), "1", clockLife); err != nil {
		return tick{}, s.storeDown(ctx, err)
	}
	if err := s.store.Put(ctx, clockKey, t.String(), clockLife); err != nil {
		return tick{}, s.storeDown(ctx, err)
	}
	return t, nil
}
