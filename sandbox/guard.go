package sandbox

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// checkLoopback keeps everybody else away from a server that calls anybody
// certified. The Host check is against DNS rebinding: a web site whose name
// suddenly resolves to 127.0.0.1.
func checkLoopback(r *http.Request) error {
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !peer.Addr().Unmap().IsLoopback() {
		return &inputError{code: "not_loopback",
			message: "the sandbox answers requests from this machine only (a loopback address)"}
	}
	if !loopbackHost(r.Host) {
		return &inputError{code: "not_loopback",
			message: "the sandbox answers only as localhost, 127.0.0.1 or [::1]; use one of these as the host name"}
	}
	if proxied(r) {
		return &inputError{code: "not_loopback",
			message: "the sandbox answers nobody through a proxy or a tunnel, which could let anybody in; ask it at its own address"}
	}
	return nil
}

// proxied tells what a proxy on this machine sent on: it comes from loopback,
// and as for loopback, whoever asked. A proxy that says nothing of itself
// cannot be told, but for what browsers say through it.
func proxied(r *http.Request) bool {
	for name := range r.Header {
		switch {
		case name == "Forwarded", name == "Via", name == "X-Real-Ip",
			strings.HasPrefix(name, "X-Forwarded-"), strings.HasPrefix(name, "Cf-"):
			return true
		}
	}
	if !r.ProtoAtLeast(1, 1) { // nginx before 1.29.7 adds no header, but asks in HTTP/1.0
		return true
	}
	return ownPageElsewhere(r)
}

// ownPageElsewhere reports whether a browser names a page of the sandbox's own
// at another host than this machine.
func ownPageElsewhere(r *http.Request) bool {
	origin, err := url.Parse(r.Header.Get("Origin"))
	return r.Header.Get("Sec-Fetch-Site") == "same-origin" && err == nil && origin.Host != "" && !loopbackHost(origin.Host)
}

func loopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}
