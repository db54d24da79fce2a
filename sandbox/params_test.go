package sandbox_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/certify-go/certify/sandbox"
)

func TestWindowRefusesBadParameters(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	tests := []struct{ name, param, value, error string }{
		{"another merchant's code", "code", "imp10391932", "SANDBOX_BAD_CODE"},
		{"no code", "code", "", "SANDBOX_BAD_CODE"},
		{"bad tier", "tier", "a-b", "SANDBOX_BAD_TIER"},
		{"no merchant_uid", "merchant_uid", "", "SANDBOX_BAD_MERCHANT_UID"},
		{"overlong merchant_uid", "merchant_uid", strings.Repeat("x", 256), "SANDBOX_BAD_MERCHANT_UID"},
		{"min_age in words", "min_age", "nineteen", "SANDBOX_BAD_MIN_AGE"},
		{"negative min_age", "min_age", "-1", "SANDBOX_BAD_MIN_AGE"},
		{"absurd min_age", "min_age", "151", "SANDBOX_BAD_MIN_AGE"},
		{"the REST API's carrier", "carrier", "KT", "SANDBOX_BAD_CARRIER"},
		{"unknown pg", "pg", "nice", "SANDBOX_BAD_PG"},
		{"closed pg", "pg", "inicis", "SANDBOX_BAD_PG"},
		{"overlong company", "company", strings.Repeat("x", 101), "SANDBOX_BAD_COMPANY"},
		{"overlong origin", "origin", strings.Repeat("x", 2001), "SANDBOX_BAD_ORIGIN"},
		{"script as redirect", "m_redirect_url", "javascript:alert(1)", "SANDBOX_BAD_M_REDIRECT_URL"},
		{"script with a host as redirect", "m_redirect_url", "javascript://shop.example/%0aalert(1)", "SANDBOX_BAD_M_REDIRECT_URL"},
		{"relative redirect", "m_redirect_url", "/return", "SANDBOX_BAD_M_REDIRECT_URL"},
		{"redirect with a user", "m_redirect_url", "https://a@shop.example/", "SANDBOX_BAD_M_REDIRECT_URL"},
		{"redirect that writes CSP", "m_redirect_url", "https://shop.example;script-src/", "SANDBOX_BAD_M_REDIRECT_URL"},
		{"overlong redirect", "m_redirect_url", "https://shop.example/" + strings.Repeat("x", 2000), "SANDBOX_BAD_M_REDIRECT_URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := &visitor{t: t, s: s, path: "/sandbox/window?" + params(tt.param, tt.value).Encode()}
			v.look()
			if v.page.Code != http.StatusBadRequest {
				t.Fatalf("status %d, want 400", v.page.Code)
			}
			got := v.told()
			if got["success"] != false || got["error_code"] != tt.error || got["error_msg"] == "" {
				t.Errorf("told %v, want %s", got, tt.error)
			}
			if _, present := got["imp_uid"]; present {
				t.Error("an early failure has no imp_uid")
			}
			if v.attribute("opener") != "https://shop.example" {
				t.Error("the page that opened the window is not told")
			}
		})
	}
}

// A window tells an origin and nothing else; a page without one is "null".
func TestWindowOpener(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	for opener, status := range map[string]int{
		"https://shop.example":       303,
		"http://localhost:3000":      303,
		"null":                       303,
		"":                           400,
		"*":                          400,
		"https://shop.example/path":  400,
		"https://u@shop.example":     400,
		"javascript:alert(1)":        400,
		"https://shop.example;x y/*": 400,
	} {
		v := &visitor{t: t, s: s, path: "/sandbox/window?" + params("opener", opener).Encode()}
		v.look()
		if v.page.Code != status {
			t.Errorf("opener %q: status %d, want %d", opener, v.page.Code, status)
		}
		if status == 400 && v.attribute("opener") != "" {
			t.Errorf("opener %q is told although it is none", opener)
		}
	}
}

func TestWindowPreselects(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	tests := []struct {
		name    string
		q       url.Values
		checked []string
	}{
		{"nothing", params(), nil},
		{"carrier", params("carrier", "KTF"), []string{"KTF"}},
		{"phone", params("phone", "010-0000-0001"), []string{"adult"}},
		{"name", params("name", "이오늘", "carrier", "MVNO"), []string{"MVNO", "nineteen-today"}},
		{"a real visitor's name", params("name", "아무개", "phone", "01012345678"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := openWindow(t, s, tt.q)
			var got []string
			for _, m := range regexp.MustCompile(`value="([^"]+)" required checked`).FindAllStringSubmatch(v.page.Body.String(), -1) {
				got = append(got, m[1])
			}
			if strings.Join(got, " ") != strings.Join(tt.checked, " ") {
				t.Errorf("checked %v, want %v", got, tt.checked)
			}
		})
	}
}

func TestWindowProviderAndCarrier(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, pg, person, carrier string
		provider, recordCarrier   any
	}{
		{"danal by default", "", sandbox.Adult, "SKT", "danal", nil},
		{"asked for", "kcp_v2", sandbox.Adult, "KTF", "kcp_v2", "KT"},
		{"with a merchant id", "kcp_v2.AB123", sandbox.Adult, "LGT", "kcp_v2", "LGT"},
		{"mvno", "kcp_v2", sandbox.Adult, "MVNO", "kcp_v2", "SKT_MVNO"},
		{"a person met elsewhere only", "danal", sandbox.NoDI, "SKT", "inicis_unified", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t, at(noon))
			v := openWindow(t, s, params("pg", tt.pg))
			v.post("choose", url.Values{"carrier": {tt.carrier}, "person": {tt.person}})
			v.enter(v.sent())
			rec := lookup(t, s, v.told()["imp_uid"].(string))
			if rec["pg_provider"] != tt.provider || rec["carrier"] != tt.recordCarrier || v.told()["pg_provider"] != tt.provider {
				t.Errorf("pg_provider %v, carrier %v", rec["pg_provider"], rec["carrier"])
			}
		})
	}
}

func FuzzOpenWindow(f *testing.F) {
	f.Add(params().Encode())
	f.Add(params("m_redirect_url", "https://shop.example/r?a=1#f", "min_age", "19", "pg", "danal.X", "company", "<script>").Encode())
	f.Add("code=imp00000000&merchant_uid=%ff")
	s := newSandbox(f, at(noon))
	f.Fuzz(func(t *testing.T, query string) {
		r := request("GET", "/sandbox/window", "")
		r.URL.RawQuery = query
		w := serve(s, r)
		if w.Code == http.StatusBadRequest {
			return
		}
		if w.Code != http.StatusSeeOther {
			t.Fatalf("status %d", w.Code)
		}
		v := &visitor{t: t, s: s, path: w.Header().Get("Location")}
		v.look()
		if v.page.Code != http.StatusOK {
			t.Fatalf("an accepted window shows status %d", v.page.Code)
		}
		if csp := v.page.Header().Get("Content-Security-Policy"); strings.Count(csp, ";") != 6 {
			t.Errorf("the query rewrote the policy: %q", csp)
		}
		v.choose(sandbox.Adult)
		v.post("close", nil)
		if location := v.page.Header().Get("Location"); location != "" && !regexp.MustCompile(`^https?://`).MatchString(location) {
			t.Errorf("redirects to %q", location)
		}
	})
}
