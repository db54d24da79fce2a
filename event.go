package certify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// EventKind says what happened.
type EventKind string

// The kinds of [Event]. Faults are logged once in ten minutes, and all told to
// [SessionConfig.Event]. One with [CodeCrossOrigin] anybody can raise who forges
// a request's headers: it is worth a look, and no alarm at night.
const (
	EventStarted  EventKind = "started"        // an attempt was begun
	EventVerified EventKind = "verified"       // the provider's record was accepted for its attempt
	EventIssued   EventKind = "issued"         // a claim was issued
	EventRefused  EventKind = "refused"        // a callback brought no claim
	EventDenied   EventKind = "denied"         // a gate let somebody not pass
	EventRevoked  EventKind = "revoked"        // a claim was revoked
	EventFault    EventKind = "operator_fault" // the operator has to mend something
)

// An Event is something that happened, without personal data.
type Event struct {
	Kind     EventKind
	Time     time.Time
	Provider string // [Provider.Name]
	Txn      string // as in [Claim.Txn]
	Purpose  string // of the attempt
	Code     Code   // why, if refused or denied
	Policy   string // which policy denied
	Detail   string // for the operator
}

// attrs returns what is set, for slog.
func (e Event) attrs() []slog.Attr {
	var attrs []slog.Attr
	for _, a := range []slog.Attr{
		slog.String("provider", e.Provider), slog.String("txn", e.Txn), slog.String("purpose", e.Purpose),
		slog.String("code", string(e.Code)), slog.String("policy", e.Policy), slog.String("detail", e.Detail),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	return attrs
}

// level is Error for what the operator has to mend, and Debug for what every
// visitor without a claim causes.
func (e Event) level() slog.Level {
	switch {
	case e.Kind == EventFault:
		return slog.LevelError
	case e.Kind == EventDenied, e.Kind == EventStarted:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// visitorLeft reports whether what failed did so because nobody waits for it
// any more. Where the app's own deadline passed, something was too slow.
func visitorLeft(ctx context.Context) bool {
	return errors.Is(ctx.Err(), context.Canceled)
}

func (s *Sessions) emit(ctx context.Context, e Event) {
	e.Time = s.now()
	if s.event != nil {
		s.event(ctx, e)
		return
	}
	if e.Kind == EventFault && !s.faults.news(e) {
		return
	}
	s.logger.LogAttrs(ctx, e.level(), "certify: "+string(e.Kind), e.attrs()...)
}

// faultEvery is how often one fault is logged: every visitor meets it.
const faultEvery = 10 * time.Minute

// faults remembers what was logged of late.
type faults struct {
	mu     sync.Mutex
	logged map[string]time.Time
}

func (f *faults) news(e Event) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := string(e.Code) + "\x00" + e.Provider + "\x00" + e.Detail
	if e.Code == CodeStoreUnavailable || e.Code == CodeCrossOrigin { // whose details name what changes, or what anybody may write
		key = string(e.Code)
	}
	if at, ok := f.logged[key]; ok && e.Time.Sub(at) < faultEvery {
		return false
	}
	if f.logged == nil || len(f.logged) >= 256 { // details vary little; a flood of them starts anew
		f.logged = make(map[string]time.Time)
	}
	f.logged[key] = e.Time
	return true
}
