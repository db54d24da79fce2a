package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

func TestAVerificationOpensTheCellar(t *testing.T) {
	t.Parallel()
	onBoth(t, aVerificationOpensTheCellar)
}

func aVerificationOpensTheCellar(t *testing.T, provider string) {
	s := newStandOn(t, provider, noon)
	v := s.visitor()

	before := v.open("/cellar")
	want(t, "before", before, http.StatusSeeOther)
	if to := before.Header.Get("Location"); !strings.HasPrefix(to, "/certifications/?") || !strings.Contains(to, "return_to=%2Fcellar") {
		t.Errorf("before: sent to %q", to)
	}
	id := v.verify(v.begin(""), sandbox.Adult)
	done := v.confirm(id)
	want(t, "the callback", done, http.StatusOK)
	if back := done.json(t)["return_to"]; back != "/cellar" {
		t.Errorf("return_to is %q", back)
	}
	want(t, "after", v.open("/cellar"), http.StatusOK, "보름")

	thief := s.visitor()
	for _, begun := range []bool{false, true} {
		if begun {
			thief.begin("")
		}
		want(t, "somebody else's imp_uid", thief.confirm(id), http.StatusForbidden)
		if thief.claimID() != "" {
			t.Fatal("somebody else's imp_uid brought a claim")
		}
		want(t, "the cellar for the thief", thief.open("/cellar"), http.StatusSeeOther)
	}
}

// The vendor's guides post JSON, a form, and form text labelled JSON; a phone
// comes back by GET.
func TestEveryFormOfCallback(t *testing.T) {
	t.Parallel()
	onBoth(t, everyFormOfCallback)
}

func everyFormOfCallback(t *testing.T, provider string) {
	s := newStandOn(t, provider, noon)
	tests := []struct {
		name, method, path, contentType, body string
		status                                int
	}{
		{"JSON", "POST", "/certifications", "application/json", `{"UID":"IMP"}`, http.StatusOK},
		{"form", "POST", "/certifications", "application/x-www-form-urlencoded; charset=UTF-8", "UID=IMP", http.StatusOK},
		{"form text labelled JSON", "POST", "/certifications", "application/json", "UID=IMP", http.StatusOK},
		{"confirm", "POST", "/certifications/confirm", "application/json", `{"UID":"IMP"}`, http.StatusOK},
		{"redirect", "GET", "/certifications/redirect?UID=IMP", "", "", http.StatusSeeOther},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := s.visitor()
			id := v.verify(v.begin(""), sandbox.Adult)
			put := strings.NewReplacer("UID", s.words().verification, "IMP", id).Replace
			want(t, "first", v.do(tt.method, put(tt.path), tt.contentType, put(tt.body)), tt.status)
			first := v.claimID()
			want(t, "again", v.do(tt.method, put(tt.path), tt.contentType, put(tt.body)), tt.status)
			if again := v.claimID(); first == "" || again != first {
				t.Errorf("jti %q, and again %q", first, again)
			}
			want(t, "the cellar", v.open("/cellar"), http.StatusOK)
		})
	}
}

func TestBadIDsNeverReachTheProvider(t *testing.T) {
	t.Parallel()
	onBoth(t, badIDsNeverReachTheProvider)
}

func badIDsNeverReachTheProvider(t *testing.T, provider string) {
	s := newStandOn(t, provider, noon)
	v := s.visitor()
	attempt := v.begin("")
	for _, id := range []string{
		"", "imp_", "imp_1/../../users/getToken", "imp_1%2F..", "../imp_1", "imp_1?x=1", "imp_1#", "imp_1\\u0000",
		"imp 1", "imp_일", "imp_" + strings.Repeat("1", 100), "_1", "imp_1;DROP",
	} {
		a := v.confirm(id)
		if a.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: status %d: %s", id, a.StatusCode, a.body)
		}
	}
	want(t, "two ids", v.open("/certifications/redirect?"+strings.ReplaceAll("UID=imp_1&UID=imp_2", "UID", s.words().verification)), http.StatusBadRequest)
	if n := s.lookups(); n != 0 {
		t.Fatalf("the provider was asked %d times", n)
	}
	want(t, "a good id", v.confirm(v.verify(attempt, sandbox.Adult)), http.StatusOK)
	// The shop's own question, and this test's for what must not be printed.
	if n := s.lookups(); n != 2 {
		t.Fatalf("counted %d lookups: the test counts wrongly", n)
	}
}

func TestWhoMayEnterWhere(t *testing.T) {
	t.Parallel()
	onBoth(t, whoMayEnterWhere)
}

func whoMayEnterWhere(t *testing.T, provider string) {
	s := newStandOn(t, provider, noon)
	tests := []struct {
		person, path string
		status       int
		code         certify.Code
	}{
		{sandbox.Adult, "/cellar", http.StatusOK, ""},
		{sandbox.Minor, "/cellar", http.StatusForbidden, certify.CodeUnderage},
		{sandbox.Minor, "/checkout", http.StatusForbidden, certify.CodeUnderage},
		{sandbox.NineteenThisYear, "/cellar", http.StatusOK, ""},
		{sandbox.NineteenTomorrow, "/cellar", http.StatusOK, ""},
		{sandbox.NewYear, "/cellar", http.StatusForbidden, certify.CodeUnderage},
		{sandbox.NoDI, "/cellar", http.StatusOK, ""},
		{sandbox.NoCI, "/cellar", http.StatusOK, ""},
		{sandbox.Foreigner, "/guests", http.StatusOK, ""},
		{sandbox.Foreigner, "/cellar", http.StatusOK, ""},
		{sandbox.Adult, "/guests", http.StatusForbidden, certify.CodeForeignerRequired},
		{sandbox.NationalityUnknown, "/guests", http.StatusForbidden, certify.CodeNationalityUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.person+tt.path, func(t *testing.T) {
			v := s.visitor()
			v.mustBecome(tt.person, "")
			want(t, "as a page", v.open(tt.path), tt.status, string(tt.code))
			if tt.status == http.StatusForbidden {
				api := v.do(http.MethodGet, tt.path, "", "", "Accept", "application/json")
				if api.code() != string(tt.code) {
					t.Errorf("as an API: %s", api.body)
				}
			}
		})
	}
}

func TestVerificationsThatBringNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, verificationsThatBringNothing)
}

func verificationsThatBringNothing(t *testing.T, provider string) {
	s := newStandOn(t, provider, noon)
	for person, code := range map[string]certify.Code{
		sandbox.TestChannel:   certify.CodeChannelRefused,
		sandbox.NeverFinishes: certify.CodeVerificationPending,
	} {
		t.Run(person, func(t *testing.T) {
			t.Parallel()
			v := s.visitor()
			if a := v.become(person, ""); a.code() != string(code) {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			if v.claimID() != "" {
				t.Error("it brought a claim")
			}
		})
	}
}

func TestCheckoutWantsAFreshVerification(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	v.mustBecome(sandbox.Adult, "")
	want(t, "at once", v.open("/checkout?wine=eclipse"), http.StatusOK, "월식", "88,000원")
	s.pass(checkoutMaxAge)
	want(t, "after five minutes", v.open("/checkout"), http.StatusOK)
	want(t, "ordering", v.send("/checkout", "wine=eclipse"), http.StatusSeeOther)

	s.pass(time.Second)
	late := v.open("/checkout?wine=eclipse")
	want(t, "a second later", late, http.StatusSeeOther)
	to := late.Header.Get("Location")
	for _, part := range []string{"reason=stale", "max_age=300", "return_to=%2Fcheckout%3Fwine%3Declipse"} {
		if !strings.Contains(to, part) {
			t.Errorf("sent to %q without %q", to, part)
		}
	}
	want(t, "the start page", v.open(to), http.StatusOK)
	want(t, "ordering too late", v.send("/checkout", "wine=eclipse"), http.StatusUnauthorized)
	want(t, "the cellar still", v.open("/cellar"), http.StatusOK)

	v.mustBecome(sandbox.Adult, "")
	want(t, "verified again", v.open("/checkout?wine=eclipse"), http.StatusOK)
	want(t, "the start page has nothing to ask", v.open(to), http.StatusSeeOther)
}

func TestOrdering(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	v.mustBecome(sandbox.Adult, "")
	ordered := v.send("/checkout", "wine=crescent")
	want(t, "order", ordered, http.StatusSeeOther)
	want(t, "done", v.open(ordered.Header.Get("Location")), http.StatusOK, "초승")
	want(t, "no such wine", v.open("/checkout?wine=water"), http.StatusNotFound)
	want(t, "ordering no such wine", v.send("/checkout", "wine=water"), http.StatusNotFound)
	want(t, "ordering too much", v.send("/checkout", "wine="+strings.Repeat("x", 2000)), http.StatusNotFound)
	other := v.do(http.MethodPost, "/checkout", "application/x-www-form-urlencoded", "wine=crescent", "Sec-Fetch-Site", "cross-site")
	want(t, "ordering from another site", other, http.StatusForbidden)
	want(t, "ordering unverified", s.visitor().send("/checkout", "wine=crescent"), http.StatusUnauthorized)
}

func TestAboutMe(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	v := s.visitor()
	want(t, "a stranger", v.open("/me"), http.StatusOK, "아무것도 모릅니다")
	v.mustBecome(sandbox.Adult, "")
	page := v.open("/me")
	want(t, "verified", page, http.StatusOK, v.claimID(), "2026-08-10 12:00:00 KST", "2026-08-11 00:00:00 KST")
	shown := regexp.MustCompile(`<dt><code>([a-z_]+)</code></dt><dd class="value">(?:<code>([^<]*)</code>)?`).FindAllStringSubmatch(page.body, -1)
	inToken := map[string]any{}
	if err := json.Unmarshal(v.claimPayload(), &inToken); err != nil {
		t.Fatal(err)
	}
	var names []string
	values := map[string]string{}
	for _, m := range shown {
		names = append(names, m[1])
		values[m[1]] = m[2]
		if _, ok := inToken[m[1]]; ok != (m[2] != "") {
			t.Errorf("%s is in the token: %v, and shown as %q", m[1], ok, m[2])
		}
		delete(inToken, m[1])
	}
	if len(inToken) > 0 {
		t.Errorf("not explained: %v", slices.Collect(maps.Keys(inToken)))
	}
	if all := []string{"age", "birth_year", "foreigner", "di_hash", "iss", "aud", "sub", "auth_time", "iat", "exp", "jti", "txn"}; !slices.Equal(names, all) {
		t.Errorf("shown are %q", names)
	}
	if values["age"] != "36" || values["birth_year"] != "1990" || values["foreigner"] != "false" || values["sub"] != "" || len(values["di_hash"]) != 43 {
		t.Errorf("shown are %q", values)
	}

	want(t, "forgetting", v.send("/certifications/logout", ""), http.StatusSeeOther)
	want(t, "forgotten", v.open("/me"), http.StatusOK, "아무것도 모릅니다")
	want(t, "the cellar", v.open("/cellar"), http.StatusSeeOther)
}
