package forwardauth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
	"github.com/certify-go/certify/sandbox"
)

// newTraefik starts the Traefik that CERTIFY_TRAEFIK names before a site of
// wines. It takes some minutes to build, so CI has none.
func newTraefik(t *testing.T, site http.Handler) *front {
	t.Helper()
	binary := os.Getenv("CERTIFY_TRAEFIK")
	if binary == "" {
		t.Skip("skipped, since CERTIFY_TRAEFIK names no traefik (3.5.2 or later): nobody saw it ask certify")
	}
	f := &front{t: t, clock: certifytest.NewClock(noon), store: &failingStore{Store: certify.NewMemoryStore(0, nil)}}
	f.sandbox = certifytest.NewSandbox(t, f.clock.Now)
	behind := httptest.NewServer(site)
	t.Cleanup(behind.Close)
	dir, listen := t.TempDir(), freeAddr(t)
	f.listenAt(t, listen)
	config := replaced(t, "traefik.yaml", map[string]string{
		"127.0.0.1:8081": f.certify.Listener.Addr().String(), "127.0.0.1:8082": behind.Listener.Addr().String(), "shop.example": "127.0.0.1",
	})
	path := filepath.Join(dir, "dynamic.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--entryPoints.web.address="+listen, "--providers.file.filename="+path,
		"--global.checkNewVersion=false", "--global.sendAnonymousUsage=false")
	cmd.Dir = dir                                           // it takes a traefik.yaml that lies where it runs for its static configuration
	if !start(t, cmd, dir, f.url, "404 page not found\n") { // it has no such page
		t.Fatalf("%s does not start", binary)
	}
	v := f.visitor()
	for deadline := time.Now().Add(patience); v.open("/certifications/certify.js").StatusCode != http.StatusOK; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("traefik does not read its configuration")
		}
	}
	return f
}

// TestTraefik is a visitor's way from the gated page to the wine.
func TestTraefik(t *testing.T) {
	t.Parallel()
	reached := make(chan *http.Request, 10)
	f := newTraefik(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached <- r
		_, _ = io.WriteString(w, wineList)
	}))
	v := f.visitor()
	page := "/wine/red.html?grape=%EB%A9%94%EB%A5%BC%EB%A1%9C&a=1+2"
	want(t, "a stranger", v.open(page), http.StatusUnauthorized, "<script nonce=", `data-return-to="`+strings.NewReplacer("&", "&amp;", "+", "&#43;").Replace(page)+`"`)
	want(t, "a stranger who asks the check", v.open("/certifications/check?policy=wine"), http.StatusNotFound)
	minor := f.visitor()
	minor.verify(sandbox.Minor, page)
	want(t, "a minor", minor.open(page), http.StatusForbidden, `"code":"underage"`)
	if len(reached) != 0 {
		t.Error("who was refused reached the site")
	}
	admitted := v.open(v.verify(sandbox.Adult, page))
	want(t, "back again", admitted, http.StatusOK, wineList)
	if cc := admitted.Header.Get("Cache-Control"); cc != "private, no-cache" || admitted.Header.Get("Vary") != "Cookie" {
		t.Errorf("Cache-Control %q, Vary %q", cc, admitted.Header.Get("Vary"))
	}
	if r := <-reached; r.RequestURI != page || r.Header.Get("Cookie") != "" || strings.Contains(fmt.Sprint(r.Header), "eyJ") {
		t.Errorf("the site got %s with %v", r.RequestURI, r.Header)
	}
	f.certify.Close()
	if a := v.open(page); a.StatusCode < 500 {
		t.Errorf("without certify: status %d", a.StatusCode)
	}
}
