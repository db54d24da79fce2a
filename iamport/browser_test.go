package iamport_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
)

const attemptID = "0123456789abcdef0123456789abcdef"

func attempt() certify.Attempt {
	return certify.Attempt{ID: attemptID, RedirectURL: "https://shop.example/certifications/redirect"}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	const base = `"m_redirect_url":"https://shop.example/certifications/redirect","merchant_uid":"0123456789abcdef0123456789abcdef"`
	const begin = `{"script":"https://cdn.iamport.kr/v1/iamport.js","calls":[{"function":"IMP.init","args":["imp00000001"]},` +
		`{"function":"IMP.certification","args":[`
	tests := []struct {
		name   string
		change func(*iamport.Config)
		want   string
	}{
		{"defaults", func(*iamport.Config) {}, begin + `{` + base + `}],"callback":true}]}`},
		{"popup", func(c *iamport.Config) { c.Popup = true }, begin + `{` + base + `,"popup":true}],"callback":true}]}`},
		{"channel key", func(c *iamport.Config) { c.ChannelKey = "channel-key-1" },
			begin + `{"channelKey":"channel-key-1",` + base + `}],"callback":true}]}`},
		{"danal's own", func(c *iamport.Config) { c.Company, c.MinAge, c.PG = "가게", 19, "danal.A01" },
			begin + `{"company":"가게",` + base + `,"min_age":19,"pg":"danal.A01"}],"callback":true}]}`},
		{"agency", func(c *iamport.Config) { c.Tier = "A1b" },
			strings.Replace(begin, `"IMP.init","args":["imp00000001"]`, `"IMP.agency","args":["imp00000001","A1b"]`, 1) + `{` + base + `}],"callback":true}]}`},
		{"script", func(c *iamport.Config) { c.ScriptURL = "https://shop.example/iamport.js" },
			strings.Replace(begin, "https://cdn.iamport.kr/v1/iamport.js", "https://shop.example/iamport.js", 1) + `{` + base + `}],"callback":true}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, "danal")
			cfg := testConfig(v)
			tt.change(&cfg)
			start := newProvider(t, cfg).Begin(attempt())
			got, err := json.Marshal(start)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if start.IDName != "merchant_uid" {
				t.Errorf("IDName = %q", start.IDName)
			}
			if len(v.sent()) != 0 {
				t.Error("Begin asked the vendor something")
			}
		})
	}
}

func TestBeginSharesNothing(t *testing.T) {
	t.Parallel()
	p := newProvider(t, testConfig(nil))
	params := p.Begin(attempt()).Calls[1].Args[0].(map[string]any)
	params["merchant_uid"] = "another"
	if got := p.Begin(attempt()).Calls[1].Args[0].(map[string]any)["merchant_uid"]; got != attemptID {
		t.Errorf("merchant_uid = %v: one attempt's parameters reach the next", got)
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	if got := newProvider(t, testConfig(nil)).Name(); got != "iamport" {
		t.Errorf("Name = %q", got)
	}
}

func TestCallbackID(t *testing.T) {
	t.Parallel()
	const missing, malformed, other = certify.CodeVerificationIDMissing, certify.CodeVerificationIDMalformed, certify.CodeAttemptMissing
	tests := []struct {
		name, query string
		want        string
		err         error
	}{
		{"computer, success", "success=true&imp_uid=imp_123456789012&merchant_uid=" + attemptID + "&pg_provider=danal&pg_type=certification", "imp_123456789012", nil},
		{"redirect without merchant_uid", "imp_uid=imp_123456789012&success=true", "imp_123456789012", nil},
		{"merchant_uid empty", "imp_uid=imp_1&merchant_uid=", "imp_1", nil},
		{"merchant_uid the word null", "imp_uid=imp_1&merchant_uid=null", "imp_1", nil},
		{"merchant_uid the word undefined", "imp_uid=imp_1&merchant_uid=undefined", "imp_1", nil},
		{"merchant_uid twice the same", "imp_uid=imp_1&merchant_uid=" + attemptID + "&merchant_uid=" + attemptID, "imp_1", nil},
		{"failure with an id", "success=false&error_code=9015&imp_uid=imp_1&merchant_uid=" + attemptID, "imp_1", nil},
		{"another prefix", "imp_uid=imps_1aZ", "imps_1aZ", nil},
		{"longest", "imp_uid=imp_" + strings.Repeat("9", 60), "imp_" + strings.Repeat("9", 60), nil},

		{"nothing", "", "", missing},
		{"early failure", "success=false&error_code=9010", "", missing},
		{"empty", "imp_uid=", "", missing},
		{"the word null", "imp_uid=null&merchant_uid=null", "", missing},
		{"the word undefined", "imp_uid=undefined", "", missing},
		{"another case of the name", "IMP_UID=imp_1", "", missing},

		{"twice", "imp_uid=imp_1&imp_uid=imp_2", "", malformed},
		{"twice the same", "imp_uid=imp_1&imp_uid=imp_1", "", malformed},
		{"twice, one empty", "imp_uid=imp_1&imp_uid=", "", malformed},
		{"too long", "imp_uid=imp_" + strings.Repeat("9", 61), "", malformed},
		{"no prefix", "imp_uid=123456789012", "", malformed},
		{"empty prefix", "imp_uid=_123456789012", "", malformed},
		{"empty rest", "imp_uid=imp_", "", malformed},
		{"digits in the prefix", "imp_uid=1mp_1", "", malformed},
		{"two underscores", "imp_uid=imp_1_2", "", malformed},
		{"slash", "imp_uid=imp_1%2F..", "", malformed},
		{"space", "imp_uid=imp_1+", "", malformed},
		{"line end", "imp_uid=imp_1%0A", "", malformed},
		{"NUL", "imp_uid=imp_1%00", "", malformed},
		{"Korean digit", "imp_uid=imp_%EF%BC%91", "", malformed},

		{"another attempt's", "imp_uid=imp_1&merchant_uid=ffffffffffffffffffffffffffffffff", "", other},
		{"by case", "imp_uid=imp_1&merchant_uid=" + strings.ToUpper(attemptID), "", other},
		{"a part of ours", "imp_uid=imp_1&merchant_uid=" + attemptID[:31], "", other},
		{"ours and another", "imp_uid=imp_1&merchant_uid=" + attemptID + "&merchant_uid=f", "", other},
		{"empty and another", "imp_uid=imp_1&merchant_uid=&merchant_uid=f", "", other},
	}
	p := newProvider(t, testConfig(nil))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.CallbackID(v, attempt())
			if got != tt.want || err != tt.err {
				t.Errorf("CallbackID = %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// FuzzCallbackID: an accepted id needs no escaping anywhere in a URL, and was
// what the browser sent; nothing else comes out.
func FuzzCallbackID(f *testing.F) {
	for _, q := range []string{
		"imp_uid=imp_123456789012&merchant_uid=" + attemptID, "imp_uid=imp_1", "imp_uid=../payments/imp_1", "imp_uid=imp_1/../x",
		"imp_uid=imp_%252e%252e", "imp_uid=imp_1%3Fx", "imp_uid=imp_1%23x", "imp_uid=imp_1%00", "imp_uid=null", "imp_uid=a&imp_uid=b", "imp_uid=imp_1&merchant_uid=x",
	} {
		f.Add(q)
	}
	p := newProvider(f, testConfig(nil))
	f.Fuzz(func(t *testing.T, query string) {
		v, _ := url.ParseQuery(query)
		id, err := p.CallbackID(v, attempt())
		if err != nil {
			var code certify.Code
			if id != "" || !errors.As(err, &code) {
				t.Fatalf("CallbackID = %q, %v", id, err)
			}
			return
		}
		if len(id) > 64 || id != v.Get("imp_uid") || url.PathEscape(id) != id || url.QueryEscape(id) != id || strings.ContainsAny(id, "./%") {
			t.Errorf("accepted %q", id)
		}
		if m := v.Get("merchant_uid"); m != "" && m != "null" && m != "undefined" && m != attemptID {
			t.Errorf("accepted beside merchant_uid %q", m)
		}
	})
}
