package certify

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// All admits those whom every policy admits. A denial that no new
// verification would mend wins over one that it would, and every reason is
// reported. It panics without policies.
func All(ps ...Policy) Policy { return &allOf{checkedPolicies(ps)} }

// Any admits those whom at least one policy admits, and asks no further then.
// If none does, a denial that a new verification may mend wins, and every
// reason is reported. It panics without policies.
func Any(ps ...Policy) Policy { return &anyOf{checkedPolicies(ps)} }

// Not admits those of whom it is known that p does not admit them. What p
// cannot tell stays refused: Not(Foreigner()) never admits an unknown
// nationality, nor does Not of a policy that fails or is merely out of date.
func Not(p Policy) Policy {
	checkedPolicies([]Policy{p})
	n := &notOf{p: p}
	n.excluded = &Denial{Code: CodeExcluded, Definite: true, Policy: n.String()}
	return n
}

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

type allOf struct{ policies []Policy }

func (p *allOf) Check(now time.Time, c *Claim) error { return check(p, now, c) }
func (p *allOf) String() string                      { return describeAll(p.policies, " and ") }

type anyOf struct{ policies []Policy }

func (p *anyOf) Check(now time.Time, c *Claim) error { return check(p, now, c) }
func (p *anyOf) String() string                      { return describeAll(p.policies, " or ") }

type notOf struct {
	p        Policy
	excluded *Denial // shared, as a rule's
}

func (p *notOf) Check(now time.Time, c *Claim) error { return check(p, now, c) }
func (p *notOf) String() string                      { return "not (" + describe(p.p) + ")" }

// describe names a policy for logs and problem documents.
func describe(p Policy) (sentence string) {
	defer func() {
		if recover() != nil {
			sentence = ownPolicy
		}
	}()
	if s, ok := p.(fmt.Stringer); ok {
		return s.String()
	}
	return ownPolicy
}

func describeAll(ps []Policy, word string) string {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = describe(p)
		switch p.(type) {
		case *allOf, *anyOf:
			names[i] = "(" + names[i] + ")"
		}
	}
	return strings.Join(names, word)
}

func check(p Policy, now time.Time, c *Claim) error {
	if d, _ := evaluate(p, now, c); d != nil {
		return d
	}
	return nil
}

// evaluate asks p, and makes one shape of every way to refuse. The Denial is
// the caller's own, to change as it likes. The policies that failed are for the
// operator, also where another one of [Any] admitted.
func evaluate(p Policy, now time.Time, c *Claim) (d *Denial, failed []*Denial) {
	var rs refusals
	f := rs.ask(p, now, c)
	if f.lead == nil {
		return nil, rs.failed
	}
	return f.denial(rs.list()), rs.failed
}

// refusals are those of all parts of a policy: a visitor should hear at once
// of all that is missing. They are shared, and not to be changed. The first few
// live on the stack, so that an allow after them allocates nothing.
type refusals struct {
	n    int
	few  [8]*Denial
	more []*Denial

	failed []*Denial // of all policies that were asked
}

func (rs *refusals) add(d *Denial) {
	if d.Code == CodePolicyFailed {
		rs.failed = append(rs.failed, d)
	}
	if rs.n < len(rs.few) {
		rs.few[rs.n] = d
	} else {
		rs.more = append(rs.more[:rs.n-len(rs.few)], d)
	}
	rs.n++
}

func (rs *refusals) list() []*Denial {
	few := min(rs.n, len(rs.few))
	return append(append([]*Denial(nil), rs.few[:few]...), rs.more[:rs.n-few]...)
}

// A finding is what comes of asking a policy.
type finding struct {
	lead *Denial // the refusal that counts, nil to admit
	by   Policy  // the combination that refused, nil if lead's own policy did
}

// ask asks p, and adds its refusals.
func (rs *refusals) ask(p Policy, now time.Time, c *Claim) finding {
	switch p := p.(type) {
	case *allOf:
		return rs.askAll(p, now, c)
	case *anyOf:
		return rs.askAny(p, now, c)
	case *notOf:
		return rs.askNot(p, now, c)
	}
	d := askOne(p, now, c)
	if d == nil {
		return finding{}
	}
	if len(d.Reasons) == 0 {
		rs.add(d)
	}
	for _, reason := range d.Reasons { // of a combination behind a policy of the app's
		rs.add(reason)
	}
	return finding{lead: d}
}

// askAll is Kleene's "and": the hardest refusal counts.
func (rs *refusals) askAll(p *allOf, now time.Time, c *Claim) (found finding) {
	for _, member := range p.policies {
		switch f := rs.ask(member, now, c); {
		case f.lead == nil:
		case found.lead == nil:
			found = f
		case f.lead.harder(found.lead):
			found = finding{f.lead, p}
		default:
			found.by = p
		}
	}
	return found
}

