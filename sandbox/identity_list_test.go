package sandbox_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

// list answers the ids found with these conditions, sent in both ways that a
// client may.
func list(t *testing.T, s *sandbox.Server, conditions string) (ids []string, page map[string]any) {
	t.Helper()
	asBody := wantAPI(t, api(s, "GET", "/identity-verifications", conditions), 200, "")
	for i, answer := range []map[string]any{asBody, wantAPI(t, api(s, "GET", "/identity-verifications?requestBody="+url.QueryEscape(conditions), ""), 200, "")} {
		var found []string
		for _, item := range answer["items"].([]any) {
			found = append(found, item.(map[string]any)["id"].(string))
		}
		if i > 0 && !slices.Equal(found, ids) {
			t.Errorf("%s: as a query %v, as a body %v", conditions, found, ids)
		}
		ids = found
	}
	return ids, asBody["page"].(map[string]any)
}

// aBusyStore holds, from the oldest to the newest request: an adult through
// Danal, a foreigner through KCP, one failed, one of a test channel, and one
// who was sent digits.
func aBusyStore(t *testing.T) *sandbox.Server {
	t.Helper()
	c := at(noon)
	s := newSandbox(t, c)
	for _, v := range []sandbox.IdentityVerification{
		{ID: "danal", Person: sandbox.Adult},
		{ID: "kcp", Person: sandbox.Foreigner, ChannelKey: sandbox.ChannelKeyKCP},
		{ID: "failed", Person: sandbox.Minor, Fail: true},
		{ID: "test", Person: sandbox.Adult, ChannelKey: sandbox.ChannelKeyInicisTest},
	} {
		verifyIdentity(t, s, v)
		c.advance(time.Minute)
	}
	wantAPI(t, api(s, "POST", "/identity-verifications/sent/send", sendBody(t, s, sandbox.Minor)), 200, "")
	c.advance(time.Minute)
	return s
}

