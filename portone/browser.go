package portone

import (
	"net/url"
	"strings"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/internal/rest"
)

// Begin says how a browser opens the window: one call that returns a promise,
// with the attempt's id as identityVerificationId.
func (p *Provider) Begin(a certify.Attempt) certify.Start {
	open := certify.Call{Function: "PortOne.requestIdentityVerification", Args: []any{p.params(a)}}
	return certify.Start{Script: p.cfg.ScriptURL, IDName: "identityVerificationId", Calls: []certify.Call{open}}
}

// params holds what was configured and nothing else: the SDK is not known to
// take empty values for absent ones.
func (p *Provider) params(a certify.Attempt) map[string]any {
	params := map[string]any{
		"storeId":                p.cfg.StoreID,
		"channelKey":             p.cfg.ChannelKeys[0],
		"identityVerificationId": a.ID,
		"redirectUrl":            a.RedirectURL,
	}
	if p.cfg.WindowType != (WindowType{}) {
		params["windowType"] = p.cfg.WindowType
	}
	danal := map[string]any{}
	if p.cfg.Company != "" {
		danal["CPTITLE"] = p.cfg.Company
	}
	if p.cfg.MinAge > 0 {
		danal["AGELIMIT"] = p.cfg.MinAge
	}
	if len(danal) > 0 {
		params["bypass"] = map[string]any{"danal": danal}
	}
	return params
}

// CallbackID takes identityVerificationId from what the browser sent. Another
// attempt's is [certify.CodeAttemptMissing]. What else the browser says, such
// as code, anyone can write, and the record decides.
func (p *Provider) CallbackID(v url.Values, a certify.Attempt) (string, error) {
	ids := v["identityVerificationId"]
	switch {
	case len(ids) > 1: // two readers might take different ones
		return "", certify.CodeVerificationIDMalformed
	case len(ids) == 0 || rest.IsNothing(ids[0]):
		return "", certify.CodeVerificationIDMissing
	case !isID(ids[0]):
		return "", certify.CodeVerificationIDMalformed
	case ids[0] != a.ID:
		return "", certify.CodeAttemptMissing
	}
	return ids[0], nil
}

// isID reports whether s has the form of an attempt's id. Nothing else goes
// into a path: "." and ".." would pass through every escaping.
func isID(s string) bool {
	return len(s) == 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'f')
	})
}
