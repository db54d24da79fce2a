package certify_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/certify-go/certify"
)

func TestEveryCodeHasItsSentences(t *testing.T) {
	t.Parallel()
	var code certify.Code
	b := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
		says := certify.PolicyFunc(func(time.Time, *certify.Claim) error { return &certify.Denial{Code: code} })
		mux.Handle("/says", certify.Require(says)(http.NotFoundHandler()))
	}}).browser()
	b.pass()
	page, err := os.ReadFile("docs/problems.md") // which has a heading for every Code: see internal/repotest
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range matches(`(?m)^### (.+)$`, string(page)) {
		t.Run(value, func(t *testing.T) {
			code = certify.Code(value)
			ko, en := b.get("/says", "Accept-Language", "ko").json(t), b.get("/says", "Accept-Language", "en").json(t)
			if ko["code"] != value || !strings.HasSuffix(ko["type"].(string), "/docs/problems.md#"+value) {
				t.Fatalf("code %v of type %v: it has no text", ko["code"], ko["type"])
			}
			if title := ko["title"].(string); title == "" || hangul(title) > 0 || strings.HasSuffix(title, ".") {
				t.Errorf("title %q", title)
			}
			if s := ko["detail"].(string); !strings.HasSuffix(s, "다.") && !strings.HasSuffix(s, "요.") || hangul(s) < 5 || latin(s) > 0 {
				t.Errorf("no polite Korean sentence: %q", s)
			}
			if s := en["detail"].(string); !strings.HasSuffix(s, ".") || hangul(s) > 0 || latin(s) < 10 {
				t.Errorf("no English sentence: %q", s)
			}
		})
	}
}

func hangul(s string) int { return count(s, unicode.Hangul) }
func latin(s string) int  { return count(s, unicode.Latin) }

func count(s string, script *unicode.RangeTable) (n int) {
	for _, r := range s {
		if unicode.Is(script, r) {
			n++
		}
	}
	return n
}