func TestListConditions(t *testing.T) {
	t.Parallel()
	s := aBusyStore(t)
	minor, err := s.ParticularsOf(sandbox.Minor)
	if err != nil {
		t.Fatal(err)
	}
	danal := identity(t, s, "danal")
	txID := verifyIdentity(t, s, sandbox.IdentityVerification{ID: "gone", Person: sandbox.Adult, At: at(noon).Now().AddDate(0, 0, -91)}).IdentityVerificationTxID
	tests := []struct{ name, conditions, want string }{
		{"none", `{}`, "sent test failed kcp danal"},
		{"oldest first", `{"sort":{"order":"ASC"}}`, "danal kcp failed test sent"},
		{"by verification", `{"sort":{"by":"VERIFIED_AT","order":"ASC"}}`, "danal kcp test failed sent"},
		{"by failure", `{"sort":{"by":"FAILED_AT"},"page":{"size":1}}`, "failed"},
		{"by status", `{"sort":{"by":"STATUS_UPDATED_AT","order":"ASC"},"page":{"size":2}}`, "danal kcp"},
		{"second page", `{"page":{"number":1,"size":2}}`, "failed kcp"},
		{"last page", `{"page":{"number":2,"size":2}}`, "danal"},
		{"no such page", `{"page":{"number":3,"size":2}}`, ""},
		{"far from any page", `{"page":{"number":2147483647,"size":1000}}`, ""},
		{"status", `{"filter":{"statuses":["FAILED","READY"]}}`, "sent failed"},
		{"test channels", `{"filter":{"isTest":true}}`, "test"},
		{"live channels", `{"filter":{"isTest":false}}`, "sent failed kcp danal"},
		{"id", `{"filter":{"identityVerificationId":"kcp"}}`, "kcp"},
		{"try", `{"filter":{"identityVerificationTxId":"` + txID + `","from":"2026-01-01T00:00:00Z"}}`, "gone"},
		{"gateway's try", `{"filter":{"pgTxId":"` + danal["pgTxId"].(string) + `"}}`, "danal"},
		{"merchant id", `{"filter":{"pgMerchantId":"MIIiasTest"}}`, "test"},
		{"gateways", `{"filter":{"pgProviders":["KCP_V2","INICIS_UNIFIED"]}}`, "test kcp"},
		{"houses", `{"filter":{"pgCompanies":["INICIS","NICE"]}}`, "test"},
		{"carriers", `{"filter":{"carriers":["SKT"]}}`, "kcp"},
		{"V2", `{"filter":{"version":"V2","statuses":["FAILED"]}}`, "failed"},
		{"V1", `{"filter":{"version":"V1"}}`, ""},
		{"store", `{"filter":{"storeId":"` + sandbox.DefaultStoreID + `","isTest":true}}`, "test"},
		{"name", `{"filter":{"customer":{"name":"김성년"}}}`, "test danal"},
		{"name as the merchant said it", `{"filter":{"customer":{"name":"` + minor.Name + `"}}}`, "sent"},
		{"phone", `{"filter":{"customer":{"phoneNumber":"` + minor.PhoneNumber + `"}}}`, "sent"},
		{"birthday", `{"filter":{"customer":{"birthYear":"1990","birthMonth":"05","birthDay":"15"}}}`, "test danal"},
		{"another year", `{"filter":{"customer":{"birthYear":"1991"}}}`, ""},
		{"another day", `{"filter":{"customer":{"birthYear":"1990","birthMonth":"05","birthDay":"16"}}}`, ""},
		{"another month", `{"filter":{"customer":{"birthMonth":"06"}}}`, ""},
		{"gender", `{"filter":{"customer":{"gender":"FEMALE"},"pgProviders":["DANAL"]}}`, "danal"},
		{"everything at once", `{"filter":{"customer":{"name":"김성년"},"isTest":true,"statuses":["FAILED"]}}`, ""},
		{"since", `{"filter":{"from":"2026-11-21T03:02:00Z"}}`, "sent test failed"},
		{"until", `{"filter":{"until":"2026-11-21T03:01:00Z"}}`, "kcp danal"},
		{"90 days before until", `{"filter":{"until":"2026-08-30T00:00:00Z"}}`, "gone"},
		{"by another time", `{"filter":{"timeRangeField":"VERIFIED_AT","from":"2026-11-21T03:01:00Z"}}`, "test kcp"},
		{"by time of failure", `{"filter":{"timeRangeField":"FAILED_AT"}}`, "failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := list(t, s, tt.conditions); strings.Join(got, " ") != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

// TestListOfWhatTheMerchantSaid: until they are verified, people are found by
// what the merchant said of them.
func TestListOfWhatTheMerchantSaid(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	startWindow(t, s, "customer", map[string]any{"birthYear": "1990", "birthMonth": "05", "birthDay": "15"})
	for filter, want := range map[string]string{
		`{"birthYear":"1990","birthMonth":"05","birthDay":"15"}`: identityID, `{"birthYear":"1991"}`: "", `{"birthMonth":"06"}`: "", `{"birthDay":"16"}`: "", `{"name":"김성년"}`: "",
	} {
		if got, _ := list(t, s, `{"filter":{"customer":`+filter+`}}`); strings.Join(got, " ") != want {
			t.Errorf("%s: found %q, want %q", filter, got, want)
		}
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	s := aBusyStore(t)
	for conditions, want := range map[string][3]float64{
		`{}`: {0, 10, 5}, `{"page":{"number":1,"size":2}}`: {1, 2, 5}, `{"page":{"number":7,"size":1000}}`: {7, 1000, 5},
		`{"filter":{"isTest":true}}`: {0, 10, 1},
	} {
		_, page := list(t, s, conditions)
		if got := [3]float64{page["number"].(float64), page["size"].(float64), page["totalCount"].(float64)}; got != want {
			t.Errorf("%s: page %v, want %v", conditions, got, want)
		}
	}
	wantAPI(t, api(s, "GET", "/identity-verifications", ""), 200, "")
}

func TestListShapes(t *testing.T) {
	t.Parallel()
	s := aBusyStore(t)
	for _, item := range wantAPI(t, api(s, "GET", "/identity-verifications", "{}"), 200, "")["items"].([]any) {
		v := item.(map[string]any)
		wantShape(t, v, v["id"].(string), map[string]string{"failed": "FAILED", "sent": "READY"}[v["id"].(string)]+map[bool]string{true: "VERIFIED"}[v["verifiedAt"] != nil])
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	for _, conditions := range []string{
		`{`, `[]`, `{"page":{"number":-1}}`, `{"page":{"size":0}}`, `{"page":{"size":1001}}`, `{"sort":{"by":"NAME"}}`, `{"sort":{"order":"UP"}}`,
		`{"filter":{"timeRangeField":"BIRTH"}}`, `{"filter":{"from":"yesterday"}}`, `{"filter":{"statuses":"READY"}}`,
	} {
		wantAPI(t, api(s, "GET", "/identity-verifications", conditions), 400, "INVALID_REQUEST")
		wantAPI(t, api(s, "GET", "/identity-verifications?requestBody="+url.QueryEscape(conditions), ""), 400, "INVALID_REQUEST")
	}
}
