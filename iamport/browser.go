package iamport

import (
	"net/url"
	"strings"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/internal/rest"
)

// Begin says how a browser opens the window: IMP.init, or IMP.agency with a
// Tier, then IMP.certification with the attempt's id as merchant_uid.
func (p *Provider) Begin(a certify.Attempt) certify.Start {
	start := certify.Call{Function: "IMP.init", Args: []any{p.cfg.Code}}
	if p.cfg.Tier != "" {
		start = certify.Call{Function: "IMP.agency", Args: []any{p.cfg.Code, p.cfg.Tier}}
	}
	open := certify.Call{Function: "IMP.certification", Args: []any{p.params(a)}, Callback: true}
	return certify.Start{Script: p.cfg.ScriptURL, IDName: "merchant_uid", Calls: []certify.Call{start, open}}
}

// params holds what was configured and nothing else: the SDK is not known to
// take empty values for absent ones.
func (p *Provider) params(a certify.Attempt) map[string]any {
	params := map[string]any{"merchant_uid": a.ID}
	for name, value := range map[string]string{
		"m_redirect_url": a.RedirectURL,
		"channelKey":     p.cfg.ChannelKey,
		"pg":             p.cfg.PG,
		"company":        p.cfg.Company,
	} {
		if value != "" {
			params[name] = value
		}
	}
	if p.cfg.MinAge > 0 {
		params["min_age"] = p.cfg.MinAge
	}
	if p.cfg.Popup {
		params["popup"] = true
	}
	return params
}

// CallbackID takes imp_uid from what the browser sent. It may come without
// merchant_uid (React Native leaves it out), but not with another attempt's:
// that is [certify.CodeAttemptMissing]. The record decides in the end.
func (p *Provider) CallbackID(v url.Values, a certify.Attempt) (string, error) {
	ids := v["imp_uid"]
	if len(ids) > 1 { // two readers might take different ones
		return "", certify.CodeVerificationIDMalformed
	}
	if len(ids) == 0 || rest.IsNothing(ids[0]) {
		return "", certify.CodeVerificationIDMissing
	}
	if !isIMPUID(ids[0]) {
		return "", certify.CodeVerificationIDMalformed
	}
	for _, named := range v["merchant_uid"] {
		if !rest.IsNothing(named) && named != a.ID {
			return "", certify.CodeAttemptMissing
		}
	}
	return ids[0], nil
}

// isIMPUID reports whether s may be an imp_uid. All known ones are "imp_" and
// twelve digits, but the vendor specifies no form; so the letters and the
// length are free within bounds, and the alphabet has no character that means
// something in a URL.
func isIMPUID(s string) bool {
	if len(s) > 64 {
		return false
	}
	prefix, rest, ok := strings.Cut(s, "_")
	return ok && prefix != "" && !strings.ContainsFunc(prefix, func(r rune) bool { return !isLetter(r) }) && isAlphanumeric(rest)
}
