package sandbox_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

// startRequest is what the SDK sends for a page, changed by pairs of a member
// and its value.
func startRequest(t testing.TB, changes ...any) string {
	t.Helper()
	q := map[string]any{
		"storeId": sandbox.DefaultStoreID, "channelKey": sandbox.ChannelKeyDanal, "identityVerificationId": identityID,
		"sandboxOpener": "https://shop.example",
	}
	for i := 0; i < len(changes); i += 2 {
		q[changes[i].(string)] = changes[i+1]
	}
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

type started struct {
	Window, Key   string
	Failure       map[string]any
	Code, Message string
}

// startWindow has the window made, and opens it.
func startWindow(t *testing.T, s *sandbox.Server, changes ...any) (*visitor, started) {
	t.Helper()
	w := serve(s, request("POST", "/sandbox/identity-windows", startRequest(t, changes...), "Content-Type", "text/plain", "Origin", "https://shop.example", "Sec-Fetch-Site", "cross-site"))
	if w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("the window does not start: status %d", w.Code)
	}
	begun := decode[started](t, w.Body)
	v := &visitor{t: t, s: s, path: begun.Window}
	v.look()
	return v, begun
}

// wantTold checks what the page is told: a success has no code.
func wantTold(t *testing.T, told map[string]any, pgCode string) {
	t.Helper()
	want := map[string]any{"transactionType": "IDENTITY_VERIFICATION", "identityVerificationId": identityID, "identityVerificationTxId": told["identityVerificationTxId"]}
	if pgCode != "" {
		want["code"], want["pgCode"] = "PG_PROVIDER_ERROR", pgCode
		want["message"], want["pgMessage"] = told["message"], told["pgMessage"]
	}
	if !maps.Equal(told, want) || told["identityVerificationTxId"] == nil {
		t.Errorf("the page is told %v, want %v", told, want)
	}
}

func TestIdentityWindow(t *testing.T) {
	t.Parallel()
	c := at(noon)
	s := newSandbox(t, c)
	v, begun := startWindow(t, s, "customData", "mine", "customer", map[string]any{"customerId": "c1", "fullName": "김성년", "birthYear": "1990"})
	wantTold(t, begun.Failure, "F0000")
	wantTold(t, v.told(), "F0000")
	record := identity(t, s, identityID)
	wantShape(t, record, identityID, "READY")
	if got := record["requestedCustomer"].(map[string]any); record["customData"] != "mine" || got["id"] != "c1" || got["name"] != "김성년" || got["birthYear"] != "1990" || len(got) != 3 {
		t.Errorf("customData %v, requestedCustomer %v", record["customData"], got)
	}
	v.sees(`value="adult" required checked`)
	v.post("choose", url.Values{"carrier": {"KTF"}, "person": {sandbox.Adult}})
	v.enter(v.wrong())
	wantTold(t, v.told(), "F0000")
	v.enter(v.sent())
	if !v.done() {
		t.Fatal("the window is not done")
	}
	wantTold(t, v.told(), "")
	wantShape(t, identity(t, s, identityID), identityID, "VERIFIED")
	done := identity(t, s, identityID)
	c.advance(time.Minute)
	v.post("close", nil)
	wantTold(t, v.told(), "")
	if again := identity(t, s, identityID); again["verifiedAt"] != done["verifiedAt"] || again["pgTxId"] != done["pgTxId"] {
		t.Error("closing the window verified once more")
	}
}

func TestIdentityWindowThroughKCP(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	v, _ := startWindow(t, s, "channelKey", sandbox.ChannelKeyKCP)
	v.post("choose", url.Values{"carrier": {"LGT"}, "person": {sandbox.Adult}})
	v.enter(v.sent())
	if got := identity(t, s, identityID)["verifiedCustomer"].(map[string]any)["operator"]; got != "LGU" {
		t.Errorf("operator %v, want LGU: V2 names it so", got)
	}
}

// TestIdentityWindowChangesChannel: somebody who is met elsewhere is verified
// there, and the record says so.
func TestIdentityWindowChangesChannel(t *testing.T) {
	t.Parallel()
	for person, want := range map[string]string{sandbox.NoDI: sandbox.ChannelKeyInicis, sandbox.TestChannel: sandbox.ChannelKeyInicisTest} {
		s := newSandbox(t, at(noon))
		v, _ := startWindow(t, s)
		v.choose(person)
		v.enter(v.sent())
		if got := identity(t, s, identityID)["channel"].(map[string]any)["key"]; got != want {
			t.Errorf("%s: channel %v, want %s", person, got, want)
		}
	}
}

func TestIdentityWindowFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		end    func(*visitor)
		pgCode string
	}{
		{"cancelled at the first step", func(v *visitor) { v.post("close", nil) }, "F0000"},
		{"cancelled at the second step", func(v *visitor) { v.choose(sandbox.Adult); v.post("close", nil) }, "F0000"},
		{"too young", func(v *visitor) { v.choose(sandbox.Minor); v.sees("19") }, "F0000"},
		{"three wrong codes", func(v *visitor) {
			v.choose(sandbox.Adult)
			for range 3 {
				v.enter(v.wrong())
			}
		}, "SANDBOX_WRONG_CODE"},
		{"three wrong codes, closed", func(v *visitor) {
			v.choose(sandbox.Adult)
			for range 3 {
				v.enter(v.wrong())
			}
			v.post("close", nil)
		}, "SANDBOX_WRONG_CODE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t, at(noon))
			v, _ := startWindow(t, s, "bypass", map[string]any{"danal": map[string]any{"AGELIMIT": 19, "CPTITLE": "달빛"}})
			v.sees("달빛")
			tt.end(v)
			wantTold(t, v.told(), tt.pgCode)
			record := identity(t, s, identityID)
			wantShape(t, record, identityID, "FAILED")
			if got := record["failure"].(map[string]any)["pgCode"]; got != tt.pgCode {
				t.Errorf("failure.pgCode %v", got)
			}
			again, _ := startWindow(t, s)
			again.choose(sandbox.Adult)
			again.enter(again.sent())
			wantTold(t, again.told(), "")
			wantShape(t, identity(t, s, identityID), identityID, "VERIFIED")
		})
	}
}

func TestIdentityWindowNeverFinishes(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	v, _ := startWindow(t, s)
	v.choose(sandbox.NeverFinishes)
	v.enter(v.sent())
	wantTold(t, v.told(), "")
	wantShape(t, identity(t, s, identityID), identityID, "READY")
}

// TestIdentityWindowOvertaken: of two windows for one id only the later counts.
func TestIdentityWindowOvertaken(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	first, _ := startWindow(t, s)
	first.choose(sandbox.Minor)
	second, _ := startWindow(t, s)
	first.enter(first.sent())
	wantTold(t, first.told(), "SANDBOX_STALE")
	wantShape(t, identity(t, s, identityID), identityID, "READY")
	second.choose(sandbox.Adult)
	second.enter(second.sent())
	wantTold(t, second.told(), "")
	if got := identity(t, s, identityID)["verifiedCustomer"].(map[string]any)["birthDate"]; got != "1990-05-15" {
		t.Error("the record is not the adult's")
	}
}

// TestIdentityWindowClosed: the SDK tells what the closed window cannot.
func TestIdentityWindowClosed(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	closed := func(key string) map[string]any {
		w := serve(s, request("POST", "/sandbox/identity-windows/"+key+"/close", "", "Origin", "https://shop.example", "Sec-Fetch-Site", "cross-site"))
		if w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Fatalf("status %d", w.Code)
		}
		return decode[map[string]any](t, w.Body)
	}
	v, begun := startWindow(t, s)
	v.choose(sandbox.Adult)
	wantTold(t, closed(begun.Key), "F0000")
	wantShape(t, identity(t, s, identityID), identityID, "FAILED")
	v, begun = startWindow(t, s)
	v.choose(sandbox.Adult)
	v.enter(v.sent())
	wantTold(t, closed(begun.Key), "")
	wantShape(t, identity(t, s, identityID), identityID, "VERIFIED")

	v1 := openWindow(t, s, params())
	for _, key := range []string{"none", strings.TrimPrefix(v1.path, "/sandbox/window/")} {
		if w := serve(s, request("POST", "/sandbox/identity-windows/"+key+"/close", "")); w.Code != 404 {
			t.Errorf("%s: status %d", key, w.Code)
		}
	}
	v1.look()
	if v1.done() {
		t.Error("a window of V1 was closed from outside")
	}
}

func TestIdentityWindowRedirects(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	for _, success := range []bool{false, true} {
		v, _ := startWindow(t, s, "sandboxRedirectUrl", "https://shop.example/back?x=1", "sandboxOpener", "")
		v.choose(sandbox.Adult)
		if success {
			v.enter(v.sent())
		} else {
			v.post("close", nil)
		}
		to, err := url.Parse(v.page.Header().Get("Location"))
		if err != nil || v.page.Code != http.StatusSeeOther || to.Host != "shop.example" || to.Path != "/back" {
			t.Fatalf("status %d, to %v", v.page.Code, to)
		}
		told := map[string]any{}
		for name, values := range to.Query() {
			told[name] = values[0]
		}
		if told["x"] != "1" {
			t.Error("the page's own query is lost")
		}
		delete(told, "x")
		wantTold(t, told, map[bool]string{true: "", false: "F0000"}[success])
	}
}

