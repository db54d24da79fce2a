package redisstore

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// A down lets lookups pass while Redis is down, and says so.
type down struct {
	unchecked func(context.Context, error)
	logger    *slog.Logger
	logged    atomic.Int64 // unix seconds
}

const logUncheckedEvery = 10 * time.Second

func newDown(cfg Config) *down {
	if !cfg.InsecureAdmitWhenDown {
		return nil
	}
	cfg.Logger.Warn("redisstore: InsecureAdmitWhenDown is set: whoever signed out is in again while Redis is down")
	return &down{unchecked: cfg.Unchecked, logger: cfg.Logger}
}

func (d *down) admit(ctx context.Context, why error) {
	if d.unchecked != nil {
		d.unchecked(ctx, why)
		return
	}
	now, last := time.Now().Unix(), d.logged.Load()
	if now-last >= int64(logUncheckedEvery/time.Second) && d.logged.CompareAndSwap(last, now) {
		d.logger.ErrorContext(ctx, "redisstore: Redis is down: visitors pass without a look at what was revoked (InsecureAdmitWhenDown)", "error", why)
	}
}
