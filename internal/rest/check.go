package rest

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// CheckURL takes a plain absolute URL, https or on a loopback host. Its errors
// do not repeat the URL, whose user part may be a password.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "":
		return errors.New("is not an absolute URL")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return errors.New("must not have a user, a query or a fragment")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("must be https; http only on localhost or a loopback address")
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, _ := netip.ParseAddr(host) // a name is no address, and no loopback one
	return addr.IsLoopback()
}

// IsToken reports whether s is made of 1 to 512 visible ASCII characters: safe
// in a header, and without the line end that files and terminals add.
func IsToken(s string) bool {
	return s != "" && len(s) <= 512 && !strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' })
}

// MayBeSecret reports whether a value that pages show is, by its length or by
// itself, the API secret: the vendor's secrets have 80 characters and more.
func MayBeSecret(shown, secret string) bool { return len(shown) > 64 || shown == secret }

// IsDigits reports whether s is lo to hi ASCII digits.
func IsDigits(s string, lo, hi int) bool {
	return len(s) >= lo && len(s) <= hi && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// IsNothing knows the ways in which serializers and the vendor's wrapper SDKs
// write an absent value.
func IsNothing(s string) bool { return s == "" || s == "null" || s == "undefined" }

// Given maps the words that stand for nothing to nothing: as a CI or DI they
// would make one person of many.
func Given(s string) string {
	s = strings.TrimSpace(s)
	if IsNothing(s) {
		return ""
	}
	return s
}

// Phone returns s if it is digits only, as documented: a number in another
// form may not be the same string for the same line.
func Phone(s string) string {
	if !IsDigits(s, 1, 20) {
		return ""
	}
	return s
}

// IsVerificationTime refuses what cannot be the time of a verification: before
// 2000 nobody was verified by mobile phone, and milliseconds taken for seconds
// or a clock that is a day ahead lie in the future.
func IsVerificationTime(at, now time.Time) bool {
	const year2000 = 946684800
	return at.Unix() >= year2000 && !at.After(now.Add(24*time.Hour))
}
