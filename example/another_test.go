package main

import (
	"testing"

	"github.com/certify-go/certify/sandbox"
)

// TestBrowserAnotherPerson: a minor verified in the family's browser. From the
// refusal it takes two presses to the window in which the parent verifies.
func TestBrowserAnotherPerson(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, provider string) {
		s := newStreetOn(t, provider, sandbox.Adult, sandbox.Minor)
		b := s.browse(t, desk)
		b.open("/cellar")
		minor := b.popup(func() { b.click("#verify") })
		minor.choose(sandbox.Minor)
		minor.enter(right)
		b.at("/cellar", "다른 사람으로 인증")
		b.open("/certifications/?return_to=%2Fcellar")
		b.at("/certifications/", "휴대폰으로 본인인증") // and not the refusal once more
		b.open("/cellar")
		b.click(`form[action="/certifications/logout"] button`)
		b.at("/certifications/", "휴대폰으로 본인인증")
		parent := b.popup(func() { b.click("#verify") })
		parent.choose(sandbox.Adult)
		parent.enter(right)
		b.at("/cellar", "보름")
	})
}
