package portone_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/portone"
	"github.com/certify-go/certify/sandbox"
)

// changing has the sandbox's records changed on their way.
type changing struct{ record func(string) string }

func (c changing) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || c.record == nil {
		return res, err
	}
	text, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader([]byte(c.record(string(text))))), -1
	return res, nil
}

func swapping(old, new string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, old, new) }
}

// TestEachRefusalHasItsReason: a visitor who has an attempt, and a record that
// does not count, is told one code, and the operator's log says which of the
// checks it was.
func TestEachRefusalHasItsReason(t *testing.T) {
	t.Parallel()
	const other = "b0000000000000000000000000000001"
	tests := []struct {
		name   string
		verify sandbox.IdentityVerification
		over   changing
		status int
		code   certify.Code
		reason string
	}{
		{"a test channel, though its key is named", sandbox.IdentityVerification{ChannelKey: sandbox.ChannelKeyKCPTest}, changing{},
			http.StatusForbidden, certify.CodeChannelRefused, "channel.type is not LIVE"},
		{"a channel that is not said to be live", sandbox.IdentityVerification{}, changing{swapping(`"type":"LIVE"`, `"type":null`)},
			http.StatusForbidden, certify.CodeChannelRefused, "channel.type is not LIVE"},
		{"another channel key", sandbox.IdentityVerification{ChannelKey: sandbox.ChannelKeyInicis}, changing{},
			http.StatusForbidden, certify.CodeChannelRefused, "channel.key is not in Config.ChannelKeys"},
		{"a record of V1", sandbox.IdentityVerification{}, changing{swapping(`"version":"V2"`, `"version":"V1"`)},
			http.StatusBadGateway, certify.CodeProviderInvalid, "version is not V2"},
		{"another id", sandbox.IdentityVerification{}, changing{swapping(`"id":"`, `"id":"0`)},
			http.StatusBadGateway, certify.CodeProviderInvalid, "id is not the one asked for"},
		{"ready", sandbox.IdentityVerification{Person: sandbox.NeverFinishes}, changing{},
			http.StatusConflict, certify.CodeVerificationPending, "status is READY"},
		{"failed", sandbox.IdentityVerification{Fail: true}, changing{},
			http.StatusConflict, certify.CodeVerificationPending, "status is FAILED"},
		{"no record", sandbox.IdentityVerification{ID: other}, changing{},
			http.StatusConflict, certify.CodeVerificationPending, "there is no such record, or not yet"},
		{"an unknown status", sandbox.IdentityVerification{}, changing{swapping(`"VERIFIED"`, `"EXPIRED"`)},
			http.StatusBadGateway, certify.CodeProviderInvalid, "status is missing or unknown"},
		{"no birth date", sandbox.IdentityVerification{}, changing{swapping(`"birthDate"`, `"x"`)},
			http.StatusBadGateway, certify.CodeProviderInvalid, "birthDate is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSiteWith(t, func(c *portone.Config) {
				c.ChannelKeys = []string{sandbox.ChannelKeyDanal, sandbox.ChannelKeyKCPTest}
				c.Transport = tt.over
			})
			id := s.begin()
			v := tt.verify
			if v.ID == "" {
				v.ID = id
			}
			if v.Person == "" {
				v.Person = sandbox.Adult
			}
			if _, err := s.server.VerifyIdentity(v); err != nil {
				t.Fatal(err)
			}
			status, problem := s.post("/confirm", `{"identityVerificationId":"`+id+`"}`)
			if status != tt.status || problem["code"] != string(tt.code) {
				t.Errorf("HTTP %d %v, want %d %s", status, problem["code"], tt.status, tt.code)
			}
			if !strings.Contains(s.log.String(), tt.reason) {
				t.Errorf("the operator is not told %q but\n%s", tt.reason, s.log)
			}
			if problem["claim"] != nil {
				t.Error("a claim came with it")
			}
		})
	}
}

// TestWhatTheRefusalsWouldBe: the same visitor with nothing changed passes.
func TestWhatTheRefusalsWouldBe(t *testing.T) {
	t.Parallel()
	s := newSiteWith(t, func(c *portone.Config) { c.Transport = changing{swapping("x", "x")} })
	id := s.begin()
	if _, err := s.server.VerifyIdentity(sandbox.IdentityVerification{ID: id, Person: sandbox.Adult}); err != nil {
		t.Fatal(err)
	}
	if status, answer := s.post("/confirm", `{"identityVerificationId":"`+id+`"}`); status != http.StatusOK || answer["claim"] == nil {
		t.Errorf("HTTP %d %v", status, answer["code"])
	}
}
