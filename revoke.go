package certify

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"
)

// Revoke voids the claim with that id, whose token expires at exp, in every
// process that shares the Store: from the next request on, whatever was
// verified before. Where only the id is known, exp is the zero time: it is then
// remembered for [MaxTTL], and never for longer. Its errors are
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

// RevokeAccount voids every claim that was issued to the account until now, by
// this process's clock in whole seconds: a claim issued later in the same
// second is void, too, as is the one for which Accept calls this. The callback
// of an attempt completed before may be repeated, and calls Accept again, but
// brings no claim and none of the headers that Accept sets. For a purpose,
// such as a recovery, Accept may call this: the callback brings its headers
// once, and no repeat of it does. This is remembered for [MaxTTL]. Its errors
// are [CodeStoreUnavailable], and an empty account.
func (s *Sessions) RevokeAccount(ctx context.Context, account string) error {
	if account == "" {
		return errors.New("certify: RevokeAccount needs an account")
	}
	now := s.now().Unix()
	stands, _, err := s.store.Get(ctx, accountKey(account))
	if err != nil {
		return s.storeDown(ctx, err)
	}
	if until, err := strconv.ParseInt(stands, 10, 64); err == nil && until > now {
		now = until // by a clock that is ahead of this one
	}
	if err := s.store.Put(ctx, accountKey(account), strconv.FormatInt(now, 10), MaxTTL+maxSkew); err != nil {
		return s.storeDown(ctx, err)
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

func (s *Sessions) checkRevoked(ctx context.Context, c *Claim) error {
	return s.checkEntries(ctx, c, entriesOf(c))
}

// checkEntries is checkRevoked with the names made before: hashing the account
// costs more than looking it up.
func (s *Sessions) checkEntries(ctx context.Context, c *Claim, e storeEntries) error {
	_, revoked, err := s.store.Get(ctx, e.revoked)
	switch {
	case err != nil:
		return s.storeDown(ctx, err)
	case revoked:
		return tokenError{CodeClaimRevoked, "its jti was revoked"}
	case e.account == "":
		return nil
	}
	until, ok, err := s.store.Get(ctx, e.account)
	switch {
	case err != nil:
		return s.storeDown(ctx, err)
	case !ok:
		return nil
	}
	if sec, err := strconv.ParseInt(until, 10, 64); err == nil && c.IssuedAt.Unix() > sec {
		return nil
	}
	return tokenError{CodeClaimRevoked, "its account's claims were revoked"}
}

// storeDown keeps the store's own error from visitors and from errors.Is: it
// may hold anything. The operator hears of it, unless the visitor just left.
func (s *Sessions) storeDown(ctx context.Context, err error) error {
	if !visitorLeft(ctx) {
		s.emit(withoutSession(ctx), Event{Kind: EventFault, Code: CodeStoreUnavailable, Detail: err.Error()})
	}
	return CodeStoreUnavailable
}