// askAny is Kleene's "or": the softest refusal counts, and any allow more.
func (rs *refusals) askAny(p *anyOf, now time.Time, c *Claim) (found finding) {
	before := rs.n
	for _, member := range p.policies {
		switch f := rs.ask(member, now, c); {
		case f.lead == nil:
			rs.n = before
			return finding{}
		case found.lead == nil:
			found = f
		case f.lead.softer(found.lead):
			found = finding{f.lead, p}
		default:
			found.by = p
		}
	}
	return found
}

// askNot is Kleene's "not": what cannot be told cannot be told.
func (rs *refusals) askNot(p *notOf, now time.Time, c *Claim) finding {
	before := rs.n
	f := rs.ask(p.p, now, c)
	switch {
	case f.lead == nil:
		rs.add(p.excluded)
		return finding{lead: p.excluded}
	case f.lead.Definite:
		rs.n = before
		return finding{}
	}
	return finding{f.lead, p}
}

// hardness orders refusals by how little may be done about them.
func (d *Denial) hardness() int {
	switch {
	case d.Definite:
		return 3
	case d.Remedy == "":
		return 2
	case d.Remedy != Reverify: // something of the app's own
		return 1
	}
	return 0
}

// softer reports whether d counts more than e where either would do. A policy
// that could not answer counts most: it might have admitted, and a verification
// would be a fee for nothing.
func (d *Denial) softer(e *Denial) bool {
	if d.isUnknown() != e.isUnknown() {
		return d.isUnknown()
	}
	return d.hardness() < e.hardness()
}

// isUnknown reports whether d refuses since nobody can tell.
func (d *Denial) isUnknown() bool {
	return problemTexts[d.Code].status >= http.StatusInternalServerError
}

// harder reports whether d counts more than e. Of what a new verification
// would mend, staleness does: it has an answer of its own, with the shortest
// time that is asked for.
func (d *Denial) harder(e *Denial) bool {
	if d.hardness() != e.hardness() || d.Code != CodeStale || d.Remedy != Reverify {
		return d.hardness() > e.hardness()
	}
	return e.Code != CodeStale || d.MaxAge < e.MaxAge
}

const errNilDenial = ownFault("the policy returned a nil *Denial, which is no nil error: return nil to allow")

// askOne asks a policy that is no combination. Whatever ends it without an
// answer is a refusal, but [http.ErrAbortHandler], which is the server's.
func askOne(p Policy, now time.Time, c *Claim) (d *Denial) {
	answered := false
	defer func() {
		if answered {
			return
		}
		v := recover()
		if v == http.ErrAbortHandler {
			panic(v)
		}
		d = failed(p, ownFault("the policy "+panicText(v)))
	}()
	if r, ok := p.(*rule); ok {
		d = r.decide(now, c)
	} else if err := p.Check(now, c); err != nil {
		d = asDenial(err, p)
	}
	answered = true
	return d
}

func failed(p Policy, err error) *Denial {
	return &Denial{Code: CodePolicyFailed, Policy: describe(p), Err: err}
}

// asDenial keeps a *Denial that the policy returned itself, but never lets it
// be definite and say in one breath that a new verification may pass. One that
// it wrapped loses Definite, too: what it was wrapped in may say otherwise.
func asDenial(err error, p Policy) *Denial {
	d, direct := err.(*Denial)
	switch {
	case !direct && !errors.As(err, &d):
		if c, ok := knownCode(err); ok {
			return &Denial{Code: c, Policy: describe(p), Err: err}
		}
		return failed(p, err)
	case d == nil:
		return failed(p, errNilDenial)
	}
	out := *d
	out.Definite = d.Definite && direct && d.Remedy == ""
	out.Reasons = slices.DeleteFunc(slices.Clone(d.Reasons), func(r *Denial) bool { return r == nil })
	if !direct {
		out.Err = err
	}
	if out.Code == "" {
		out.Code = CodeExcluded
	}
	if out.Policy == "" {
		out.Policy = describe(p)
	}
	return &out
}

// denial makes the refusal that is handed out: all of it copies, since a hook
// that changed a shared one would speak to every later visitor.
func (f finding) denial(reasons []*Denial) *Denial {
	out := f.lead.alone()
	if f.by != nil {
		out.Policy = describe(f.by)
	}
	if len(reasons) == 1 && reasons[0] == f.lead {
		return out
	}
	for _, d := range reasons {
		out.Reasons = append(out.Reasons, d.alone())
	}
	return out
}