func TestIdentityWindowRefuses(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	verifyIdentity(t, s, sandbox.IdentityVerification{ID: "verified", Person: sandbox.Adult})
	for range 5 {
		verifyIdentity(t, s, sandbox.IdentityVerification{ID: "tired", Person: sandbox.Adult, Fail: true})
	}
	danal := func(name string, value any) map[string]any {
		return map[string]any{"danal": map[string]any{name: value}}
	}
	tests := []struct {
		name    string
		changes []any
		code    string
	}{
		{"no store", []any{"storeId", ""}, "StoreNotFound"},
		{"another store", []any{"storeId", "x"}, "StoreNotFound"},
		{"no channel", []any{"channelKey", ""}, "ChannelNotFound"},
		{"another channel", []any{"channelKey", "x"}, "ChannelNotFound"},
		{"no id", []any{"identityVerificationId", ""}, "BadRequest"},
		{"id not for KCP", []any{"identityVerificationId", "a-b", "channelKey", sandbox.ChannelKeyKCP}, "BadRequest"},
		{"id a number", []any{"identityVerificationId", 1}, "BadRequest"},
		{"verified", []any{"identityVerificationId", "verified"}, "IdentityVerificationAlreadyVerified"},
		{"tried too often", []any{"identityVerificationId", "tired"}, "BadRequest"},
		{"negative age", []any{"bypass", danal("AGELIMIT", -1)}, "BadRequest"},
		{"age out of reach", []any{"bypass", danal("AGELIMIT", 151)}, "BadRequest"},
		{"age as text", []any{"bypass", danal("AGELIMIT", "19")}, "BadRequest"},
		{"overlong title", []any{"bypass", danal("CPTITLE", strings.Repeat("a", 101))}, "BadRequest"},
		{"no opener", []any{"sandboxOpener", ""}, "BadRequest"},
		{"opener of no origin", []any{"sandboxOpener", "https://shop.example/x"}, "BadRequest"},
		{"script as redirect", []any{"sandboxRedirectUrl", "javascript:alert(1)"}, "BadRequest"},
		{"too much", []any{"customData", strings.Repeat("a", 17<<10)}, "BadRequest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := serve(s, request("POST", "/sandbox/identity-windows", startRequest(t, tt.changes...)))
			if got := decode[started](t, w.Body); w.Code != 400 || got.Code != tt.code || got.Message == "" || got.Window != "" {
				t.Errorf("status %d, %+v; want %s", w.Code, got, tt.code)
			}
		})
	}
	if w := api(s, "GET", v2Path, ""); w.Code != 404 {
		t.Error("a refusal left a record")
	}
	startWindow(t, s, "identityVerificationId", strings.Repeat("a", 255), "bypass", map[string]any{"danal": map[string]any{"AGELIMIT": 150, "CPTITLE": strings.Repeat("a", 100)}})
}

// TestIdentityWindowSiteID: KCP makes the DI of what the page says, so whoever
// changes the page gets another.
func TestIdentityWindowSiteID(t *testing.T) {
	t.Parallel()
	di := func(channelKey string, bypass map[string]any) any {
		s := newSandbox(t, at(noon))
		v, _ := startWindow(t, s, "channelKey", channelKey, "bypass", bypass)
		v.choose(sandbox.Adult)
		v.enter(v.sent())
		return identity(t, s, identityID)["verifiedCustomer"].(map[string]any)["di"]
	}
	none, mine, theirs := map[string]any{}, map[string]any{"kcpV2": map[string]any{"web_siteid": "S1"}}, map[string]any{"kcpV2": map[string]any{"web_siteid": "S2"}}
	plain := di(sandbox.ChannelKeyKCP, none)
	if first, second := di(sandbox.ChannelKeyKCP, mine), di(sandbox.ChannelKeyKCP, theirs); first == plain || first == second || first != di(sandbox.ChannelKeyKCP, mine) {
		t.Error("with KCP the DI does not follow web_siteid")
	}
	if di(sandbox.ChannelKeyDanal, mine) != plain {
		t.Error("KCP's bypass reaches danal")
	}
	w := serve(newSandbox(t, at(noon)), request("POST", "/sandbox/identity-windows", startRequest(t, "bypass", map[string]any{"kcpV2": map[string]any{"web_siteid": strings.Repeat("1", 101)}})))
	if w.Code != 400 {
		t.Errorf("an overlong web_siteid: status %d", w.Code)
	}
}
