package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// A silentError says that a node gave no answer to the connection that watches
// it. Calls fail at once then, and that connection alone tries again: the first
// answer ends the silence.
type silentError struct {
	node  string
	cause string
}

func (e *silentError) Error() string {
	return fmt.Sprintf("redisstore: no answer from Redis at %s: %s", e.node, e.cause)
}

// isSilence reports whether a connection ended because nothing came.
func isSilence(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// recordEnd notes how listening to the node ended. A connection that is cut may be
// made anew at once, so that one failure is no silence unless nothing came.
func (t *tracker) recordEnd(err error, proved bool) {
	switch {
	case isSilence(err), !proved && isDown(err) && !errors.Is(err, errReplica):
		t.silent.Store(&silentError{t.addr, explain(err).Error()})
	case !proved:
		t.silent.Store(nil) // it answers, with a refusal
	}
}

// checkSilence returns why there will be no answer about a key, or nil.
func (w *watch) checkSilence(prefix, key string) error {
	var silent *silentError
	trackers := *w.trackers.Load()
	for _, t := range trackers {
		if e := t.silent.Load(); e != nil {
			silent = e
			break
		}
	}
	if silent == nil {
		return nil
	}
	if at := w.slots.Load(); at != nil { // a cluster
		silent = nil
		for _, r := range *at {
			if n := slot(prefix + key); n >= r.first && n <= r.last {
				silent = r.owner.silent.Load()
			}
		}
	}
	if silent == nil {
		return nil
	}
	return silent
}

// A slotRange is a range of slots, and the tracker of the node that owns it.
type slotRange struct {
	first, last int
	owner       *tracker
}

// locateSilentSlots asks a node that answers who owns which slots, while another does not.
// Where nobody says, calls go to the node and wait.
func (w *watch) locateSilentSlots(client rueidis.Client, at map[string]*tracker) {
	if client.Mode() != rueidis.ClientModeCluster {
		return
	}
	var silent, answering []*tracker
	for _, t := range at {
		if t.silent.Load() != nil {
			silent = append(silent, t)
		} else {
			answering = append(answering, t)
		}
	}
	ranges := []slotRange{}
	switch {
	case len(silent) > 0 && len(answering) == 0:
		ranges = []slotRange{{0, clusterSlots - 1, silent[0]}}
	case len(silent) > 0:
		ranges = slotRanges(answering[0], silent)
	}
	w.slots.Store(&ranges)
}

// slotRanges returns what the silent nodes own, as one that answers says.
func slotRanges(answering *tracker, silent []*tracker) (ranges []slotRange) {
	ctx, cancel := context.WithTimeout(context.Background(), beatEvery)
	defer cancel()
	node := *answering.node.Load()
	reply, _ := node.Do(ctx, node.B().ClusterSlots().Build()).ToArray()
	for _, row := range reply {
		first, last, addr := parseSlots(row, answering.addr)
		if i := slices.IndexFunc(silent, func(t *tracker) bool { return t.addr == addr }); i >= 0 {
			ranges = append(ranges, slotRange{first, last, silent[i]})
		}
	}
	return ranges
}

// parseSlots reads a row of CLUSTER SLOTS: two slots, and the address of the
// primary, whose host is that of the node asked if it is empty.
func parseSlots(row rueidis.RedisMessage, asked string) (first, last int, addr string) {
	fields, err := row.ToArray()
	if err != nil || len(fields) < 3 {
		return 0, -1, ""
	}
	from, errFrom := fields[0].AsInt64()
	to, errTo := fields[1].AsInt64()
	primary, err := fields[2].ToArray()
	if errors.Join(errFrom, errTo, err) != nil || len(primary) < 2 {
		return 0, -1, ""
	}
	host, _ := primary[0].ToString()
	port, err := primary[1].AsInt64()
	if err != nil {
		return 0, -1, ""
	}
	if host == "" {
		host, _, _ = net.SplitHostPort(asked)
	}
	return int(from), int(to), net.JoinHostPort(host, strconv.FormatInt(port, 10))
}

// locateEvery is how often the owners of slots are asked for during a silence.
const locateEvery = time.Second
