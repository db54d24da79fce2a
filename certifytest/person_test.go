package certifytest_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
)

var korea = time.FixedZone("KST", 9*3600)

// days on which ages are easily got wrong, of a leap year and of none.
var days = []time.Time{
	time.Date(2026, 8, 10, 12, 0, 0, 0, korea), time.Date(2026, 1, 1, 0, 0, 0, 0, korea), time.Date(2025, 12, 31, 23, 59, 59, 0, korea),
	time.Date(2028, 2, 29, 12, 0, 0, 0, korea), time.Date(2026, 8, 31, 12, 0, 0, 0, korea), time.Date(2026, 3, 31, 0, 30, 0, 0, time.UTC),
	time.Date(2040, 6, 30, 16, 0, 0, 0, time.UTC),
}

// claimOf is the claim that a gate would see.
func claimOf(t *testing.T, s *certify.Sessions, c *http.Cookie, account string) *certify.Claim {
	t.Helper()
	var claim *certify.Claim
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("X-Test-Account", account)
	r.AddCookie(c)
	s.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claim, _ = certify.FromContext(r.Context())
	})).ServeHTTP(httptest.NewRecorder(), r)
	return claim
}

func TestCookie(t *testing.T) {
	t.Parallel()
	type facts struct {
		age         int
		nationality certify.Nationality
		ago         time.Duration
	}
	with := func(p certifytest.Person, change func(*certifytest.Person)) certifytest.Person { change(&p); return p }
	for _, tc := range []struct {
		name   string
		person certifytest.Person
		want   facts
	}{
		{"an adult", certifytest.Adult(), facts{36, certify.NationalityKorean, 0}},
		{"a minor", certifytest.Minor(), facts{16, certify.NationalityKorean, 0}},
		{"a foreigner", certifytest.Foreigner(), facts{36, certify.NationalityForeigner, 0}},
		{"a foreigner, verified 11 minutes ago", with(certifytest.Foreigner(), func(p *certifytest.Person) { p.VerifiedAgo = 11 * time.Minute }),
			facts{36, certify.NationalityForeigner, 11 * time.Minute}},
		{"nearly too long ago", with(certifytest.Adult(), func(p *certifytest.Person) { p.VerifiedAgo = certify.DefaultTTL - time.Second }),
			facts{36, certify.NationalityKorean, certify.DefaultTTL - time.Second}},
		{"somebody of 19", certifytest.Person{Age: 19}, facts{19, certify.NationalityUnknown, 0}},
		{"a baby", certifytest.Person{}, facts{0, certify.NationalityUnknown, 0}},
	} {
		for _, day := range days {
			t.Run(tc.name+" on "+day.Format(time.DateOnly), func(t *testing.T) {
				t.Parallel()
				s := certifytest.NewSessions(t, certify.SessionConfig{Now: certifytest.NewClock(day).Now})
				c := claimOf(t, s, certifytest.Cookie(t, s, tc.person), "")
				if c == nil {
					t.Fatal("no claim")
				}
				if got := (facts{c.Age, c.Nationality, day.Sub(c.AuthTime)}); got != tc.want {
					t.Errorf("%+v, want %+v", got, tc.want)
				}
				if (c.DIHash != "") != (tc.person.DI != "") {
					t.Errorf("DI hash %q", c.DIHash)
				}
			})
		}
	}
}

// Whoever is born on a day is as old as that day says.
func TestCookieByBirthDate(t *testing.T) {
	t.Parallel()
	clock := certifytest.NewClock(days[0]) // 2026-08-10
	s := certifytest.NewSessions(t, certify.SessionConfig{Now: clock.Now})
	for born, want := range map[string]int{"2007-08-10": 19, "2007-08-11": 18, "1990-05-15": 36} {
		if c := claimOf(t, s, certifytest.Cookie(t, s, certifytest.Person{Born: born}), ""); c == nil || c.Age != want {
			t.Errorf("born %s: %+v", born, c)
		}
	}
}

// The same DI is the same person, whoever issues.
func TestCookieOfOnePerson(t *testing.T) {
	t.Parallel()
	a, b := certifytest.NewSessions(t, certify.SessionConfig{}), certifytest.NewSessions(t, certify.SessionConfig{})
	one, two := claimOf(t, a, certifytest.Cookie(t, a, certifytest.Adult()), ""), claimOf(t, b, certifytest.Cookie(t, b, certifytest.Adult()), "")
	if one.DIHash == "" || one.DIHash != two.DIHash || one.ID == two.ID {
		t.Errorf("%+v and %+v", one, two)
	}
	if other := claimOf(t, a, certifytest.Cookie(t, a, certifytest.Minor()), ""); other.DIHash == one.DIHash {
		t.Error("two people, one DI")
	}
	if claimOf(t, b, certifytest.Cookie(t, a, certifytest.Adult()), "") != nil {
		t.Error("a claim of other keys counts")
	}
}

