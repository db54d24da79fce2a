package certify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

func TestReasonsOfNestedCombinations(t *testing.T) {
	t.Parallel()
	op := func(side string, kind byte) certify.Policy { return operand{side, kind} }
	for _, tc := range []struct {
		name                  string
		policy                certify.Policy
		code, by, wantReasons string
	}{
		{"one of two parts refuses", certify.All(op("a", 'T'), certify.Any(op("b", 'R'), op("c", 'U'))), "bR", "bR or cU", "bR cU"},
		{"both do", certify.All(op("a", 'F'), certify.Any(op("b", 'R'), op("c", 'U'))), "aF", "aF and (bR or cU)", "aF bR cU"},
		{"what was admitted is no reason", certify.All(certify.Any(op("a", 'U'), op("b", 'T')), op("c", 'F')), "cF", "cF", ""},
		{"nor what Not turned", certify.All(certify.Not(op("a", 'F')), op("b", 'R'), op("c", 'U')), "cU", "not (aF) and bR and cU", "bR cU"},
		{"Not of what cannot be told", certify.Not(certify.All(op("a", 'R'), op("b", 'U'))), "bU", "not (aR and bU)", "aR bU"},
		{"behind a policy of the app's", certify.All(behindAPolicyOfTheApp(certify.All(op("a", 'R'), op("b", 'F'))), op("c", 'U')), "bF", "a policy of this site and cU", "aR bF cU"},
		{"such a policy alone", behindAPolicyOfTheApp(certify.Any(op("a", 'U'), op("b", 'R'))), "bR", "aU or bR", "aU bR"},
		{"more than a few", certify.All(op("a", 'R'), op("b", 'R'), op("c", 'R'), op("d", 'R'), op("e", 'R'), op("f", 'R'), op("g", 'R'), op("h", 'R'), op("i", 'U'), op("j", 'R')),
			"iU", "aR and bR and cR and dR and eR and fR and gR and hR and iU and jR", "aR bR cR dR eR fR gR hR iU jR"},
		{"more than a few, some of them admitted in the end", certify.All(
			certify.Any(op("a", 'R'), op("b", 'R'), op("c", 'R'), op("d", 'R'), op("e", 'R'), op("f", 'R'), op("g", 'R'), op("h", 'R'), op("i", 'R'), op("j", 'T')),
			certify.All(op("k", 'R'), op("l", 'R'), op("m", 'R'), op("n", 'R'), op("o", 'R'), op("p", 'R'), op("q", 'R'), op("r", 'R'), op("s", 'R'))),
			"kR", "kR and lR and mR and nR and oR and pR and qR and rR and sR", "kR lR mR nR oR pR qR rR sR"},
		{"an excluded person", certify.All(certify.Not(op("a", 'T')), op("b", 'U')), "excluded", "not (aT) and bU", "excluded bU"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := tc.policy.Check(noon, &certify.Claim{}).(*certify.Denial)
			var reasons []string
			for _, r := range d.Reasons {
				reasons = append(reasons, string(r.Code))
			}
			if string(d.Code) != tc.code || d.Policy != tc.by || strings.Join(reasons, " ") != tc.wantReasons {
				t.Errorf("code %s by %q for %v, want %s by %q for [%s]", d.Code, d.Policy, reasons, tc.code, tc.by, tc.wantReasons)
			}
		})
	}
}

// Any asks no further once somebody is admitted: the rest cannot change it.
func TestAnyStopsAtAnAllow(t *testing.T) {
	t.Parallel()
	never := certify.PolicyFunc(func(time.Time, *certify.Claim) error { t.Error("asked"); return nil })
	if err := certify.Any(operand{"a", 'E'}, operand{"b", 'T'}, never).Check(noon, &certify.Claim{}); err != nil {
		t.Error(err)
	}
}

// All asks everyone, so that a visitor hears at once of all that is missing.
func TestAllAsksEveryone(t *testing.T) {
	t.Parallel()
	asked := 0
	count := certify.PolicyFunc(func(time.Time, *certify.Claim) error { asked++; return certify.CodeInternal })
	_ = certify.All(count, operand{"a", 'F'}, count).Check(noon, &certify.Claim{})
	if asked != 2 {
		t.Errorf("asked %d of 2", asked)
	}
}

