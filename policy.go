package certify

import (
	"fmt"
	"strconv"
	"time"
)

// A Policy decides whether a person may pass. Check returns nil to allow and
// an error to refuse, best a [*Denial]. It is called with a verified claim
// only, perhaps concurrently, and must not change it. A policy with a String
// method is named by it in logs and problem documents.
type Policy interface {
	Check(now time.Time, c *Claim) error
}

// PolicyFunc is a [Policy] of the app's own. Besides a [*Denial] one of the Code
// constants refuses, with that code. Any other error, and a panic, is a fault of
// the app's: it refuses with [CodePolicyFailed], and the operator is told its
// types. Its text is neither shown nor logged.
type PolicyFunc func(now time.Time, c *Claim) error

// Check calls f.
func (f PolicyFunc) Check(now time.Time, c *Claim) error { return f(now, c) }

// String names no policy in particular: a type of the app's own with a String
// method does.
func (f PolicyFunc) String() string { return ownPolicy }

// ownPolicy names policies that do not name themselves.
const ownPolicy = "a policy of this site"

// A Remedy says what would help after a denial. The zero value is: nothing.
type Remedy string

// Reverify means that a new verification may pass.
const Reverify Remedy = "reverify"

// A Denial is a policy's refusal and its reason.
type Denial struct {
	// Code is one of the Code constants, or the app's own. Of a policy without
	// one it is [CodeExcluded].
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
	// required. Only such a denial is turned into entry by [Not]. It does not
	// count beside a Remedy, nor when the Denial comes wrapped in another error.
	Definite bool
	// Reasons are all the single refusals behind that of a combined policy.
	Reasons []*Denial
	// Err is the error of a custom policy, if that was the reason.
	Err error
}

// Error is the code and the policy, for logs, and never Err's text.
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

// alone copies d without its Reasons.
func (d *Denial) alone() *Denial {
	out := *d
	out.Reasons = nil
	return &out
}

// An answer is what a rule finds out. The zero value admits nobody.
type answer uint8

const (
	cannotTell answer = iota
	no
	yes
)

// A rule is a policy of this package. Its refusals never vary, so they are
// made once and shared: [evaluate] hands out copies.
type rule struct {
	sentence string
	ask      func(now time.Time, c *Claim) answer
	refused  *Denial // for no: the fact is known
	untold   *Denial // for cannotTell
}

// newRule makes a rule that refuses with code what is not so, and with a
// denial like untold what it cannot tell.
func newRule(sentence string, code Code, untold Denial, ask func(time.Time, *Claim) answer) *rule {
	untold.Policy = sentence
	return &rule{sentence, ask, &Denial{Code: code, Definite: true, Policy: sentence}, &untold}
}

func (p *rule) decide(now time.Time, c *Claim) *Denial {
	switch p.ask(now, c) {
	case yes:
		return nil
	case no:
		return p.refused
	}
	return p.untold
}

func (p *rule) Check(now time.Time, c *Claim) error { return check(p, now, c) }
func (p *rule) String() string                      { return p.sentence }

// MinAge admits a full age (만 나이) of at least n years, 1 to 130.
func MinAge(n int) Policy { return minAge(n, "", CodeUnderage) }

// CivilAdult is [MinAge](19): majority under the Civil Act, art. 4. Art. 826-2,
// by which a married minor counts as an adult, is not modelled.
func CivilAdult() Policy { return minAge(19, " (Civil Act, art. 4)", CodeUnderage) }

// NotChild14 admits those who may consent to the use of their personal data
// themselves: full age 14. Others need a guardian's consent, and get
// [CodeGuardianConsentRequired] (PIPA, art. 22-2).
func NotChild14() Policy {
	return minAge(14, " (Personal Information Protection Act, art. 22-2)", CodeGuardianConsentRequired)
}

// UnderAge admits a full age (만 나이) of less than n years, 1 to 130.
func UnderAge(n int) Policy {
	checkAge(n)
	return newRule("full age under "+strconv.Itoa(n), CodeOverage, uncertainAge,
		func(now time.Time, c *Claim) answer {
			youngest, oldest := c.AgeRange(now)
			switch {
			case oldest < n:
				return yes
			case youngest >= n:
				return no
			}
			return cannotTell
		})
}

// uncertainAge is for those of whom the claim can no longer tell: between two
// birthdays that both fit it, or with a claim that no birthday fits.
var uncertainAge = Denial{Code: CodeAgeUncertain, Remedy: Reverify}

