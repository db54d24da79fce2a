package certify

import (
	"slices"
	"time"
)

// All admits those whom every policy admits. A denial that no new
// verification would mend wins over one that it would, and every reason is
// reported. It panics without policies.
func All(ps ...Policy) Policy { return allOf(checkedPolicies(ps)) }

// Any admits those whom at least one policy admits. If none does, a denial
// that a new verification may mend wins. It panics without policies.
func Any(ps ...Policy) Policy { return anyOf(checkedPolicies(ps)) }

// Not admits those of whom it is known that p does not admit them. What p
// cannot tell stays refused: Not(Foreigner()) never admits an unknown
// nationality, nor does Not of a policy that fails or is merely out of date.
func Not(p Policy) Policy { return notOf{checkedPolicies([]Policy{p})[0]} }

func checkedPolicies(ps []Policy) []Policy {
	if len(ps) == 0 {
		panic("certify: All and Any need at least one policy")
	}
	for _, p := range ps {
		if p == nil {
			panic("certify: nil policy")
		}
	}
	return append([]Policy(nil), ps...)
}

type allOf []Policy

func (ps allOf) Check(now time.Time, c *Claim) error {
	reasons := refusals(ps, now, c)
	if len(reasons) == 0 {
		return nil
	}
	lead := leading(reasons, func(d *Denial) int {
		switch {
		case d.Definite:
			return 0
		case d.Remedy == "":
			return 1
		case d.Code == CodeStale: // the one with an answer of its own
			return 2
		}
		return 3
	})
	return combined(ps.String(), lead, reasons, slices.ContainsFunc(reasons, isDefinite))
}

func (ps allOf) String() string { return describeAll(ps, " and ") }
func (allOf) combined()         {}

type anyOf []Policy

func (ps anyOf) Check(now time.Time, c *Claim) error {
	reasons := refusals(ps, now, c)
	if len(reasons) < len(ps) {
		return nil
	}
	lead := leading(reasons, func(d *Denial) int {
		switch {
		case d.Remedy != "":
			return 0
		case !d.Definite:
			return 1
		}
		return 2
	})
	return combined(ps.String(), lead, reasons, !slices.ContainsFunc(reasons, isNotDefinite))
}

func (ps anyOf) String() string { return describeAll(ps, " or ") }
func (anyOf) combined()         {}

func isDefinite(d *Denial) bool    { return d.Definite }
func isNotDefinite(d *Denial) bool { return !d.Definite }

// refusals asks every policy, even after the outcome is known: a visitor
// should hear all that is missing at once.
func refusals(ps []Policy, now time.Time, c *Claim) (reasons []*Denial) {
	for _, p := range ps {
		if d := evaluate(p, now, c); d != nil {
			reasons = append(reasons, d)
		}
	}
	return reasons
}

// leading returns the first reason of the lowest rank.
func leading(reasons []*Denial, rank func(*Denial) int) *Denial {
	lead := reasons[0]
	for _, d := range reasons[1:] {
		if rank(d) < rank(lead) {
			lead = d
		}
	}
	return lead
}

// combined makes one denial of many, led by lead.
func combined(policy string, lead *Denial, reasons []*Denial, definite bool) *Denial {
	out := *lead
	out.Definite = definite
	if len(reasons) == 1 {
		return &out
	}
	out.Policy = policy
	out.Reasons = nil
	for _, d := range reasons {
		if len(d.Reasons) > 0 {
			out.Reasons = append(out.Reasons, d.Reasons...)
		} else {
			out.Reasons = append(out.Reasons, d)
		}
		if d.Code == CodeStale && out.Code == CodeStale {
			out.MaxAge = min(out.MaxAge, d.MaxAge)
		}
	}
	return &out
}

type notOf struct{ p Policy }

func (n notOf) Check(now time.Time, c *Claim) error {
	d := evaluate(n.p, now, c)
	switch {
	case d == nil:
		return &Denial{Code: CodeExcluded, Definite: true, Policy: n.String()}
	case d.Definite:
		return nil
	}
	return d
}

func (n notOf) String() string {
	return "not (" + describe(n.p) + ")"
}
