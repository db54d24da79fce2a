package sandbox_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

func TestVerifyAnswersTheBrowsersCallback(t *testing.T) {
	t.Parallel()
	for _, person := range []string{sandbox.Adult, sandbox.NeverFinishes} {
		s := newSandbox(t, at(noon))
		got := verify(t, s, sandbox.Verification{MerchantUID: "m", Person: person})
		if !regexp.MustCompile(`^imp_\d{12}$`).MatchString(got.ImpUID) {
			t.Errorf("imp_uid %q", got.ImpUID)
		}
		got.ImpUID = ""
		if want := (sandbox.Result{Success: true, MerchantUID: "m", PGProvider: "danal", PGType: "certification"}); got != want {
			t.Errorf("%s: %+v, want %+v", person, got, want)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	tests := []struct {
		name string
		v    sandbox.Verification
		want string // in the error
	}{
		{"no merchant_uid", sandbox.Verification{Person: sandbox.Adult}, "merchant_uid is missing"},
		{"overlong merchant_uid", sandbox.Verification{MerchantUID: strings.Repeat("a", 256), Person: sandbox.Adult}, "255 bytes"},
		{"merchant_uid not text", sandbox.Verification{MerchantUID: "\xff", Person: sandbox.Adult}, "UTF-8"},
		{"no person", sandbox.Verification{MerchantUID: "m"}, "use one of adult, nineteen-today"},
		{"unknown person", sandbox.Verification{MerchantUID: "m", Person: "nobody"}, "use one of adult, nineteen-today"},
		{"unknown provider", sandbox.Verification{MerchantUID: "m", Person: sandbox.Adult, PGProvider: "nice"}, "danal, inicis_unified, kcp_v2"},
		{"provider of others", sandbox.Verification{MerchantUID: "m", Person: sandbox.NoDI, PGProvider: "danal"}, "inicis_unified only"},
		{"overlong origin", sandbox.Verification{MerchantUID: "m", Person: sandbox.Adult, Origin: strings.Repeat("a", 2001)}, "2000 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			result, err := s.Verify(tt.v)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
			if result != (sandbox.Result{}) {
				t.Error("a refusal came with a result")
			}
		})
	}
	longest := sandbox.Verification{MerchantUID: strings.Repeat("a", 255), Person: sandbox.Adult, Origin: strings.Repeat("a", 2000)}
	if _, err := s.Verify(longest); err != nil {
		t.Errorf("the longest allowed values: %v", err)
	}
}

func TestVerifyAtAnotherTime(t *testing.T) {
	t.Parallel()
	c := at(noon)
	s := newSandbox(t, c)
	old := c.Now().Add(-400 * 24 * time.Hour)
	rec := lookup(t, s, verify(t, s, sandbox.Verification{Person: sandbox.NineteenToday, At: old}).ImpUID)
	if int64(rec["certified_at"].(float64)) != old.Unix() {
		t.Error("certified_at is not the time asked for")
	}
	if rec["birthday"] != "2007-11-21" {
		t.Error("the birth date moved with the time of the verification")
	}
}

func TestCreateVerification(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		status     int
		error      string
	}{
		{"adult", `{"merchant_uid":"m","person":"adult"}`, 201, ""},
		{"with everything", `{"merchant_uid":"m","person":"adult","pg_provider":"kcp_v2","origin":"https://shop.example/","ago":"40m"}`, 201, ""},
		{"in the future", `{"merchant_uid":"m","person":"adult","ago":"-5m"}`, 201, ""},
		{"unknown person", `{"merchant_uid":"m","person":"nobody"}`, 404, "unknown_person"},
		{"no merchant_uid", `{"person":"adult"}`, 400, "bad_merchant_uid"},
		{"bad provider", `{"merchant_uid":"m","person":"adult","pg_provider":"x"}`, 400, "bad_pg_provider"},
		{"bad ago", `{"merchant_uid":"m","person":"adult","ago":"yesterday"}`, 400, "bad_ago"},
		{"unknown field", `{"merchant_uid":"m","person":"adult","age":19}`, 400, "bad_body"},
		{"two values", `{"merchant_uid":"m","person":"adult"}{}`, 400, "bad_body"},
		{"trailing garbage", `{"merchant_uid":"m","person":"adult"}]`, 400, "bad_body"},
		{"form", `merchant_uid=m&person=adult`, 400, "bad_body"},
		{"nothing", ``, 400, "bad_body"},
		{"too large", strings.Repeat(" ", 17<<10) + `{"merchant_uid":"m","person":"adult"}`, 400, "bad_body"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t, at(noon))
			w := serve(s, request("POST", "/sandbox/verifications", tt.body, "Content-Type", "application/json"))
			if w.Code != tt.status {
				t.Fatalf("status %d, want %d", w.Code, tt.status)
			}
			checkCreated(t, s, w.Body.String(), tt.error)
		})
	}
}

