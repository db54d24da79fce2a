package certify_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/certify-go/certify"
)

// verifiedVisitor is what a gate would hand to a policy: here somebody born in 2007
// who was 18 when they verified, on the morning of 1 March 2026.
func verifiedVisitor() (now time.Time, c *certify.Claim) {
	verified := time.Date(2026, 3, 1, 9, 0, 0, 0, time.FixedZone("KST", 9*60*60))
	return verified, &certify.Claim{
		Subject: "member-7", IssuedAt: verified, AuthTime: verified, Age: 18, BirthYear: 2007,
		Nationality: certify.NationalityKorean,
	}
}

// In the year of their 19th birthday people are no youths any more and may buy
// wine, though they come of age only on the day itself. Half a year later a
// claim cannot say whether that day has come, and says so.
func Example_twoAges() {
	now, c := verifiedVisitor()
	fmt.Println("wine:", certify.YouthProtection().Check(now, c))
	fmt.Println("loan:", certify.CivilAdult().Check(now, c))
	fmt.Println("loan, in September:", certify.CivilAdult().Check(now.AddDate(0, 6, 0), c))
	// Output:
	// wine: <nil>
	// loan: certify: underage: the policy is: full age of at least 19 (Civil Act, art. 4)
	// loan, in September: certify: age_uncertain: the policy is: full age of at least 19 (Civil Act, art. 4)
}

// A policy of the app's own says no with a Denial. Definite would let Not turn
// it round; a plain error refuses, too, and its text reaches nobody.
func ExamplePolicyFunc() {
	blocked := map[string]bool{"member-7": true}
	notBlocked := certify.PolicyFunc(func(_ time.Time, c *certify.Claim) error {
		if blocked[c.Subject] {
			return &certify.Denial{Code: "blocked", Detail: "Please call us."}
		}
		return nil
	})

	now, c := verifiedVisitor()
	var denial *certify.Denial
	if errors.As(certify.All(certify.YouthProtection(), notBlocked).Check(now, c), &denial) {
		fmt.Println(string(denial.Code), "-", denial.Detail)
	}
	// Output:
	// blocked - Please call us.
}

// All reports every reason. The one that no new verification would mend leads.
func ExampleAll() {
	now, c := verifiedVisitor()
	pay := certify.All(certify.FreshWithin(10*time.Minute), certify.MinAge(19))
	fmt.Println(pay)

	var denial *certify.Denial
	if errors.As(pay.Check(now.Add(time.Hour), c), &denial) {
		fmt.Println(string(denial.Code))
		for _, reason := range denial.Reasons {
			fmt.Println("-", reason.Policy)
		}
	}
	// Output:
	// verified within the last 10 minutes and full age of at least 19
	// underage
	// - verified within the last 10 minutes
	// - full age of at least 19
}

// Any admits by any of its policies, and otherwise offers what would help.
func ExampleAny() {
	now, c := verifiedVisitor()
	guests := certify.Any(certify.Foreigner(), certify.MinAge(19))
	fmt.Println(guests)

	var denial *certify.Denial
	if errors.As(guests.Check(now.AddDate(0, 6, 0), c), &denial) {
		fmt.Println(string(denial.Code), "- remedy:", denial.Remedy)
	}
	// Output:
	// registered foreigner or full age of at least 19
	// age_uncertain - remedy: reverify
}

// Not admits only where it is known that the other policy does not. Nobody
// gets in because something about them is unknown.
func ExampleNot() {
	now, c := verifiedVisitor()
	locals := certify.Not(certify.Foreigner())
	fmt.Println(locals.Check(now, c))

	c.Nationality = certify.NationalityUnknown
	fmt.Println(locals.Check(now, c))
	// Output:
	// <nil>
	// certify: nationality_unknown: the policy is: not (registered foreigner)
}
