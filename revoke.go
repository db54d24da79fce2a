package certify

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
)

// Revoke voids the claim with that id, whose token expires at exp, in every
// process that shares the Store: from the next request on, whatever was
// verified before. Where only the id is known, exp is the zero time: it is then
// remembered for [MaxTTL], and never for longer. It is remembered for the TTL of
// these Sessions at least, as this clock may be ahead. Its errors are
// [CodeStoreUnavailable], and a jti that no claim has.
func (s *Sessions) Revoke(ctx context.Context, jti string, exp time.Time) error {
	if !isClaimID(jti) {
		return errors.New("certify: Revoke needs a jti of 1 to 64 printable ASCII characters")
	}
	now := s.now()
	if latest := now.Add(MaxTTL); exp.IsZero() || exp.After(latest) {
		exp = latest // no claim lives longer
	}
	// This clock may be ahead for a while, and then says too early that the
	// claim expires. Where clocks are behind, it expires later.
	left := max(exp.Sub(now), s.ttl) + maxSkew
	if err := s.store.Put(ctx, revokedKey(jti), "1", left); err != nil {
		return s.storeDown(ctx, err)
	}
	s.emit(ctx, Event{Kind: EventRevoked})
	return nil
}

// RevokeAccount voids every claim that was issued to the account before, in any
// process that shares the Store, whatever its clock shows: from the next request
// on when it has returned. An attempt that was begun before brings no claim for
// the account any more, even if Accept names it only at the end. A repeat of its
// callback is refused before Accept is asked, and signs nobody in.
//
// For a purpose, such as a recovery, Accept may call this: SignIn then signs in
// once, and no repeat does. For a claim Accept must not: the claim that is being
// issued would be void, too.
//
// Several calls may run at once. After an error the claims may be void or not:
// call it again. This is remembered for [MaxTTL], the longest life of a claim.
// Its errors are [CodeStoreUnavailable], and an empty account.
func (s *Sessions) RevokeAccount(ctx context.Context, account string) error {
	if account == "" {
		return errors.New("certify: RevokeAccount needs an account")
	}
	return s.revokeUnder(ctx, accountKey(account))
}

// RevokeAll does for the whole site what [Sessions.RevokeAccount] does for an
// account. It voids claims without an account, too, and ends attempts for a
// purpose. It is for incidents, such as a Store that lost its data: everybody
// verifies again, at a fee each. Its error is [CodeStoreUnavailable].
func (s *Sessions) RevokeAll(ctx context.Context) error {
	return s.revokeUnder(ctx, siteKey)
}

func (s *Sessions) revokeUnder(ctx context.Context, key string) error {
	if err := s.beginEpoch(ctx, key); err != nil {
		return err
	}
	s.emit(ctx, Event{Kind: EventRevoked})
	return nil
}

func revokedKey(jti string) string { return "revoked:" + jti }

// accountKey hashes the account, which may be an e-mail address.
func accountKey(account string) string {
	sum := sha256.Sum256([]byte("certify account\x00" + account))
	return "account:" + b64.EncodeToString(sum[:])
}

// isClaimID reports whether a claim with that jti can be revoked: it becomes a
// key of the Store.
func isClaimID(jti string) bool {
	return len(jti) <= maxClaimID && isPrintable(jti)
}

// storeEntries name what the Store may hold against a claim.
type storeEntries struct {
	revoked string
	account string // "" for a claim without one
}

func entriesOf(c *Claim) storeEntries {
	e := storeEntries{revoked: revokedKey(c.ID)}
	if c.Subject != "" {
		e.account = accountKey(c.Subject)
	}
	return e
}

// checkRevoked refuses the claim that an attempt would bring if the claim, its
// account's claims or all claims were revoked since the attempt was begun. It
// gives the claim its epochs: what is signed is the same claim.
func (s *Sessions) checkRevoked(ctx context.Context, c *Claim) error {
	return s.enterEpochs(ctx, c, entriesOf(c).account)
}

// enterEpochs is checkRevoked for a claim whose account the Store knows by that
// key, "" for none.
func (s *Sessions) enterEpochs(ctx context.Context, c *Claim, account string) (err error) {
	revoked, err := s.isRevoked(ctx, c.ID)
	switch {
	case err != nil:
		return err
	case revoked:
		return errRevoked
	}
	if c.siteEpoch, err = s.epochFor(ctx, siteKey, c); err != nil || account == "" {
		return err
	}
	c.accountEpoch, err = s.epochFor(ctx, account, c)
	return err
}

var errRevoked = tokenError{CodeClaimRevoked, "its jti was revoked"}

// checkEntries refuses a claim that the Store holds something against. The keys
// are made before: hashing the account costs more than looking it up.
func (s *Sessions) checkEntries(ctx context.Context, c *Claim, e storeEntries) error {
	_, revoked, err := s.store.Get(ctx, e.revoked)
	switch {
	case err != nil:
		return s.storeDown(ctx, err)
	case revoked:
		return errRevoked
	}
	if err := s.checkEpoch(ctx, siteKey, c.siteEpoch, c); err != nil || e.account == "" {
		return err
	}
	return s.checkEpoch(ctx, e.account, c.accountEpoch, c)
}

// storeDown keeps the store's own error from visitors and from errors.Is: it
// may hold anything. The operator hears of it, unless the visitor just left.
func (s *Sessions) storeDown(ctx context.Context, err error) error {
	if !visitorLeft(ctx) {
		s.emit(withoutSession(ctx), Event{Kind: EventFault, Code: CodeStoreUnavailable, Detail: err.Error()})
	}
	return CodeStoreUnavailable
}
