package main

import (
	"testing"

	"github.com/certify-go/certify/sandbox"
)

// noteDisabled has the page itself note that the button was disabled: it is for
// the 3 s of a lookup, and whoever looks now and then may look too late.
const noteDisabled = `window.wasDisabled = false; new MutationObserver((_, observer) => {
	window.wasDisabled = document.querySelector("#again").disabled;
	observer.disconnect();
}).observe(document.querySelector("#again"), {attributeFilter: ["disabled"]})`

func TestBrowserNeverFinishes(t *testing.T) {
	t.Parallel()
	onBoth(t, browserNeverFinishes)
}

func browserNeverFinishes(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.NeverFinishes)
	b := s.browse(t, desk)
	b.open("/certifications/?return_to=/cellar")
	w := b.popup(func() { b.click("#verify") })
	w.choose(sandbox.NeverFinishes)
	w.enter(right)
	b.said(stillPending, "#again")
	for range 2 {
		asked := s.lookups()
		b.script(noteDisabled)
		b.click("#again")
		b.until(`wasDisabled`)
		b.said(stillPending, "#again")
		if s.lookups() <= asked {
			t.Error("the button did not ask again")
		}
		b.until(`document.querySelector("#verify").hidden`) // no second verification is offered
	}
	if b.claimID() != "" {
		t.Error("an unfinished verification brought a claim")
	}
}

func TestBrowserNeverFinishesOnAPhone(t *testing.T) {
	t.Parallel()
	onBoth(t, browserNeverFinishesOnAPhone)
}

func browserNeverFinishesOnAPhone(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.NeverFinishes)
	b := s.browse(t, phone)
	b.open("/certifications/?return_to=/cellar")
	b.click("#verify")
	b.choose(sandbox.NeverFinishes)
	b.enter(right)
	b.at("/certifications/redirect", stillPending)
	asked := s.lookups()
	b.script(`window.isOld = true`) // it says what the new page will say, and is shown until that comes
	b.click(`a.button[href=""]`)
	b.until(`!window.isOld`)
	b.at("/certifications/redirect", stillPending)
	if s.lookups() <= asked {
		t.Error("the link did not ask again")
	}
	if b.claimID() != "" {
		t.Error("an unfinished verification brought a claim")
	}
}

// A record that is finished two seconds after the window said so is waited for.
func TestBrowserFinishesLate(t *testing.T) {
	t.Parallel()
	onBoth(t, browserFinishesLate)
}

func browserFinishesLate(t *testing.T, provider string) {
	s := newStreetOn(t, provider, sandbox.FinishesLate)
	b := s.browse(t, desk)
	b.open("/certifications/?return_to=/cellar")
	w := b.popup(func() { b.click("#verify") })
	w.choose(sandbox.FinishesLate)
	w.enter(right)
	b.at("/cellar", "보름")
}
