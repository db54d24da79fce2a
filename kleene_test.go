package certify_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// An operand answers in one of six ways:
//
//	T allow    F definite denial    R denial that a new verification may mend
//	U denial without a remedy    E plain error    P panic
type operand struct {
	side string
	kind byte
}

const kinds = "TFRUEP"

func (o operand) String() string { return o.side + string(o.kind) }

func (o operand) Check(time.Time, *certify.Claim) error {
	switch o.kind {
	case 'F':
		return &certify.Denial{Code: certify.Code(o.String()), Definite: true}
	case 'R':
		return &certify.Denial{Code: certify.Code(o.String()), Remedy: certify.Reverify}
	case 'U':
		return &certify.Denial{Code: certify.Code(o.String())}
	case 'E':
		return errors.New(o.String())
	case 'P':
		panic(o.String())
	}
	return nil
}

// kindOf reads an answer back, X for a Not that met somebody it excludes, and
// fails the test if its parts contradict each other.
func kindOf(t *testing.T, err error) byte {
	t.Helper()
	if err == nil {
		return 'T'
	}
	d, ok := err.(*certify.Denial)
	switch {
	case !ok:
		t.Fatalf("refused with %T", err)
	case d.Definite && d.Remedy != "":
		t.Fatal("a definite denial with a remedy")
	case d.Code == certify.CodeExcluded && d.Definite:
		return 'X'
	case d.Definite:
		return 'F'
	case d.Remedy == certify.Reverify:
		return 'R'
	case d.Code == certify.CodePolicyFailed && strings.Contains(d.Err.Error(), "panicked"):
		return 'P'
	case d.Code == certify.CodePolicyFailed:
		return 'E'
	}
	return 'U'
}

// The tables are written out, row by row for the left operand and column by
// column for the right. The letter says which answer counts; of two of a kind
// the left one's code does. A policy that failed counts most in Any: it might have
// admitted.
var (
	allTable = map[string]string{
		//   T F R U E P
		"T": "T F R U E P",
		"F": "F F F F F F",
		"R": "R F R U E P",
		"U": "U F U U U U",
		"E": "E F E E E E",
		"P": "P F P P P P",
	}
	anyTable = map[string]string{
		//   T F R U E P
		"T": "T T T T T T",
		"F": "T F R U E P",
		"R": "T R R R E P",
		"U": "T U R U E P",
		"E": "T E E E E E",
		"P": "T P P P P P",
	}
	notTable = map[string]string{"T": "X", "F": "T", "R": "R", "U": "U", "E": "E", "P": "P"}
)

func cell(table map[string]string, left, right byte) byte {
	return strings.ReplaceAll(table[string(left)], " ", "")[strings.IndexByte(kinds, right)]
}

func TestAllAndAny(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, word string
		combine    func(...certify.Policy) certify.Policy
		table      map[string]string
	}{
		{"All", " and ", certify.All, allTable},
		{"Any", " or ", certify.Any, anyTable},
	} {
		for _, l := range []byte(kinds) {
			for _, r := range []byte(kinds) {
				t.Run(fmt.Sprintf("%s(%c,%c)", tc.name, l, r), func(t *testing.T) {
					t.Parallel()
					left, right := operand{"left", l}, operand{"right", r}
					err := tc.combine(left, right).Check(noon, &certify.Claim{})
					want := cell(tc.table, l, r)
					if got := kindOf(t, err); got != want {
						t.Fatalf("got %c, want %c", got, want)
					}
					if want == 'T' {
						return
					}
					lead := left
					if l != want {
						lead = right
					}
					wantLead(t, err.(*certify.Denial), lead)
					wantReasons(t, err.(*certify.Denial), tc.word, refusing(left, right))
				})
			}
		}
	}
}

func refusing(operands ...operand) []operand {
	return slices.DeleteFunc(operands, func(o operand) bool { return o.kind == 'T' })
}

// wantLead wants d to speak for the operand o.
func wantLead(t *testing.T, d *certify.Denial, o operand) {
	t.Helper()
	switch o.kind {
	case 'E':
		if d.Code != certify.CodePolicyFailed || d.Err.Error() != o.String() {
			t.Errorf("code %s, error %v, want that of %v", d.Code, d.Err, o)
		}
	case 'P':
		if d.Code != certify.CodePolicyFailed || strings.Contains(d.Err.Error(), o.String()) {
			t.Errorf("code %s, error %v: a panic's text is not kept", d.Code, d.Err)
		}
	default:
		if string(d.Code) != o.String() {
			t.Errorf("code %s, want that of %v", d.Code, o)
		}
	}
}

// wantReasons wants every refusal reported, in order; a single one is the
// denial itself.
func wantReasons(t *testing.T, d *certify.Denial, word string, refused []operand) {
	t.Helper()
	if len(refused) == 1 {
		if len(d.Reasons) != 0 || d.Policy != refused[0].String() {
			t.Errorf("policy %q with %d reasons, want %v alone", d.Policy, len(d.Reasons), refused[0])
		}
		return
	}
	if d.Policy != refused[0].String()+word+refused[1].String() || len(d.Reasons) != len(refused) {
		t.Fatalf("policy %q with %d reasons", d.Policy, len(d.Reasons))
	}
	for i, o := range refused {
		wantLead(t, d.Reasons[i], o)
		if d.Reasons[i].Policy != o.String() {
			t.Errorf("reason %d is of the policy %q, want %v", i, d.Reasons[i].Policy, o)
		}
	}
}

