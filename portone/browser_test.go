package portone_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/portone"
)

const attemptID = "0123456789abcdef0123456789abcdef"

func attempt() certify.Attempt {
	return certify.Attempt{ID: attemptID, RedirectURL: "https://shop.example/certifications/redirect"}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	const (
		begin = `{"script":"https://cdn.portone.io/v2/browser-sdk.js","calls":[{"function":"PortOne.requestIdentityVerification","args":[{`
		base  = `"channelKey":"channel-key-live-1","identityVerificationId":"0123456789abcdef0123456789abcdef",` +
			`"redirectUrl":"https://shop.example/certifications/redirect","storeId":"store-0001"`
		end = `}]}]}`
	)
	tests := []struct {
		name   string
		change func(*portone.Config)
		want   string
	}{
		{"defaults", func(*portone.Config) {}, begin + base + end},
		{"window on computers", func(c *portone.Config) { c.WindowType.PC = "POPUP" }, begin + base + `,"windowType":{"pc":"POPUP"}` + end},
		{"window on phones", func(c *portone.Config) { c.WindowType.Mobile = "REDIRECTION" }, begin + base + `,"windowType":{"mobile":"REDIRECTION"}` + end},
		{"age", func(c *portone.Config) { c.MinAge = 19 }, begin + `"bypass":{"danal":{"AGELIMIT":19}},` + base + end},
		{"company", func(c *portone.Config) { c.Company = "가게" }, begin + `"bypass":{"danal":{"CPTITLE":"가게"}},` + base + end},
		{"both", func(c *portone.Config) { c.Company, c.MinAge = "가게", 14 }, begin + `"bypass":{"danal":{"AGELIMIT":14,"CPTITLE":"가게"}},` + base + end},
		{"another channel first", func(c *portone.Config) { c.ChannelKeys = []string{"channel-key-live-2", "channel-key-live-1"} },
			begin + strings.Replace(base, "live-1", "live-2", 1) + end},
		{"script", func(c *portone.Config) { c.ScriptURL = "https://shop.example/sdk.js" },
			strings.Replace(begin, "https://cdn.portone.io/v2/browser-sdk.js", "https://shop.example/sdk.js", 1) + base + end},
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
			if start.IDName != "identityVerificationId" {
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
	params := p.Begin(attempt()).Calls[0].Args[0].(map[string]any)
	params["identityVerificationId"] = "another"
	if got := p.Begin(attempt()).Calls[0].Args[0].(map[string]any)["identityVerificationId"]; got != attemptID {
		t.Errorf("identityVerificationId = %v: one attempt's parameters reach the next", got)
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	if got := newProvider(t, testConfig(nil)).Name(); got != "portone" {
		t.Errorf("Name = %q", got)
	}
}

func TestCallbackID(t *testing.T) {
	t.Parallel()
	const missing, malformed, other = certify.CodeVerificationIDMissing, certify.CodeVerificationIDMalformed, certify.CodeAttemptMissing
	const ours = "identityVerificationId=" + attemptID
	tests := []struct {
		name, query string
		err         error
	}{
		{"redirect", "transactionType=IDENTITY_VERIFICATION&identityVerificationTxId=0192a&" + ours, nil},
		{"alone", ours, nil},
		{"failure", ours + "&code=FAILURE_TYPE_PG&message=x&pgCode=1&pgMessage=y", nil},
		{"beside another provider's names", ours + "&imp_uid=imp_1&merchant_uid=x", nil},

		{"nothing", "", missing},
		{"early failure", "code=BadRequest&message=x", missing},
		{"empty", "identityVerificationId=", missing},
		{"the word null", "identityVerificationId=null", missing},
		{"the word undefined", "identityVerificationId=undefined", missing},
		{"another case of the name", "identityverificationid=" + attemptID, missing},
		{"the name of older guides", "identity_verification_id=" + attemptID, missing},
		{"only the try's id", "identityVerificationTxId=" + attemptID, missing},

		{"twice", ours + "&identityVerificationId=ffffffffffffffffffffffffffffffff", malformed},
		{"twice the same", ours + "&" + ours, malformed},
		{"twice, one empty", ours + "&identityVerificationId=", malformed},
		{"upper case", strings.Replace(ours, "abcdef", "ABCDEF", 1), malformed},
		{"too short", ours[:len(ours)-1], malformed},
		{"too long", ours + "0", malformed},
		{"not hex", "identityVerificationId=0123456789abcdef0123456789abcdeg", malformed},
		{"a UUID", "identityVerificationId=01234567-89ab-cdef-0123-456789abcdef", malformed},
		{"an imp_uid", "identityVerificationId=imp_123456789012", malformed},
		{"dots", "identityVerificationId=..", malformed},
		{"slash", "identityVerificationId=..%2F" + attemptID[3:], malformed},
		{"line end", ours + "%0A", malformed},
		{"NUL for a digit", "identityVerificationId=%00" + attemptID[1:], malformed},
		{"Korean digit", "identityVerificationId=%EF%BC%91" + attemptID[3:], malformed},

		{"another attempt's", "identityVerificationId=ffffffffffffffffffffffffffffffff", other},
		{"one digit off", ours[:len(ours)-1] + "0", other},
	}
	p := newProvider(t, testConfig(nil))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			want := attemptID
			if tt.err != nil {
				want = ""
			}
			got, err := p.CallbackID(v, attempt())
			if got != want || err != tt.err {
				t.Errorf("CallbackID = %q, %v; want %q, %v", got, err, want, tt.err)
			}
		})
	}
}

// FuzzCallbackID: nothing comes out but the attempt's own id, and only if the
// browser sent it, once.
func FuzzCallbackID(f *testing.F) {
	for _, q := range []string{
		"identityVerificationId=" + attemptID, "identityVerificationId=" + attemptID + "&code=x", "identityVerificationId=..", "identityVerificationId=null",
		"identityVerificationId=a&identityVerificationId=" + attemptID, "identityVerificationId=ffffffffffffffffffffffffffffffff", "identityVerificationId=%30123", "code=x",
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
		if ids := v["identityVerificationId"]; id != attemptID || len(ids) != 1 || ids[0] != id {
			t.Errorf("accepted %q of %q", id, ids)
		}
	})
}
