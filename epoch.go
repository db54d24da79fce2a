package certify

import (
	"context"
	"strconv"
	"strings"
)

// An epoch of an account lasts until its claims are revoked, and one of the
// site until all claims are. Under the key of the account, or of the site, the
// Store holds the id of the epoch that runs, and nothing before the first
// revocation. A claim names the epochs in which it was issued, and counts until
// another begins. Since an id is random, no order of writes brings an old epoch
// back: of two revocations at once either may be the last.

// siteKey cannot be an account's: those have a hash there. It begins as they
// do, since [Store] implementations may treat revocations in a way of their own.
const siteKey = "account:all"

// epochPrefix distinguishes the id of an epoch from the Unix seconds that
// earlier versions wrote.
const epochPrefix = "e"

func newEpoch() string { return epochPrefix + newRandomID() }

func isEpoch(s string) bool {
	id, ok := strings.CutPrefix(s, epochPrefix)
	return ok && isRandomID(id)
}

// epoch reads an optional member of a claim.
func (o *object) epoch(name string) string {
	epoch := o.optionalText(name)
	o.check(name, isEpoch(epoch) || o.value(name) == nil)
	return epoch
}

// beginEpoch ends the epoch that runs under key. Gates refuse its claims from
// the first write on.
func (s *Sessions) beginEpoch(ctx context.Context, key string) error {
	epoch := newEpoch()
	if err := s.store.Put(ctx, key, epoch, MaxTTL+maxSkew); err != nil {
		return s.storeDown(ctx, err)
	}
	_, err := s.dateEpoch(ctx, epoch)
	return err
}

// epochKey is of the entry that says when an epoch began.
func epochKey(epoch string) string { return "epoch:" + epoch }

// dateEpoch notes that the epoch began at the next tick, unless that is known.
// The tick is taken after the epoch was written: so it is later than that of
// any attempt begun before, for an epoch that this one replaced, too.
func (s *Sessions) dateEpoch(ctx context.Context, epoch string) (tick, error) {
	t, err := s.advanceClock(ctx)
	if err != nil {
		return tick{}, err
	}
	stands, err := s.store.PutIfAbsent(ctx, epochKey(epoch), t.String(), MaxTTL+maxSkew)
	if err != nil {
		return tick{}, s.storeDown(ctx, err)
	}
	return s.readTick(ctx, stands)
}

// beganAt returns when the epoch began. Who began it may have failed before
// that was noted: it then began now, at the latest.
func (s *Sessions) beganAt(ctx context.Context, epoch string) (tick, error) {
	stands, ok, err := s.store.Get(ctx, epochKey(epoch))
	switch {
	case err != nil:
		return tick{}, s.storeDown(ctx, err)
	case !ok:
		return s.dateEpoch(ctx, epoch)
	}
	return s.readTick(ctx, stands)
}

func (s *Sessions) readTick(ctx context.Context, stands string) (tick, error) {
	t, ok := parseTick(stands)
	if !ok {
		return tick{}, s.storeDown(ctx, errNotTick)
	}
	return t, nil
}

// checkEpoch refuses a claim if another epoch than its own runs under key.
func (s *Sessions) checkEpoch(ctx context.Context, key, epoch string, c *Claim) error {
	stands, ok, err := s.store.Get(ctx, key)
	switch {
	case err != nil:
		return s.storeDown(ctx, err)
	case !ok, epoch != "" && stands == epoch, isLater(c, stands):
		return nil
	}
	return errEpochEnded
}

var errEpochEnded = tokenError{CodeClaimRevoked, "its account's claims, or all claims, were revoked"}

// isLater judges by what earlier versions wrote: until which second an
// account's claims are void, by the clock of who revoked them.
func isLater(c *Claim, stands string) bool {
	second, err := strconv.ParseInt(stands, 10, 64)
	return err == nil && c.IssuedAt.Unix() > second
}

// epochFor returns the epoch that runs under key, for a claim to be issued. It
// refuses one whose attempt was begun in an earlier epoch.
func (s *Sessions) epochFor(ctx context.Context, key string, c *Claim) (string, error) {
	stands, ok, err := s.store.Get(ctx, key)
	switch {
	case err != nil:
		return "", s.storeDown(ctx, err)
	case !ok, isLater(c, stands):
		return "", nil
	case !isEpoch(stands):
		return "", errEpochEnded
	}
	began, err := s.beganAt(ctx, stands)
	if err != nil {
		return "", err
	}
	return stands, s.checkBegun(ctx, c.begun, began)
}

// checkBegun refuses an attempt that was begun before an epoch. Of ticks from
// two lives of a Store the one of the present life is later.
func (s *Sessions) checkBegun(ctx context.Context, attempt, epoch tick) error {
	if attempt.life == epoch.life {
		if attempt.n >= epoch.n {
			return nil
		}
		return errEpochEnded
	}
	last, err := s.lastTick(ctx)
	if err != nil {
		return err
	}
	if attempt.life != last.life {
		return errEpochEnded
	}
	return nil
}
