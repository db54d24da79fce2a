package main

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

// memberNumber is who the shop says the visitor is, "" for nobody.
func (v *visitor) memberNumber() string {
	v.t.Helper()
	page := v.open("/me", "Accept-Language", "en")
	if m := regexp.MustCompile(`You are member (\d+),`).FindStringSubmatch(page.body); m != nil {
		return m[1]
	}
	return ""
}

func TestOnePersonOneAccount(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	first, again, other := s.visitor(), s.visitor(), s.visitor()
	first.mustBecome(sandbox.Adult, signUp)
	again.mustBecome(sandbox.Adult, signUp)
	other.mustBecome(sandbox.Foreigner, signUp)
	if a, b, c := first.memberNumber(), again.memberNumber(), other.memberNumber(); a != "1" || b != "1" || c != "2" {
		t.Errorf("the members are %q, %q and %q", a, b, c)
	}
	if first.cookie("moonlight") == again.cookie("moonlight") {
		t.Error("two browsers have one token")
	}
}

func TestSigningUpAtOnceMakesOneAccount(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	const browsers, calls = 4, 4
	var all sync.WaitGroup
	var visitors [browsers]*visitor
	start := make(chan struct{})
	for i := range visitors {
		v := s.visitor()
		visitors[i] = v
		body := `{"imp_uid":"` + v.verify(v.begin(signUp), sandbox.Adult) + `"}`
		for range calls { // the same callback more than once: a double click, a reload
			all.Go(func() {
				<-start
				if a, err := v.try(http.MethodPost, "/certifications", "application/json", body); err != nil || a.StatusCode != http.StatusOK {
					t.Errorf("signing up: %v %s", err, a.body)
				}
			})
		}
	}
	close(start)
	all.Wait()
	for _, v := range visitors {
		if n := v.memberNumber(); n != "1" {
			t.Errorf("a browser is member %q", n)
		}
	}
	next := s.visitor()
	next.mustBecome(sandbox.SummerTime, signUp)
	if n := next.memberNumber(); n != "2" {
		t.Errorf("the second person is member %q", n)
	}
}

func TestSigningUpIsNotVerifyingAnAge(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	a := v.become(sandbox.Adult, signUp)
	if claim, ok := a.json(t)["claim"]; ok || v.claimID() != "" {
		t.Errorf("signing up issued a claim: %v", claim)
	}
	want(t, "the cellar for a member", v.open("/cellar"), http.StatusSeeOther)
	v.mustBecome(sandbox.Adult, "")
	want(t, "the cellar once verified", v.open("/cellar"), http.StatusOK)

	anonymous := s.visitor()
	anonymous.mustBecome(sandbox.Adult, "")
	if n := anonymous.memberNumber(); n != "" {
		t.Errorf("whoever only verified is member %q", n)
	}
	for _, c := range a.Cookies() {
		if c.Name == "moonlight" && (!c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge <= 0) {
			t.Errorf("the login cookie is %s", c)
		}
	}
}

func TestWhoCannotSignUp(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for _, tt := range []struct {
		person, language string
		code             certify.Code
		says             string
	}{
		{sandbox.NoCI, "ko", codeNoCI, "연계정보(CI)가 없어"},
		{sandbox.NoCI, "en", codeNoCI, "without the identifier (CI)"},
		{sandbox.Under14, "ko", certify.CodeGuardianConsentRequired, "만 14세 미만"},
	} {
		t.Run(tt.person+" "+tt.language, func(t *testing.T) {
			v := s.visitor()
			impUID := v.verify(v.begin(signUp), tt.person)
			a := v.do(http.MethodPost, "/certifications", "application/json", `{"imp_uid":"`+impUID+`"}`, "Accept-Language", tt.language)
			want(t, "the answer", a, http.StatusForbidden, tt.says)
			if a.code() != string(tt.code) {
				t.Errorf("code %q", a.code())
			}
			want(t, "the page", v.open("/certifications/redirect?imp_uid="+impUID, "Accept-Language", tt.language), http.StatusForbidden, tt.says)
			if n := v.memberNumber(); n != "" || v.cookie("moonlight") != "" {
				t.Errorf("they are member %q", n)
			}
		})
	}
	// Nobody without a CI was merged into an account: the next one is the first.
	v := s.visitor()
	v.mustBecome(sandbox.Adult, signUp)
	if n := v.memberNumber(); n != "1" {
		t.Errorf("the first member has number %q", n)
	}
}

func TestSigningOutAndLeaving(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	desk, phone := s.visitor(), s.visitor()
	desk.mustBecome(sandbox.Adult, signUp)
	phone.mustBecome(sandbox.Adult, signUp)
	stolen := desk.cookie("moonlight")

	cross := desk.do(http.MethodPost, "/signout", "", "", "Sec-Fetch-Site", "cross-site")
	want(t, "signing out from another site", cross, http.StatusForbidden)
	want(t, "leaving from another site", desk.do(http.MethodPost, "/leave", "", "", "Sec-Fetch-Site", "cross-site"), http.StatusForbidden)
	if desk.memberNumber() != "1" {
		t.Fatal("another site signed the member out")
	}
	want(t, "signing out", desk.send("/signout", ""), http.StatusSeeOther)
	if desk.memberNumber() != "" || desk.cookie("moonlight") != "" || phone.memberNumber() != "1" {
		t.Error("signing out signs out this browser and no other")
	}
	replay := s.visitor()
	if a := replay.open("/me", "Cookie", "moonlight="+stolen, "Accept-Language", "en"); strings.Contains(a.body, "You are member") {
		t.Error("the token still counts")
	}

	want(t, "leaving", phone.send("/leave", ""), http.StatusSeeOther)
	if phone.memberNumber() != "" {
		t.Error("still a member")
	}
	desk.mustBecome(sandbox.Adult, signUp)
	if n := desk.memberNumber(); n != "2" {
		t.Errorf("after leaving, the same person is member %q", n)
	}
}

func TestASignInEnds(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	v.mustBecome(sandbox.Adult, signUp)
	s.pass(signInLife - time.Second)
	if n := v.memberNumber(); n != "1" {
		t.Errorf("a second before: member %q", n)
	}
	s.pass(time.Second)
	if n := v.memberNumber(); n != "" {
		t.Errorf("at the end: member %q", n)
	}
}

func TestASignedInMemberKeepsTheirToken(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	v.mustBecome(sandbox.Adult, signUp)
	token := v.cookie("moonlight")
	v.mustBecome(sandbox.Adult, signUp)
	if v.cookie("moonlight") != token {
		t.Error("the same member got another token")
	}
	v.mustBecome(sandbox.Foreigner, signUp)
	if v.cookie("moonlight") == token || v.memberNumber() != "2" {
		t.Error("another member got the token")
	}
}

func TestTheSignUpPage(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	page := v.open("/signup")
	want(t, "a stranger", page, http.StatusOK, `href="/certifications/?purpose=signup&amp;return_to=/me"`)
	want(t, "the start page", v.open("/certifications/?purpose=signup&return_to=/me"), http.StatusOK, `data-purpose="signup"`)
	v.mustBecome(sandbox.Adult, signUp)
	want(t, "a member", v.open("/signup"), http.StatusOK, "회원 번호 1번")
}
