package certify_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// TestRetryAfterOfTheProvider: a visitor learns when the provider may answer,
// in whole seconds that are rounded up, and on 503 alone.
func TestRetryAfterOfTheProvider(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code  certify.Code
		after time.Duration
		want  string
	}{
		{certify.CodeProviderUnavailable, 30 * time.Second, "30"},
		{certify.CodeProviderUnavailable, 29*time.Second + 1, "30"},
		{certify.CodeProviderUnavailable, time.Millisecond, "1"},
		{certify.CodeProviderUnavailable, 0, "5"},
		{certify.CodeProviderUnavailable, -time.Second, "5"},
		{certify.CodeProviderUnavailable, 1<<63 - 1, "3600"},
		{certify.CodeProviderMisconfigured, 30 * time.Second, "30"},
		{certify.CodeProviderInvalid, 30 * time.Second, ""},
	} {
		t.Run(fmt.Sprint(tt.code, tt.after), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, siteConfig{})
			s.provider.fail = func(string) error { return &certify.ProviderError{Code: tt.code, RetryAfter: tt.after} }
			b := s.browser()
			b.begin("/")
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.Header.Get("Retry-After") != tt.want {
				t.Errorf("HTTP %d, Retry-After %q; want %q", a.StatusCode, a.Header.Get("Retry-After"), tt.want)
			}
			if a := b.get("/certifications/redirect?imp_uid=imp_1", navigation...); a.Header.Get("Retry-After") != tt.want {
				t.Errorf("the page: HTTP %d, Retry-After %q; want %q", a.StatusCode, a.Header.Get("Retry-After"), tt.want)
			}
		})
	}
}
