package sandbox

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parseWindow reads what the SDK puts into the window's URL.
func parseWindow(q url.Values, code string) (window, error) {
	w := window{step: choosing, company: q.Get("company"), redirect: q.Get("m_redirect_url"), opener: q.Get("opener")}
	w.merchantUID, w.origin, w.carrier = q.Get("merchant_uid"), q.Get("origin"), q.Get("carrier")
	w.person = suggestPerson(q.Get("name"), q.Get("phone"))
	if err := checkAccount(q, code); err != nil {
		return window{}, err
	}
	var err error
	if w.minAge, err = parseMinAge(q.Get("min_age")); err != nil {
		return window{}, err
	}
	if w.provider, err = parsePG(q.Get("pg"), q.Get("channelKey")); err != nil {
		return window{}, err
	}
	return w, w.check()
}

func (w window) check() error {
	if err := checkMerchantUID(w.merchantUID); err != nil {
		return err
	}
	if w.carrier != "" && !slices.Contains(carriers(), w.carrier) {
		return badParam("carrier", "use SKT, KTF, LGT or MVNO (the REST API's KT is KTF here)")
	}
	if len(w.company) > 100 || !utf8.ValidString(w.company) {
		return badParam("company", "use UTF-8 text of at most 100 bytes")
	}
	if len(w.origin) > maxOrigin || !utf8.ValidString(w.origin) {
		return badParam("origin", "use UTF-8 text of at most "+strconv.Itoa(maxOrigin)+" bytes")
	}
	if w.redirect != "" && !webURL(w.redirect) {
		return badParam("m_redirect_url", "use an absolute http or https URL of at most 2000 bytes")
	}
	if !isOpener(w.opener) && (w.opener != "" || w.redirect == "") {
		return badParam("opener", "open the window with IMP.certification")
	}
	return nil
}

func checkAccount(q url.Values, code string) error {
	if q.Get("code") != code {
		return badParam("code", fmt.Sprintf("this sandbox's merchant code is %q: call IMP.init(%q)", code, code))
	}
	if tier := q.Get("tier"); tier != "" && !regexp.MustCompile(`^[A-Za-z0-9]{3}$`).MatchString(tier) {
		return badParam("tier", "IMP.agency takes a tier of three letters or digits")
	}
	return nil
}

func parseMinAge(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	age, err := strconv.Atoi(s)
	if err != nil || age < 0 || age > 150 {
		return 0, badParam("min_age", "use a whole number of years from 0 to 150")
	}
	return age, nil
}

// parsePG reads `pg`, "danal" or "danal.{CPID}", and without it the channelKey.
// Which gateway that stands for the sandbox knows of its own keys; the rest it
// takes for danal's.
func parsePG(s, channelKey string) (string, error) {
	if c, ok := channelByKey(channelKey); ok && s == "" {
		return c.provider, nil
	}
	if s == "" {
		return Danal, nil
	}
	provider, _, _ := strings.Cut(s, ".")
	if !slices.Contains([]string{Danal, InicisUnified, KCP}, provider) {
		return "", badParam("pg", "use danal, inicis_unified or kcp_v2, with or without .{merchant id}")
	}
	return provider, nil
}

// suggestPerson: the page may pass the visitor's name and phone along, which
// preselects the person they belong to.
func suggestPerson(name, phone string) string {
	digits := strings.NewReplacer("-", "", " ", "").Replace(phone)
	for _, p := range People() {
		if p.name == name || p.phone == digits {
			return p.ID
		}
	}
	return ""
}

func badParam(name, advice string) error {
	return &inputError{code: "bad_" + name, message: name + " is not usable: " + advice}
}

func webURL(s string) bool { return len(s) <= 2000 && webOrigin(s) != "" }

// isOpener: an origin exactly, or "null", which is what a page without one has.
func isOpener(s string) bool { return s == "null" || (s != "" && webOrigin(s) == s) }

// webOrigin answers the origin of an http or https URL, or "" for anything
// else, among them javascript: URLs, URLs with a user name, and hosts with
// characters that mean something in a Content-Security-Policy.
func webOrigin(s string) string {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil {
		return ""
	}
	if !regexp.MustCompile(`^[A-Za-z0-9._:\[\]-]+$`).MatchString(u.Host) {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
