package sandbox

import (
	"net"
	"net/http"
	"net/netip"
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
	return nil
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