func TestNot(t *testing.T) {
	t.Parallel()
	for _, k := range []byte(kinds) {
		t.Run(fmt.Sprintf("Not(%c)", k), func(t *testing.T) {
			t.Parallel()
			o := operand{"own", k}
			err := certify.Not(o).Check(noon, &certify.Claim{})
			want := notTable[string(k)][0]
			if got := kindOf(t, err); got != want {
				t.Fatalf("got %c, want %c", got, want)
			}
			if want == 'T' {
				return
			}
			d := err.(*certify.Denial)
			if d.Policy != "not ("+o.String()+")" || len(d.Reasons) != 0 {
				t.Errorf("policy %q with %d reasons", d.Policy, len(d.Reasons))
			}
			if want != 'X' {
				wantLead(t, d, o)
			}
			if twice := kindOf(t, certify.Not(certify.Not(o)).Check(noon, &certify.Claim{})); (twice == 'T') != (k == 'T') {
				t.Errorf("Not twice of %c: %c", k, twice)
			}
		})
	}
}

// truth is what Kleene sees of an answer: true, false or unknown.
func truth(kind byte) byte {
	switch kind {
	case 'T':
		return 't'
	case 'F', 'X':
		return 'f'
	}
	return 'u'
}

var (
	kleeneAnd = map[string]byte{"tt": 't', "tf": 'f', "tu": 'u', "ft": 'f', "ff": 'f', "fu": 'f', "ut": 'u', "uf": 'f', "uu": 'u'}
	kleeneOr  = map[string]byte{"tt": 't', "tf": 't', "tu": 't', "ft": 't', "ff": 'f', "fu": 'u', "ut": 't', "uf": 'u', "uu": 'u'}
	kleeneNot = map[byte]byte{'t': 'f', 'f': 't', 'u': 'u'}
)

func and(a, b byte) byte { return kleeneAnd[string([]byte{a, b})] }
func or(a, b byte) byte  { return kleeneOr[string([]byte{a, b})] }

func TestDeMorgan(t *testing.T) {
	t.Parallel()
	for _, l := range []byte(kinds) {
		for _, r := range []byte(kinds) {
			a, b := operand{"left", l}, operand{"right", r}
			for _, tc := range []struct {
				name      string
				one, same certify.Policy
				want      byte
			}{
				{"not (a and b) = not a or not b", certify.Not(certify.All(a, b)), certify.Any(certify.Not(a), certify.Not(b)), kleeneNot[and(truth(l), truth(r))]},
				{"not (a or b) = not a and not b", certify.Not(certify.Any(a, b)), certify.All(certify.Not(a), certify.Not(b)), kleeneNot[or(truth(l), truth(r))]},
			} {
				one, same := kindOf(t, tc.one.Check(noon, &certify.Claim{})), kindOf(t, tc.same.Check(noon, &certify.Claim{}))
				if truth(one) != tc.want || truth(same) != tc.want {
					t.Errorf("%s for %c and %c: %c and %c, want %c", tc.name, l, r, one, same, tc.want)
				}
			}
		}
	}
}

// Three operands in several shapes, and as many levels.
func TestNestedCombinations(t *testing.T) {
	t.Parallel()
	not, all, any := certify.Not, certify.All, certify.Any
	for _, ka := range []byte(kinds) {
		for _, kb := range []byte(kinds) {
			for _, kc := range []byte(kinds) {
				pa, pb, pc := operand{"a", ka}, operand{"b", kb}, operand{"c", kc}
				a, b, c := truth(ka), truth(kb), truth(kc)
				for _, tc := range []struct {
					policy certify.Policy
					want   byte
				}{
					{all(pa, pb, pc), and(and(a, b), c)},
					{any(pa, pb, pc), or(or(a, b), c)},
					{all(any(pa, pb), not(pc)), and(or(a, b), kleeneNot[c])},
					{any(all(pa, pb), not(pc)), or(and(a, b), kleeneNot[c])},
					{not(all(any(pa, pb), not(pc))), kleeneNot[and(or(a, b), kleeneNot[c])]},
					{not(any(not(pa), all(pb, not(pc)))), kleeneNot[or(kleeneNot[a], and(b, kleeneNot[c]))]},
					{behindAPolicyOfTheApp(not(all(pa, any(pb, pc)))), kleeneNot[and(a, or(b, c))]},
				} {
					if got := kindOf(t, tc.policy.Check(noon, &certify.Claim{})); truth(got) != tc.want {
						t.Errorf("%v: got %c, want %c", tc.policy, got, tc.want)
					}
				}
			}
		}
	}
}

func behindAPolicyOfTheApp(p certify.Policy) certify.Policy { return certify.PolicyFunc(p.Check) }
