package portone

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/certify-go/certify/internal/rest"
)

// validate names the first field of c that cannot be used, and never repeats
// the secret.
func (c Config) validate() error {
	for _, check := range []func(Config) error{Config.checkKeys, Config.checkBrowser, Config.checkURLs} {
		if err := check(c); err != nil {
			return fmt.Errorf("portone: Config.%w", err)
		}
	}
	if c.Timeout != 0 && (c.Timeout < minTimeout || c.Timeout > maxTimeout) {
		return fmt.Errorf("portone: Config.Timeout must be 0 (the default, %v), or between %v and %v", defaultTimeout, minTimeout, maxTimeout)
	}
	return nil
}

func (c Config) checkKeys() error {
	const garbled = "holds white space or characters other than printable ASCII: was it copied with a line end?"
	for _, f := range []struct{ name, value string }{{"StoreID", c.StoreID}, {"Secret", c.Secret}} {
		switch {
		case f.value == "":
			return fmt.Errorf("%s is empty: it is in PortOne's console, under 연동 정보 and V2 API", f.name)
		case !rest.IsToken(f.value):
			return fmt.Errorf("%s %s", f.name, garbled)
		case f.name == "StoreID" && rest.MayBeSecret(f.value, c.Secret):
			return errors.New("StoreID looks like the secret, and pages show it to everybody: are the two swapped? The id is store- and more")
		}
	}
	if len(c.ChannelKeys) == 0 {
		return errors.New("ChannelKeys is empty: name the channels whose verifications count, the one to open first")
	}
	for _, key := range c.ChannelKeys {
		if !rest.IsToken(key) {
			return fmt.Errorf("ChannelKeys holds an empty key, or one that %s", garbled)
		}
		if rest.MayBeSecret(key, c.Secret) {
			return errors.New("ChannelKeys holds what looks like the secret, and pages show it to everybody: a key is channel-key- and more")
		}
	}
	return nil
}

func (c Config) checkBrowser() error {
	for _, w := range []struct{ field, value string }{{"PC", c.WindowType.PC}, {"Mobile", c.WindowType.Mobile}} {
		switch w.value {
		case "", "IFRAME", "POPUP", "REDIRECTION", "UI":
		default:
			return fmt.Errorf("WindowType.%s is %q; known are IFRAME, POPUP, REDIRECTION and UI", w.field, w.value)
		}
	}
	switch {
	case strings.ContainsFunc(c.Company, unicode.IsControl):
		return errors.New("Company holds control characters")
	case c.MinAge < 0 || c.MinAge > 130:
		return errors.New("MinAge must be a full age between 0 (none) and 130 years")
	}
	return nil
}

func (c Config) checkURLs() error {
	if c.ScriptURL != "" {
		if err := rest.CheckURL(c.ScriptURL); err != nil {
			return fmt.Errorf("ScriptURL %w", err)
		}
	}
	if c.BaseURL != "" && c.BaseURL != vendorAPI {
		return errors.New("BaseURL is not the vendor's, " + vendorAPI + "; for a sandbox use InsecureBaseURL")
	}
	if c.InsecureBaseURL == "" {
		return nil
	}
	if c.BaseURL != "" {
		return errors.New("InsecureBaseURL and BaseURL exclude each other")
	}
	if err := rest.CheckURL(c.InsecureBaseURL); err != nil {
		return fmt.Errorf("InsecureBaseURL %w", err)
	}
	return nil
}