func checkCreated(t *testing.T, s *sandbox.Server, body, wantError string) {
	t.Helper()
	if wantError == "" {
		result := decode[sandbox.Result](t, strings.NewReader(body))
		if !result.Success || lookup(t, s, result.ImpUID)["certified"] != true {
			t.Error("no certified record came of it")
		}
		for _, key := range []string{`"error_code": null`, `"error_msg": null`} {
			if !strings.Contains(body, key) {
				t.Errorf("the answer lacks %s", key)
			}
		}
		return
	}
	problem := decode[struct {
		Error, Message string
		People         []string
	}](t, strings.NewReader(body))
	if problem.Error != wantError || problem.Message == "" {
		t.Errorf("error %q, want %q with a message", problem.Error, wantError)
	}
	if wantError == "unknown_person" && len(problem.People) != len(sandbox.People()) {
		t.Error("the known ids are not listed")
	}
}

func TestCreateVerificationLongAgo(t *testing.T) {
	t.Parallel()
	c := at(noon)
	s := newSandbox(t, c)
	w := serve(s, request("POST", "/sandbox/verifications", `{"merchant_uid":"m","person":"adult","ago":"36h"}`))
	rec := lookup(t, s, decode[sandbox.Result](t, w.Body).ImpUID)
	if got := c.Now().Unix() - int64(rec["certified_at"].(float64)); got != 36*3600 {
		t.Errorf("verified %d s ago, want 36 h", got)
	}
}

func TestListPeople(t *testing.T) {
	t.Parallel()
	w := serve(newSandbox(t, at(noon)), request("GET", "/sandbox/people", ""))
	list := decode[struct {
		People []struct {
			sandbox.Person
			Birthday string
			Age      int
		}
	}](t, w.Body)
	if w.Code != http.StatusOK || len(list.People) != len(sandbox.People()) {
		t.Fatalf("status %d, %d people", w.Code, len(list.People))
	}
	if p := list.People[1]; p.ID != sandbox.NineteenToday || p.Birthday != "2007-11-21" || p.Age != 19 || p.ReasonEN == "" {
		t.Errorf("second is %+v", p)
	}
}

func TestOldestRecordsAreDropped(t *testing.T) {
	t.Parallel()
	const limit = 10_000 // as documented
	s := newSandbox(t, at(noon))
	bearer := token(t, s).AccessToken
	get := func(impUID string) int {
		return serve(s, request("GET", "/certifications/"+impUID, "", "Authorization", bearer)).Code
	}
	first := verify(t, s, sandbox.Verification{Person: sandbox.Adult}).ImpUID
	second := verify(t, s, sandbox.Verification{Person: sandbox.Adult}).ImpUID
	for range limit - 2 {
		verify(t, s, sandbox.Verification{Person: sandbox.Adult})
	}
	if got := get(first); got != 200 {
		t.Fatalf("with %d records the first is gone: %d", limit, got)
	}
	verify(t, s, sandbox.Verification{Person: sandbox.Adult})
	if a, b := get(first), get(second); a != 404 || b != 200 {
		t.Errorf("one more record: first %d, second %d; want 404 and 200", a, b)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				merchantUID := fmt.Sprintf("m%d-%d", i, j)
				result := verify(t, s, sandbox.Verification{MerchantUID: merchantUID, Person: sandbox.Adult})
				if lookup(t, s, result.ImpUID)["merchant_uid"] != merchantUID {
					t.Error("got somebody else's record")
				}
			}
		})
	}
	wg.Wait()
}

func FuzzCreateVerification(f *testing.F) {
	f.Add(`{"merchant_uid":"m","person":"adult"}`)
	f.Add(`{"merchant_uid":"m","person":"adult","ago":"-40m","origin":"x","pg_provider":"danal"}`)
	f.Add(`{"merchant_uid":"m","person":"adult"}{}`)
	f.Add(`[]`)
	s := newSandbox(f, at(noon))
	f.Fuzz(func(t *testing.T, body string) {
		w := serve(s, request("POST", "/sandbox/verifications", body))
		switch w.Code {
		case http.StatusCreated:
			result := decode[sandbox.Result](t, w.Body)
			if rec := lookup(t, s, result.ImpUID); rec["merchant_uid"] != result.MerchantUID || result.MerchantUID == "" {
				t.Error("the record does not carry the merchant_uid")
			}
		case http.StatusBadRequest, http.StatusNotFound:
		default:
			t.Errorf("status %d", w.Code)
		}
	})
}

func FuzzGetToken(f *testing.F) {
	f.Add("application/json", `{"imp_key":"a","imp_secret":"b"}`)
	f.Add("application/x-www-form-urlencoded", "imp_key=a&imp_secret=b")
	f.Add("", "imp_key=a")
	s := newSandbox(f, at(noon))
	f.Fuzz(func(t *testing.T, contentType, body string) {
		w := serve(s, request("POST", "/users/getToken", body, "Content-Type", contentType))
		e := decode[envelope](t, w.Body)
		named := strings.Contains(body, sandbox.DefaultSecret)
		if w.Code == http.StatusOK && !named && !strings.ContainsAny(body, `\%`) {
			t.Error("a token without the secret")
		}
		if (w.Code == http.StatusOK) != (*e.Code == 0) {
			t.Errorf("status %d with code %d", w.Code, *e.Code)
		}
	})
}
