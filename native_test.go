package certify_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

func nativeSite(t *testing.T) *site {
	return newSite(t, siteConfig{
		sessions: func(c *certify.SessionConfig) { c.Bearer = true },
		handler:  func(c *certify.HandlerConfig) { c.NativeApps = true },
	})
}

// app is a client without cookies. Its answers may hold tokens.
func (s *site) app(t *testing.T, path string, body map[string]string, header ...string) (int, map[string]any, http.Header) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return s.rawPost(t, path, string(raw), header...)
}

func TestNativeApps(t *testing.T) {
	t.Parallel()
	s := nativeSite(t)
	status, begun, _ := s.app(t, "/certifications/native/attempts", nil)
	uid, _ := begun["merchant_uid"].(string)
	attempt, _ := begun["attempt"].(string)
	if status != http.StatusCreated || uid == "" || attempt == "" {
		t.Fatalf("status %d: %v", status, begun)
	}
	s.provider.verify("imp_1", uid)
	proof := map[string]string{"imp_uid": "imp_1", "attempt": attempt}
	status, done, header := s.app(t, "/certifications/native/confirm", proof)
	token, _ := done["token"].(string)
	if status != http.StatusOK || token == "" || header.Get("Set-Cookie") != "" {
		t.Fatalf("status %d: %v, header %v", status, done, header)
	}
	b := s.browser()
	if a := b.get("/cellar", "Authorization", "Bearer "+token); a.StatusCode != http.StatusOK {
		t.Errorf("the gate: status %d: %s", a.StatusCode, a.body)
	}
	if status, again, _ := s.app(t, "/certifications/native/confirm", proof); status != http.StatusOK || again["token"] != token {
		t.Errorf("again: status %d, the same token: %v", status, again["token"] == token)
	}
	if a := b.post("/certifications/logout", "", "Authorization", "Bearer "+token); a.StatusCode != http.StatusNoContent {
		t.Errorf("logout: status %d: %s", a.StatusCode, a.body)
	}
	if status, again, _ := s.app(t, "/certifications/native/confirm", proof); status != http.StatusUnauthorized || again["code"] != "claim_revoked" {
		t.Errorf("after the logout: status %d: %v", status, again)
	}
}

func TestNativeStepUpReplacesTheClaim(t *testing.T) {
	t.Parallel()
	s := nativeSite(t)
	verify := func(id string, header ...string) string {
		_, begun, _ := s.app(t, "/certifications/native/attempts", nil)
		s.provider.verify(id, begun["merchant_uid"].(string))
		_, done, _ := s.app(t, "/certifications/native/confirm", map[string]string{"imp_uid": id, "attempt": begun["attempt"].(string)}, header...)
		return done["token"].(string)
	}
	old := verify("imp_1")
	s.wait(time.Minute)
	verify("imp_2", "Authorization", "Bearer "+old)
	if a := s.browser().get("/cellar", "Authorization", "Bearer "+old); a.code() != "claim_revoked" {
		t.Errorf("the old claim: status %d: %s", a.StatusCode, a.body)
	}
}

// The two modes do not mix: an attempt says which one it is for.
func TestNativeRefusals(t *testing.T) {
	t.Parallel()
	s := nativeSite(t)
	b := s.browser()
	browsers := b.begin("/")
	_, begun, _ := s.app(t, "/certifications/native/attempts", nil)
	apps, token := begun["merchant_uid"].(string), begun["attempt"].(string)
	s.provider.verify("imp_1", browsers)
	s.provider.verify("imp_2", apps)

	t.Run("an app's attempt as a browser's cookie", func(t *testing.T) {
		a := s.browser().post("/certifications", `{"imp_uid":"imp_2"}`, "Cookie", "certify-attempt-"+apps+"="+token)
		if a.code() != "attempt_missing" {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
	t.Run("a browser's attempt in an app", func(t *testing.T) {
		status, doc, _ := s.app(t, "/certifications/native/confirm", map[string]string{"imp_uid": "imp_1", "attempt": b.cookie("certify-attempt-" + browsers)})
		if status != http.StatusForbidden || doc["code"] != "attempt_missing" {
			t.Errorf("status %d: %v", status, doc)
		}
	})
	for _, header := range [][]string{{"Origin", s.URL}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Mode", "cors"}} {
		t.Run("sent with "+header[0], func(t *testing.T) {
			for _, path := range []string{"/certifications/native/attempts", "/certifications/native/confirm"} {
				status, doc, _ := s.app(t, path, map[string]string{"imp_uid": "imp_2", "attempt": token}, header...)
				if status != http.StatusForbidden || doc["code"] != "browser_refused" {
					t.Errorf("%s: status %d: %v", path, status, doc)
				}
			}
		})
	}
	t.Run("with cookies alone", func(t *testing.T) {
		status, doc, _ := s.app(t, "/certifications/native/confirm", map[string]string{"imp_uid": "imp_1"}, "Cookie", b.attemptCookies())
		if status != http.StatusForbidden || doc["code"] != "attempt_missing" {
			t.Errorf("status %d: %v", status, doc)
		}
	})
	t.Run("expired", func(t *testing.T) {
		s.wait(90 * time.Minute)
		status, doc, _ := s.app(t, "/certifications/native/confirm", map[string]string{"imp_uid": "imp_2", "attempt": token})
		if status != http.StatusForbidden || doc["code"] != "attempt_expired" {
			t.Errorf("status %d: %v", status, doc)
		}
	})
	t.Run("off by default", func(t *testing.T) {
		if a := newSite(t, siteConfig{}).browser().post("/certifications/native/attempts", ""); a.StatusCode != http.StatusNotFound {
			t.Errorf("status %d", a.StatusCode)
		}
	})
}

// A form of the app's own asks before it pays for a message.
func TestHandlerAttempt(t *testing.T) {
	t.Parallel()
	var handler *certify.Handler
	s := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
		mux.HandleFunc("/send", func(w http.ResponseWriter, r *http.Request) {
			a, err := handler.Attempt(r, r.URL.Query().Get("attempt"))
			if err != nil {
				http.Error(w, err.Error(), http.StatusForbidden)
				return
			}
			_, _ = w.Write([]byte(a.ID))
		})
	}})
	var err error
	if handler, err = certify.NewHandler(certify.HandlerConfig{Sessions: s.sessions, Provider: s.provider, Pepper: testPepper}); err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	id := b.begin("/")
	if a := b.get("/send?attempt=" + id); a.StatusCode != 200 || a.body != id {
		t.Errorf("its own: status %d: %s", a.StatusCode, a.body)
	}
	if a := s.browser().get("/send?attempt=" + id); a.StatusCode != 403 || !strings.Contains(a.body, "attempt_missing") {
		t.Errorf("another browser's: status %d: %s", a.StatusCode, a.body)
	}
	s.wait(30*time.Minute + time.Second) // who verifies now could not redeem it
	if a := b.get("/send?attempt=" + id); a.StatusCode != 403 || !strings.Contains(a.body, "attempt_expired") {
		t.Errorf("expired: status %d: %s", a.StatusCode, a.body)
	}
	used := b.begin("/")
	s.provider.verify("imp_1", used)
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	if a := b.get("/send?attempt=" + used); a.StatusCode != 403 || !strings.Contains(a.body, "attempt_used") {
		t.Errorf("used: status %d: %s", a.StatusCode, a.body)
	}
}