func minAge(n int, law string, code Code) Policy {
	checkAge(n)
	return newRule("full age of at least "+strconv.Itoa(n)+law, code, uncertainAge,
		func(now time.Time, c *Claim) answer {
			youngest, oldest := c.AgeRange(now)
			switch {
			case youngest >= n:
				return yes
			case oldest < n:
				return no
			}
			return cannotTell
		})
}

// CalendarYearAge admits those whose calendar-year age (연 나이), the Korean
// year less the year of birth, is at least n, 1 to 130.
func CalendarYearAge(n int) Policy { return calendarYearAge(n, "") }

// YouthProtection admits those who are no youth: [CalendarYearAge](19), the
// rule for alcohol, tobacco and youth-harmful media (Youth Protection Act,
// art. 2(1)).
func YouthProtection() Policy { return calendarYearAge(19, " (Youth Protection Act, art. 2(1))") }

func calendarYearAge(n int, law string) Policy {
	checkAge(n)
	return newRule("calendar-year age of at least "+strconv.Itoa(n)+law, CodeUnderage, uncertainAge,
		func(now time.Time, c *Claim) answer {
			age, ok := c.calendarYearAge(now)
			switch {
			case !ok:
				return cannotTell
			case age < n:
				return no
			}
			return yes
		})
}

func checkAge(n int) {
	if n < 1 || n > oldestAge {
		panic(fmt.Sprintf("certify: a policy's age must be 1 to %d years, not %d", oldestAge, n))
	}
}

// Foreigner admits registered foreigners, and nobody of unknown nationality.
func Foreigner() Policy {
	return nationality("registered foreigner", NationalityForeigner, NationalityKorean, CodeForeignerRequired)
}

// KoreanNational admits Korean nationals, and nobody of unknown nationality.
func KoreanNational() Policy {
	return nationality("Korean national", NationalityKorean, NationalityForeigner, CodeKoreanRequired)
}

func nationality(sentence string, want, other Nationality, code Code) Policy {
	return newRule(sentence, code, Denial{Code: CodeNationalityUnknown},
		func(_ time.Time, c *Claim) answer {
			switch c.Nationality {
			case want:
				return yes
			case other:
				return no
			}
			return cannotTell
		})
}

// FreshWithin admits those who were verified at most d ago, counted from the
// verification itself and not from any later sign-in or token. It panics
// unless d is positive.
func FreshWithin(d time.Duration) Policy {
	if d <= 0 {
		panic("certify: FreshWithin needs a positive duration")
	}
	// Its age is no fact about the person: never "no", which Not would turn.
	return newRule("verified within the last "+inWords(d), CodeStale, Denial{Code: CodeStale, Remedy: Reverify, MaxAge: d},
		func(now time.Time, c *Claim) answer {
			if age := now.Sub(c.AuthTime); age > d || age < -maxSkew {
				return cannotTell
			}
			return yes
		})
}

// inWords writes d in the greatest unit that divides it: "10 minutes".
func inWords(d time.Duration) string {
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		switch n := int64(d / unit.length); {
		case d%unit.length != 0, n == 1 && unit.name == "day": // "the last day" might be yesterday
			continue
		case n == 1:
			return unit.name
		default:
			return strconv.FormatInt(n, 10) + " " + unit.name + "s"
		}
	}
	return d.String()
}

// YouthMediaMaxAge is how long an age check of a member holds for
// youth-harmful media: one year (Youth Protection Act decree, art. 17(2)).
// 365 days never exceed the statutory year, leap years included.
const YouthMediaMaxAge = 365 * 24 * time.Hour

// YouthMedia admits a member to youth-harmful media: [YouthProtection],
// verified within [YouthMediaMaxAge], and the visitor signed in as the very
// account that was verified (Youth Protection Act decree, art. 17(2)). It
// needs [SessionConfig.Account].
func YouthMedia() Policy {
	member := newRule("signed in as the member who was verified (Youth Protection Act decree, art. 17(2))",
		CodeAccountRequired, Denial{Code: CodeAccountRequired},
		func(_ time.Time, c *Claim) answer {
			if c.AccountCompared() {
				return yes
			}
			return cannotTell
		})
	return All(YouthProtection(), FreshWithin(YouthMediaMaxAge), member)
}