func TestCookieOfAnAccount(t *testing.T) {
	t.Parallel()
	s := certifytest.NewSessions(t, certify.SessionConfig{Account: func(r *http.Request) (string, error) { return r.Header.Get("X-Test-Account"), nil }})
	member := certifytest.Adult()
	member.Account = "member-7"
	cookie := certifytest.Cookie(t, s, member)
	if c := claimOf(t, s, cookie, "member-7"); c == nil || c.Subject != "member-7" || !c.AccountCompared() {
		t.Errorf("the member: %+v", c)
	}
	if claimOf(t, s, cookie, "member-8") != nil || claimOf(t, s, cookie, "") != nil {
		t.Error("somebody else's claim counts")
	}
}

// The token serves where tokens are read, on any kind of site.
func TestCookieAsToken(t *testing.T) {
	t.Parallel()
	for _, cfg := range []certify.SessionConfig{{Bearer: true}, {Origin: "http://127.0.0.1:8080"}, {StartURL: "/auth/phone/"}} {
		s := certifytest.NewSessions(t, cfg)
		cookie := certifytest.Cookie(t, s, certifytest.Adult())
		if c, err := s.Read(context.Background(), cookie.Value); err != nil || c.Age != 36 {
			t.Errorf("%+v: %v", cfg, err)
		}
		if want := map[bool]string{true: "certify", false: "__Host-certify"}[cfg.Origin != ""]; cookie.Name != want {
			t.Errorf("%+v: the cookie's name is %q", cfg, cookie.Name)
		}
	}
}

// beFatal makes the test binary ask for a claim that cannot be.
const beFatal = "CERTIFYTEST_BE_FATAL"

// What cannot be is said, and stops the test: another process has to fail.
func TestCookieThatCannotBe(t *testing.T) {
	if name := os.Getenv(beFatal); name != "" {
		cannotBe()[name].ask(t)
		return
	}
	t.Parallel()
	for name, tc := range cannotBe() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCookieThatCannotBe$", "-test.v")
			cmd.Env = append(os.Environ(), beFatal+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte(tc.want)) || bytes.Contains(out, []byte("panic:")) {
				t.Errorf("error %v, and not %q in:\n%s", err, tc.want, out)
			}
		})
	}
}

type impossible struct {
	want string
	ask  func(t *testing.T)
}

func cannotBe() map[string]impossible {
	ask := func(cfg certify.SessionConfig, p certifytest.Person) func(*testing.T) {
		return func(t *testing.T) { certifytest.Cookie(t, certifytest.NewSessions(t, cfg), p) }
	}
	return map[string]impossible{
		"verified longer ago than a claim lives": {"verified 12h0m0s ago", ask(certify.SessionConfig{}, certifytest.Person{Age: 20, VerifiedAgo: 12 * time.Hour})},
		"verified in the future":                 {"Person.VerifiedAgo is negative", ask(certify.SessionConfig{}, certifytest.Person{Age: 20, VerifiedAgo: -time.Second})},
		"no such day":                            {"Person.Born or Age", ask(certify.SessionConfig{}, certifytest.Person{Born: "2001-02-29"})},
		"older than anybody":                     {"Person.Born or Age", ask(certify.SessionConfig{}, certifytest.Person{Age: 140})},
		"no account, where it counts":            {`the account ""`, ask(certify.SessionConfig{Account: func(*http.Request) (string, error) { return "", nil }}, certifytest.Adult())},
		"public keys": {"holds public keys only", func(t *testing.T) {
			line, err := certify.GenerateKey("EdDSA")
			if err != nil {
				t.Fatal(err)
			}
			private, err := certify.ParseKeys(line)
			if err != nil {
				t.Fatal(err)
			}
			public, err := certify.ParseJWKS(private.JWKS())
			if err != nil {
				t.Fatal(err)
			}
			ask(certify.SessionConfig{Keys: public, InsecureForgetRevocations: true}, certifytest.Adult())(t)
		}},
		"a route that is forgotten": {"GET /free answers 200 to a script without a claim", func(t *testing.T) {
			s := certifytest.NewSessions(t, certify.SessionConfig{})
			certifytest.Gated(t, s.Load(shop()), certifytest.Cookie(t, s, certifytest.Adult()), "GET /free")
		}},
		"no route": {"at least one route", func(t *testing.T) {
			s := certifytest.NewSessions(t, certify.SessionConfig{})
			certifytest.Gated(t, s.Load(shop()), certifytest.Cookie(t, s, certifytest.Adult()))
		}},
		"a bad Origin": {"SessionConfig.Origin", func(t *testing.T) { certifytest.NewSessions(t, certify.SessionConfig{Origin: "x"}) }},
	}
}

// What a test prints names nobody's claim.
func TestFailuresNameNoToken(t *testing.T) {
	t.Parallel()
	s := certifytest.NewSessions(t, certify.SessionConfig{})
	cookie := certifytest.Cookie(t, s, certifytest.Minor())
	found := certifytest.Complaints(s.Load(shop()), cookie, "GET /wine/")
	if text := strings.Join(found, "\n"); len(found) == 0 || strings.Contains(text, cookie.Value) || strings.Contains(text, "eyJ") {
		t.Errorf("%q", found)
	}
}
