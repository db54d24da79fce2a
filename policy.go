package certify

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Policy decides whether a person may pass. Check returns nil to allow and
// an error to refuse, best a [*Denial]. It is called with a verified claim
// only, perhaps concurrently. A policy with a String method is named by it in
// logs and problem documents.
type Policy interface {
	Check(now time.Time, c *Claim) error
}

// PolicyFunc is a [Policy] of the app's own. A plain error refuses with
// [CodePolicyFailed]; its text is neither shown nor logged.
type PolicyFunc func(now time.Time, c *Claim) error

// Check calls f.
func (f PolicyFunc) Check(now time.Time, c *Claim) error { return f(now, c) }

func (f PolicyFunc) String() string { return "a policy of this site" }

// A Remedy says what would help after a denial. The zero value is: nothing.
type Remedy string

// Reverify means that a new verification may pass.
const Reverify Remedy = "reverify"

// A Denial is a policy's refusal and its reason.
type Denial struct {
	// Code is one of the Code constants, or the app's own.
	Code Code
	// Detail is a sentence for the visitor, for codes of the app's own.
	Detail string
	// Remedy says what would help.
	Remedy Remedy
	// Policy is the policy that refused, as a sentence.
	Policy string
	// MaxAge is how old a verification may be, with [CodeStale].
	MaxAge time.Duration
	// Definite says that a fact about the person is known and is not the one
	// required. Only such a denial is turned into entry by [Not].
	Definite bool
	// Reasons are all the refusals behind that of a combined policy.
	Reasons []*Denial
	// Err is the plain error of a custom policy, if that was the reason.
	Err error
}

func (d *Denial) Error() string {
	if d == nil {
		return CodePolicyFailed.Error()
	}
	if d.Policy == "" {
		return d.Code.Error()
	}
	return d.Code.Error() + ": the policy is: " + d.Policy
}

// Unwrap lets [errors.Is] find the Code, and the policy's own error.
func (d *Denial) Unwrap() []error {
	switch {
	case d == nil: // a policy's typed nil: refused all the same
		return nil
	case d.Err == nil:
		return []error{d.Code}
	}
	return []error{d.Code, d.Err}
}

// YouthMediaMaxAge is how long an age check of a member holds for
// youth-harmful media: one year (Youth Protection Act decree, art. 17(2)).
// 365 days never exceed the statutory year, leap years included.
const YouthMediaMaxAge = 365 * 24 * time.Hour

// MinAge admits a full age (만 나이) of at least n years.
func MinAge(n int) Policy { return fullAge{n: checkedAge(n)} }

// UnderAge admits a full age (만 나이) of less than n years.
func UnderAge(n int) Policy { return fullAge{n: checkedAge(n), under: true} }

// CivilAdult is [MinAge](19): majority under the Civil Act, art. 4.
func CivilAdult() Policy { return fullAge{n: 19, law: "Civil Act, art. 4"} }

// NotChild14 admits those who may consent to the use of their personal data
// themselves: full age 14. Others need a guardian's consent, and get
// [CodeGuardianConsentRequired] (PIPA, art. 22-2).
func NotChild14() Policy {
	return fullAge{n: 14, law: "Personal Information Protection Act, art. 22-2", code: CodeGuardianConsentRequired}
}

type fullAge struct {
	n     int
	under bool
	law   string
	code  Code // for those too young, [CodeUnderage] if empty
}

// Check is three-valued: between two birthdays that both fit the claim it can
// tell neither way, and only a new verification can.
func (p fullAge) Check(now time.Time, c *Claim) error {
	youngest, oldest := c.AgeRange(now)
	switch {
	case youngest >= p.n && !p.under, oldest < p.n && p.under:
		return nil
	case youngest < p.n && oldest >= p.n:
		return &Denial{Code: CodeAgeUncertain, Remedy: Reverify, Policy: p.String()}
	case p.under:
		return &Denial{Code: CodeOverage, Definite: true, Policy: p.String()}
	case p.code != "":
		return &Denial{Code: p.code, Definite: true, Policy: p.String()}
	}
	return &Denial{Code: CodeUnderage, Definite: true, Policy: p.String()}
}

func (p fullAge) String() string {
	if p.under {
		return fmt.Sprintf("full age under %d", p.n)
	}
	return fmt.Sprintf("full age of at least %d", p.n) + parenthesis(p.law)
}

// CalendarYearAge admits those whose calendar-year age (연 나이), the Korean
// year less the year of birth, is at least n.
func CalendarYearAge(n int) Policy { return calendarYearAge{n: checkedAge(n)} }

// YouthProtection admits those who are no youth: [CalendarYearAge](19), the
// rule for alcohol, tobacco and youth-harmful media (Youth Protection Act,
// art. 2(1)).
func YouthProtection() Policy {
	return calendarYearAge{n: 19, law: "Youth Protection Act, art. 2(1)"}
}

