package iamport

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/certify-go/certify/internal/rest"
)

// validate names the first field of c that cannot be used, and never repeats
// a credential.
func (c Config) validate() error {
	checks := []func(Config) error{
		Config.checkCredentials, Config.checkPGProviders, Config.checkBrowser, Config.checkURLs,
	}
	for _, check := range checks {
		if err := check(c); err != nil {
			return fmt.Errorf("iamport: Config.%w", err)
		}
	}
	if c.Timeout != 0 && (c.Timeout < minTimeout || c.Timeout > maxTimeout) {
		return fmt.Errorf("iamport: Config.Timeout must be 0 (the default, %v), or between %v and %v", defaultTimeout, minTimeout, maxTimeout)
	}
	return nil
}

func (c Config) checkCredentials() error {
	for _, f := range []struct{ name, value string }{{"Code", c.Code}, {"Key", c.Key}, {"Secret", c.Secret}} {
		switch {
		case f.value == "":
			return fmt.Errorf("%s is empty: it is in PortOne's console, under V1 API keys", f.name)
		case !rest.IsToken(f.value):
			return fmt.Errorf("%s holds white space or characters other than printable ASCII: was it copied with a line end?", f.name)
		case f.name == "Code" && rest.MayBeSecret(f.value, c.Secret):
			return errors.New("Code looks like the secret, and pages show it to everybody: are the two swapped? The code (가맹점 식별코드) is imp and digits")
		case isDemo(f.name, f.value):
			return fmt.Errorf("%s is the public demo value of the vendor's documentation: anyone can verify under it; use your own", f.name)
		}
	}
	if c.Tier != "" && (len(c.Tier) != 3 || !isAlphanumeric(c.Tier)) {
		return errors.New("Tier must be three letters or digits")
	}
	return nil
}

// isDemo knows the credentials that every page of the vendor's documentation
// shows, and that its Node client used when given none.
func isDemo(field, value string) bool {
	switch field {
	case "Code":
		return value == "imp10391932" || value == "iamport"
	case "Key":
		return value == "imp_apikey"
	default:
		return strings.HasPrefix(value, "ekKoeW8R")
	}
}

// checkPGProviders refuses names it does not know: whether the test channels
// of another PG can be told apart has to be found out first.
func (c Config) checkPGProviders() error {
	if len(c.PGProviders) == 0 {
		return errors.New(`PGProviders is empty: name the PGs you have a contract with, such as "danal"`)
	}
	for _, pg := range c.PGProviders {
		switch pg {
		case pgDanal, pgInicisUnified, pgInicis:
		case pgKCP:
			if !c.KCPWithoutTestChannel && !c.InsecureAllowTestChannel {
				return errors.New("PGProviders holds kcp_v2, whose test records look like live ones: " +
					"delete every kcp_v2 test channel in the console, then set KCPWithoutTestChannel")
			}
		default:
			return fmt.Errorf("PGProviders holds %q; known are danal, inicis_unified, inicis and kcp_v2", pg)
		}
	}
	return nil
}

func (c Config) checkBrowser() error {
	pg, _, _ := strings.Cut(c.PG, ".")
	switch {
	case c.PG != "" && c.ChannelKey != "":
		return errors.New("PG and ChannelKey exclude each other: set ChannelKey")
	case c.PG != "" && !rest.IsToken(c.PG):
		return errors.New("PG must be a PG's name, or that, a dot and the merchant id: danal.A010000000")
	case c.PG != "" && !slices.Contains(c.PGProviders, pg):
		return fmt.Errorf("PG names %q, which PGProviders does not allow", pg)
	case strings.Contains(c.PG, inicisTestMID) && !c.InsecureAllowTestChannel:
		return errors.New("PG names KG Inicis's public test merchant, whose verifications are refused")
	case c.ChannelKey != "" && !rest.IsToken(c.ChannelKey):
		return errors.New("ChannelKey holds white space or characters other than printable ASCII")
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
	if c.BaseURL != "" && c.BaseURL != vendorAPI && c.BaseURL != vendorStaticAPI {
		return errors.New("BaseURL is not one of the vendor's, " + vendorAPI + " and " + vendorStaticAPI +
			"; for a sandbox use InsecureBaseURL")
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

func isAlphanumeric(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isLetter(r) && (r < '0' || r > '9') })
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
