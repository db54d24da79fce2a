package certify

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A taken is what the store remembers of a redeemed attempt.
type taken struct {
	txn     string    // the one verification it is for
	issued  time.Time // when, so that a repeat brings the same claim
	account string    // hash of the account that Accept named
}

func (t taken) String() string {
	return t.txn + " " + strconv.FormatInt(t.issued.Unix(), 10) + " " + t.account
}

var errNotTaken = errors.New("what stands under an attempt's key is nothing that certify put there")

// readTaken reads what stands in the store. If something else wrote to it,
// nobody can tell, as if the store were down.
func (s *Sessions) readTaken(ctx context.Context, stands string) (taken, error) {
	parts := strings.Split(stands, " ")
	if len(parts) != 3 {
		return taken{}, s.storeDown(ctx, errNotTaken)
	}
	sec, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return taken{}, s.storeDown(ctx, errNotTaken)
	}
	return taken{parts[0], time.Unix(sec, 0), parts[2]}, nil
}

func attemptKey(a *attempt) string { return "attempt:" + a.ID }

// take claims the attempt for one verification, for good.
func (h *Handler) take(ctx context.Context, a *attempt, txn string, now time.Time) (taken, error) {
	stands, err := h.sessions.store.PutIfAbsent(ctx, attemptKey(a), taken{txn, now, ""}.String(), a.storeFor(now))
	if err != nil {
		return taken{}, h.sessions.storeDown(ctx, err)
	}
	t, err := h.sessions.readTaken(ctx, stands)
	if err != nil {
		return taken{}, err
	}
	if t.txn != txn {
		return taken{}, CodeAttemptUsed
	}
	if err := h.endIfSignedOut(ctx, a); err != nil {
		return taken{}, err
	}
	revoked, err := h.sessions.isRevoked(ctx, a.claimID())
	if err == nil && revoked {
		err = CodeClaimRevoked
	}
	return t, err
}

// isRevoked reports whether the claim with that id was revoked by itself.
func (s *Sessions) isRevoked(ctx context.Context, jti string) (bool, error) {
	_, revoked, err := s.store.Get(ctx, revokedKey(jti))
	if err != nil {
		return false, s.storeDown(ctx, err)
	}
	return revoked, nil
}

// storeFor is how long the attempt must be remembered: as long as it could be
// redeemed on any instance's clock. It is an attempt's whole life at least, since
// this clock may be ahead for a while, and the Store counts by another.
func (a *attempt) storeFor(now time.Time) time.Duration {
	return max(a.expires().Sub(now), attemptLife) + maxSkew
}

func (h *Handler) taken(ctx context.Context, a *attempt) (taken, error) {
	stands, ok, err := h.sessions.store.Get(ctx, attemptKey(a))
	switch {
	case err != nil:
		return taken{}, h.sessions.storeDown(ctx, err)
	case !ok:
		return taken{}, nil
	}
	return h.sessions.readTaken(ctx, stands)
}

// keptKey is where the account of an attempt's claim is found again: under it
// stands the Store's own name for the account.
func keptKey(a *attempt) string { return "accepted:" + a.ID }

// keptAccount returns the Store's name for the account that Accept named before,
// or "". The account itself is known only once Accept was asked.
func (h *Handler) keptAccount(ctx context.Context, a *attempt) (string, error) {
	if h.accept == nil {
		return "", nil
	}
	kept, _, err := h.sessions.store.Get(ctx, keptKey(a))
	if err != nil {
		return "", h.sessions.storeDown(ctx, err)
	}
	return kept, nil
}

// keepAccount remembers the account that Accept named: its revocation is judged
// before a repeat asks again, and the visitor whom SignIn signs in may reload
// the page.
func (h *Handler) keepAccount(r *http.Request, a *attempt, t taken, account, kept string) error {
	if h.accept != nil && account != "" && kept != accountKey(account) {
		if err := h.putFor(r.Context(), a, keptKey(a), accountKey(account)); err != nil {
			return err
		}
	}
	hash := a.accountHash(account)
	if h.sessions.account == nil || hash == t.account || hash == a.account {
		return nil
	}
	t.account = hash
	return h.putFor(r.Context(), a, attemptKey(a), t.String())
}

// putFor stores what is remembered for as long as the attempt.
func (h *Handler) putFor(ctx context.Context, a *attempt, key, value string) error {
	if err := h.sessions.store.Put(ctx, key, value, a.storeFor(h.sessions.now())); err != nil {
		return h.sessions.storeDown(ctx, err)
	}
	return nil
}

func finishedKey(a *attempt) string { return "finished:" + a.ID }

// What stands under finishedKey.
const (
	finishedOnce  = "1"
	finishedNever = "0" // SignIn failed: the visitor may come again
)

// wasFinished reports whether the attempt brought before what it was begun for:
// a purpose, that is, since every repeat of another brings the same claim.
func (h *Handler) wasFinished(ctx context.Context, a *attempt) (bool, error) {
	if a.Purpose == "" {
		return false, nil
	}
	stands, ok, err := h.sessions.store.Get(ctx, finishedKey(a))
	if err != nil {
		return false, h.sessions.storeDown(ctx, err)
	}
	return ok && stands != finishedNever, nil
}

// unfinishPurpose takes finishPurpose back after SignIn failed. The first time
// alone: after that a revocation has to stay one.
func (h *Handler) unfinishPurpose(ctx context.Context, done completion) error {
	if done.claim != nil || done.finished {
		return nil
	}
	return h.putFor(context.WithoutCancel(ctx), done.attempt, finishedKey(done.attempt), finishedNever)
}

// finishPurpose refuses whoever signed out and, where it was finished before,
// an account whose claims were revoked. The first time it was Accept that
// revoked them, for a recovery, and had nothing of this attempt's to revoke.
func (h *Handler) finishPurpose(ctx context.Context, a *attempt, c *Claim, before bool) error {
	s, judged := h.sessions, *c
	if !before {
		judged.Subject = ""
	}
	err := s.checkRevoked(ctx, &judged)
	if err != nil || before || c.Subject == "" {
		return err
	}
	return h.putFor(ctx, a, finishedKey(a), finishedOnce)
}