type calendarYearAge struct {
	n   int
	law string
}

func (p calendarYearAge) Check(now time.Time, c *Claim) error {
	age, ok := c.calendarYearAge(now)
	switch {
	case !ok:
		return &Denial{Code: CodeAgeUncertain, Remedy: Reverify, Policy: p.String()}
	case age < p.n:
		return &Denial{Code: CodeUnderage, Definite: true, Policy: p.String()}
	}
	return nil
}

func (p calendarYearAge) String() string {
	return fmt.Sprintf("calendar-year age of at least %d", p.n) + parenthesis(p.law)
}

func parenthesis(law string) string {
	if law == "" {
		return ""
	}
	return " (" + law + ")"
}

func checkedAge(n int) int {
	if n < 1 || n > oldestAge {
		panic(fmt.Sprintf("certify: a policy's age must be 1 to %d years, not %d", oldestAge, n))
	}
	return n
}

// Foreigner admits registered foreigners, and nobody of unknown nationality.
func Foreigner() Policy { return nationality{NationalityForeigner, CodeForeignerRequired} }

// KoreanNational admits Korean nationals, and nobody of unknown nationality.
func KoreanNational() Policy { return nationality{NationalityKorean, CodeKoreanRequired} }

type nationality struct {
	want Nationality
	code Code
}

func (p nationality) Check(_ time.Time, c *Claim) error {
	switch c.Nationality {
	case p.want:
		return nil
	case NationalityKorean, NationalityForeigner:
		return &Denial{Code: p.code, Definite: true, Policy: p.String()}
	}
	return &Denial{Code: CodeNationalityUnknown, Policy: p.String()}
}

func (p nationality) String() string {
	if p.want == NationalityForeigner {
		return "registered foreigner"
	}
	return "Korean national"
}

// FreshWithin admits those who were verified at most d ago, counted from the
// verification itself and not from any later sign-in or token.
func FreshWithin(d time.Duration) Policy {
	if d <= 0 {
		panic("certify: FreshWithin needs a positive duration")
	}
	return fresh(d)
}

type fresh time.Duration

func (p fresh) Check(now time.Time, c *Claim) error {
	if age := now.Sub(c.AuthTime); age > time.Duration(p) || age < -maxSkew {
		return &Denial{Code: CodeStale, Remedy: Reverify, MaxAge: time.Duration(p), Policy: p.String()}
	}
	return nil
}

func (p fresh) String() string { return "verified within " + time.Duration(p).String() }

// YouthMedia admits a member to youth-harmful media: [YouthProtection],
// verified within [YouthMediaMaxAge], and the visitor signed in as the very
// account that was verified (Youth Protection Act decree, art. 17(2)). It
// needs [SessionConfig.Account].
func YouthMedia() Policy {
	return All(YouthProtection(), FreshWithin(YouthMediaMaxAge), memberAccount{})
}

type memberAccount struct{}

func (p memberAccount) Check(_ time.Time, c *Claim) error {
	if !c.AccountCompared() {
		return &Denial{Code: CodeAccountRequired, Policy: p.String()}
	}
	return nil
}

func (p memberAccount) String() string { return "signed in as the member who was verified" }

// describe names a policy for logs and problem documents.
func describe(p Policy) string {
	if s, ok := p.(fmt.Stringer); ok {
		return s.String()
	}
	return PolicyFunc(nil).String()
}

func describeAll(ps []Policy, word string) string {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = describe(p)
		if _, nested := p.(interface{ combined() }); nested {
			names[i] = "(" + names[i] + ")"
		}
	}
	return strings.Join(names, word)
}

var errPolicyPanicked = errors.New("certify: the policy panicked")

// evaluate asks p, and makes one shape of every way to refuse.
func evaluate(p Policy, now time.Time, c *Claim) (d *Denial) {
	defer func() {
		if recover() != nil {
			d = &Denial{Code: CodePolicyFailed, Policy: describe(p), Err: errPolicyPanicked}
		}
	}()
	err := p.Check(now, c)
	if err == nil {
		return nil
	}
	return asDenial(err, p)
}

// asDenial keeps a *Denial that the policy returned itself. One that it
// wrapped loses Definite: what it was wrapped in may say otherwise.
func asDenial(err error, p Policy) *Denial {
	d, direct := err.(*Denial)
	if !direct {
		errors.As(err, &d)
	}
	if d == nil {
		return &Denial{Code: CodePolicyFailed, Policy: describe(p), Err: err}
	}
	out := *d
	out.Definite = d.Definite && direct
	if out.Policy == "" {
		out.Policy = describe(p)
	}
	return &out
}
