package sandbox

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The carriers by the names the browser SDK uses. They are not those of the
// REST API, where KTF is KT.
const (
	carrierSKT  = "SKT"
	carrierKT   = "KTF"
	carrierLGT  = "LGT"
	carrierMVNO = "MVNO"
)

func carriers() []string { return []string{carrierSKT, carrierKT, carrierLGT, carrierMVNO} }

type step string

const (
	choosing  step = "choose" // carrier and person
	typing    step = "code"   // the six digits of the message
	failed    step = "failed" // cannot succeed any more; the visitor has to close it
	cancelled step = "cancelled"
	succeeded step = "done"
)

const maxWrongCodes = 3

// window is one verification window. Its methods answer the next state; they
// change nothing and do no I/O.
type window struct {
	attempt
	identity *identityVerification // of PortOne V2; nil in a window of V1

	minAge   int    // 만 나이; 0 means none
	company  string // shown as the one who asks
	redirect string // m_redirect_url; "" means the window tells its opener
	opener   string // origin of the page that opened the window, or "null"

	step    step
	person  string // id, chosen or suggested
	code    string // the six digits sent
	resends int
	wrong   int
	notice  string // key of a text: what went wrong at the last step
}

// choose takes the first step: the carrier and the person.
func (w window) choose(carrier, personID, code string, today date) window {
	if w.step != choosing {
		return w
	}
	person, err := findPerson(personID)
	if err != nil || !slices.Contains(carriers(), carrier) {
		w.notice = "choose_both"
		return w
	}
	w.carrier, w.person, w.notice = carrier, personID, ""
	w.provider = person.nearest(w.provider)
	// min_age is an option of danal's alone, and set by the page: no control.
	if w.provider == Danal && person.birth(today).fullAge(today) < w.minAge {
		w.step, w.notice = failed, "too_young"
		return w
	}
	w.step, w.code = typing, code
	return w
}

// back returns to the first step; the wrong codes stay counted.
func (w window) back() window {
	if w.step == typing {
		w.step, w.code, w.notice = choosing, "", ""
	}
	return w
}

func (w window) resend(code string) window {
	if w.step == typing {
		w.code, w.notice = code, "sent_again"
		w.resends++
	}
	return w
}

// enter takes the second step: the code.
func (w window) enter(typed string) window {
	if w.step != typing {
		return w
	}
	typed = strings.Join(strings.Fields(typed), "")
	switch {
	case !regexp.MustCompile(`^[0-9]{6}$`).MatchString(typed):
		w.notice = "six_digits"
	case typed == w.code:
		w.step, w.notice = succeeded, ""
	default:
		w.wrong++
		w.notice = "wrong_code"
		if w.wrong >= maxWrongCodes {
			w.step, w.notice = failed, "too_many"
		}
	}
	return w
}

func (w window) close() window {
	switch {
	case w.step == succeeded || w.step == cancelled:
	case w.step == failed:
		// Closing a failure reports the failure; see result.
		w.step = cancelled
	default:
		w.step, w.notice = cancelled, ""
	}
	return w
}

func (w window) left() int { return maxWrongCodes - w.wrong }

// result is what the page is told if the window ends in this state. Too young
// for min_age reads like a cancel: with danal it cannot be told apart.
func (w window) result() Result {
	switch {
	case w.step == succeeded:
		return w.attempt.result()
	case w.notice == "too_many":
		return w.failure("SANDBOX_WRONG_CODE", "인증번호를 여러 번 잘못 입력하였습니다.")
	}
	return w.failure("F0000", "사용자가 본인인증을 취소하였습니다.")
}

func (a attempt) failure(code, message string) Result {
	return Result{ImpUID: a.impUID, MerchantUID: a.merchantUID, ErrorCode: &code, ErrorMsg: &message}
}

// ended tells whether the window has nothing more to show than a farewell.
func (w window) ended() bool { return w.step == succeeded || w.step == cancelled }

// An outcome is what a page is told, as JSON or as the query of a redirect.
type outcome interface{ query() url.Values }

// outcome is result in the terms of the API that opened the window.
func (w window) outcome() outcome {
	switch {
	case w.identity == nil:
		return w.result()
	case w.ended() || w.step == failed:
		return w.identity.result()
	}
	return w.identity.fail(closedWindow(), w.identity.changedAt).result()
}

func (r Result) query() url.Values {
	q := url.Values{"imp_uid": {r.ImpUID}, "merchant_uid": {r.MerchantUID}, "success": {strconv.FormatBool(r.Success)}}
	if !r.Success {
		q.Set("error_code", *r.ErrorCode)
		q.Set("error_msg", *r.ErrorMsg)
	}
	return q
}

// redirectURL is the page's URL with the result added to whatever query it
// already has.
func (w window) redirectURL() string {
	u, err := url.Parse(w.redirect)
	if err != nil {
		return ""
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += w.outcome().query().Encode()
	return u.String()
}
