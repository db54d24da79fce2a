package certify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// The script that opens the provider's window from a button of the app's own,
// and its types for TypeScript. The start page runs the same script.
var (
	scriptFile = newFile("pages/certify.js", "text/javascript; charset=utf-8")
	typesFile  = newFile("pages/certify.d.ts", "text/plain; charset=utf-8")
)

// A file is the same for everybody, until the next version of this package.
type file struct {
	body []byte
	kind string // as Content-Type
	etag string
}

func newFile(name, kind string) file {
	body := []byte(mustRead(name))
	if strings.HasSuffix(name, ".js") {
		body = []byte(mustReadScript(name))
	}
	sum := sha256.Sum256(body)
	return file{body, kind, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
}

// mustReadScript returns a script without comments and indentation: they are
// for readers of the source, and a third of what a visitor would wait for. No
// string in the scripts holds " // ", which begins a comment behind code.
func mustReadScript(name string) string {
	var b strings.Builder
	for line := range strings.Lines(mustRead(name)) {
		code, _, _ := strings.Cut(strings.TrimSpace(line), " // ")
		if code != "" && !strings.HasPrefix(code, "//") {
			b.WriteString(code + "\n")
		}
	}
	return b.String()
}

// serve lets pages of other origins have it, such as those of a single-page
// app on another host of the site: it is no secret, and knows nobody. "same-site"
// would not do, as browsers take no two ports of an IP address for one site.
func (f file) serve(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
	return nil
}
