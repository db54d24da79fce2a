package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
	"github.com/certify-go/certify/portone"
	"github.com/certify-go/certify/sandbox"
)

const (
	company = "Moonlight Wine" // as the PG's window calls the shop

	v1 = "iamport"
	v2 = "portone"
)

// variablesOf are what the real service of a provider needs; nil if the shop
// does not know it.
func variablesOf(provider string) []string {
	switch provider {
	case v1:
		return []string{"IMP_CODE", "IMP_KEY", "IMP_SECRET", "IMP_PG"}
	case v2:
		return []string{"PORTONE_STORE_ID", "PORTONE_API_SECRET", "PORTONE_CHANNEL_KEYS"}
	}
	return nil
}

// splitList reads what is separated by commas.
func splitList(list string) (items []string) {
	for item := range strings.SplitSeq(list, ",") {
		items = append(items, strings.TrimSpace(item))
	}
	return items
}

// parseProviders reads -provider.
func parseProviders(list string) ([]string, error) {
	names := splitList(list)
	for i, name := range names {
		switch {
		case variablesOf(name) == nil:
			return nil, fmt.Errorf("-provider %q is not known: use %s (V1), %s (V2), or both, such as %[3]s,%[2]s: new verifications begin with the first", name, v1, v2)
		case slices.Contains(names[:i], name):
			return nil, fmt.Errorf("-provider names %s twice", name)
		}
	}
	return names, nil
}

// missingVariables is the error for a set that is not whole: some variables
// are set, and those that the providers need are not.
func missingVariables(set, missing, providers []string) error {
	other := v1
	if slices.Contains(providers, v1) {
		other = v2
	}
	hint := ""
	if !slices.Contains(providers, other) && contains(set, variablesOf(other)) {
		hint = fmt.Sprintf("; for those that are set use -provider %s", other)
	}
	return fmt.Errorf("%s set, but not %s: -provider %s needs them for the real service, and the sandbox wants none set%s",
		strings.Join(set, ", "), strings.Join(missing, ", "), strings.Join(providers, ","), hint)
}

func contains(set, all []string) bool {
	return !slices.ContainsFunc(all, func(name string) bool { return !slices.Contains(set, name) })
}

// sandboxCredentials are those of every sandbox.
func sandboxCredentials(url string) *credentials {
	return &credentials{
		sandboxURL: url,
		code:       sandbox.DefaultCode, key: sandbox.DefaultKey, secret: sandbox.DefaultSecret,
		pgs:     []string{sandbox.Danal, sandbox.InicisUnified},
		storeID: sandbox.DefaultStoreID, apiSecret: sandbox.DefaultAPISecret,
		channelKeys: []string{sandbox.ChannelKeyDanal, sandbox.ChannelKeyInicis},
	}
}

// furnish gives the shop its providers: new verifications begin with the
// first, and the others finish those that were begun with them.
func (c *credentials) furnish(shop *shopConfig, names []string, now func() time.Time) error {
	shop.provider, shop.others = nil, nil
	for _, name := range names {
		p, err := c.provider(name, now)
		switch {
		case err != nil:
			return err
		case shop.provider == nil:
			shop.provider = p
		default:
			shop.others = append(shop.others, p)
		}
	}
	return nil
}

func (c *credentials) provider(name string, now func() time.Time) (certify.Provider, error) {
	if name == v2 {
		return c.portone(now)
	}
	return c.iamport(now)
}

func (c *credentials) iamport(now func() time.Time) (certify.Provider, error) {
	cfg := iamport.Config{
		Code: c.code, Key: c.key, Secret: c.secret, PGProviders: c.pgs, ChannelKey: c.channelKey, Company: company, Now: now,
	}
	if c.sandboxURL != "" {
		cfg.InsecureBaseURL, cfg.ScriptURL = c.sandboxURL, c.sandboxURL+"/v1/iamport.js"
	}
	return iamport.New(cfg)
}

func (c *credentials) portone(now func() time.Time) (certify.Provider, error) {
	cfg := portone.Config{StoreID: c.storeID, Secret: c.apiSecret, ChannelKeys: c.channelKeys, Company: company, Now: now}
	if c.sandboxURL != "" {
		cfg.InsecureBaseURL, cfg.ScriptURL = c.sandboxURL, c.sandboxURL+"/v2/browser-sdk.js"
	}
	return portone.New(cfg)
}