// Of what a new verification would mend, staleness leads All: it has an answer
// of its own, and its shortest time is what the visitor must meet.
func TestStalenessLeads(t *testing.T) {
	t.Parallel()
	old := &certify.Claim{AuthTime: noon.Add(-48 * time.Hour)}
	hour, minute, day := certify.FreshWithin(time.Hour), certify.FreshWithin(time.Minute), certify.FreshWithin(24*time.Hour)
	unsure := certify.MinAge(19) // of a claim without a birth date
	gone := certify.PolicyFunc(func(time.Time, *certify.Claim) error {
		return &certify.Denial{Code: certify.CodeStale, MaxAge: time.Second}
	})
	for _, tc := range []struct {
		name   string
		policy certify.Policy
		code   certify.Code
		maxAge time.Duration
	}{
		{"alone", hour, certify.CodeStale, time.Hour},
		{"after an uncertain age", certify.All(unsure, hour), certify.CodeStale, time.Hour},
		{"before an uncertain age", certify.All(hour, unsure), certify.CodeStale, time.Hour},
		{"the shortest first", certify.All(minute, hour, day), certify.CodeStale, time.Minute},
		{"the shortest last", certify.All(day, hour, minute), certify.CodeStale, time.Minute},
		{"the shortest between", certify.All(day, minute, hour), certify.CodeStale, time.Minute},
		{"the shortest within", certify.All(day, certify.All(unsure, minute), hour), certify.CodeStale, time.Minute},
		{"Any offers the first", certify.Any(unsure, hour), certify.CodeAgeUncertain, 0},
		{"a denial without a remedy before", certify.All(gone, minute), certify.CodeStale, time.Second},
		{"a denial without a remedy after", certify.All(minute, gone), certify.CodeStale, time.Second},
		{"an unknown nationality", certify.All(hour, certify.Foreigner()), certify.CodeNationalityUnknown, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := tc.policy.Check(noon, old).(*certify.Denial)
			if d.Code != tc.code || d.MaxAge != tc.maxAge {
				t.Errorf("%s within %v, want %s within %v", d.Code, d.MaxAge, tc.code, tc.maxAge)
			}
		})
	}
}

// A remedy of the app's own counts between none and a new verification.
func TestRemediesOfTheApp(t *testing.T) {
	t.Parallel()
	denies := func(code string, remedy certify.Remedy) certify.Policy {
		return certify.PolicyFunc(func(time.Time, *certify.Claim) error {
			return &certify.Denial{Code: certify.Code(code), Remedy: remedy}
		})
	}
	none, appeal, again := denies("none", ""), denies("appeal", "appeal"), denies("again", certify.Reverify)
	for _, tc := range []struct {
		name   string
		policy certify.Policy
		code   string
	}{
		{"All of appeal, none", certify.All(appeal, none), "none"},
		{"All of none, appeal", certify.All(none, appeal), "none"},
		{"All of again, appeal", certify.All(again, appeal), "appeal"},
		{"All of appeal, again", certify.All(appeal, again), "appeal"},
		{"Any of none, appeal", certify.Any(none, appeal), "appeal"},
		{"Any of appeal, none", certify.Any(appeal, none), "appeal"},
		{"Any of appeal, again", certify.Any(appeal, again), "again"},
		{"Any of again, appeal", certify.Any(again, appeal), "again"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if d := tc.policy.Check(noon, &certify.Claim{}).(*certify.Denial); string(d.Code) != tc.code {
				t.Errorf("%s leads, want %s", d.Code, tc.code)
			}
		})
	}
}

func TestCombinationsAreCheckedWhileWiring(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		wire func()
	}{
		{"All of nothing", func() { certify.All() }},
		{"Any of nothing", func() { certify.Any() }},
		{"All of nil", func() { certify.All(certify.MinAge(19), nil) }},
		{"Any of nil", func() { certify.Any(nil, certify.MinAge(19)) }},
		{"Not of nil", func() { certify.Not(nil) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			tc.wire()
		})
	}
}

// Who changes the slice later does not change the gate.
func TestCombinationsKeepACopy(t *testing.T) {
	t.Parallel()
	ps := []certify.Policy{operand{"a", 'F'}, operand{"b", 'F'}}
	all, any := certify.All(ps...), certify.Any(ps...)
	ps[0], ps[1] = operand{"c", 'T'}, operand{"d", 'T'}
	if all.Check(noon, &certify.Claim{}) == nil || any.Check(noon, &certify.Claim{}) == nil {
		t.Error("admitted")
	}
}
