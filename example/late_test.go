package main

import (
	"testing"

	"github.com/certify-go/certify/sandbox"
)

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
		b.click("#again")
		b.until(`document.querySelector("#again").disabled`)
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
	b.click(`a.button[href=""]`)
	b.until(`performance.getEntriesByType("navigation")[0].type !== "back_forward"`)
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
