package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"
)

const maxIdentityID = 255

// IdentityResult is what PortOne.requestIdentityVerification resolves with, or
// redirectUrl gets as its query. It proves nothing; the record does.
type IdentityResult struct {
	TransactionType          string `json:"transactionType"` // "IDENTITY_VERIFICATION"
	IdentityVerificationID   string `json:"identityVerificationId"`
	IdentityVerificationTxID string `json:"identityVerificationTxId"`
	Code                     string `json:"code,omitempty"` // absent on success
	Message                  string `json:"message,omitempty"`
	PGCode                   string `json:"pgCode,omitempty"`
	PGMessage                string `json:"pgMessage,omitempty"`
}

// query leaves out what JSON leaves out.
func (r IdentityResult) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"transactionType": r.TransactionType, "identityVerificationId": r.IdentityVerificationID,
		"identityVerificationTxId": r.IdentityVerificationTxID,
		"code":                     r.Code, "message": r.Message, "pgCode": r.PGCode, "pgMessage": r.PGMessage,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func (v identityVerification) result() IdentityResult {
	r := IdentityResult{TransactionType: "IDENTITY_VERIFICATION", IdentityVerificationID: v.id, IdentityVerificationTxID: v.txID}
	if v.status == statusFailed {
		r.Code, r.Message, r.PGCode, r.PGMessage = "PG_PROVIDER_ERROR", v.failure.reason, v.failure.code, v.failure.message
	}
	return r
}

// identityRequest is what the page passes to requestIdentityVerification.
// Whatever it says, the visitor could change.
type identityRequest struct {
	StoreID    string  `json:"storeId"`
	ID         string  `json:"identityVerificationId"`
	ChannelKey string  `json:"channelKey"`
	CustomData *string `json:"customData"`
	Customer   struct {
		CustomerID  string `json:"customerId"`
		FullName    string `json:"fullName"`
		PhoneNumber string `json:"phoneNumber"`
		BirthYear   string `json:"birthYear"`
		BirthMonth  string `json:"birthMonth"`
		BirthDay    string `json:"birthDay"`
	} `json:"customer"`
	Bypass struct {
		Danal struct {
			Title    string `json:"CPTITLE"`
			AgeLimit int    `json:"AGELIMIT"`
		} `json:"danal"`
		KCP struct {
			SiteID string `json:"web_siteid"` // of which KCP makes the DI
		} `json:"kcpV2"`
	} `json:"bypass"`

	// The SDK's own: where the window is to report.
	RedirectURL string `json:"sandboxRedirectUrl"`
	Opener      string `json:"sandboxOpener"`
}

func (q identityRequest) requested() map[string]string {
	requested := map[string]string{}
	for name, value := range map[string]string{
		"id": q.Customer.CustomerID, "name": q.Customer.FullName, "phoneNumber": q.Customer.PhoneNumber,
		"birthYear": q.Customer.BirthYear, "birthMonth": q.Customer.BirthMonth, "birthDay": q.Customer.BirthDay,
	} {
		if value != "" {
			requested[name] = value
		}
	}
	return requested
}

// A startError is what the promise rejects with: nothing was begun.
type startError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e startError) Error() string { return "sandbox: " + e.Code }

// check refuses what the vendor refuses before it opens a window.
func (q identityRequest) check(storeID string) (channel, error) {
	c, known := channelByKey(q.ChannelKey)
	switch {
	case q.StoreID != storeID:
		return c, startError{"StoreNotFound", "storeId가 올바르지 않습니다. (The sandbox's store is " + storeID + ".)"}
	case !known:
		return c, startError{"ChannelNotFound", "channelKey에 해당하는 채널이 없습니다. (The sandbox's channel keys are on its start page.)"}
	}
	if err := checkIdentityID(q.ID, c); err != nil {
		return c, startError{"BadRequest", err.(apiRefusal).message}
	}
	if age := q.Bypass.Danal.AgeLimit; age < 0 || age > 150 || len(q.Bypass.Danal.Title) > 100 {
		return c, startError{"BadRequest", "bypass.danal을 사용할 수 없습니다. (AGELIMIT is 0 to 150 years, CPTITLE at most 100 bytes.)"}
	}
	if len(q.Bypass.KCP.SiteID) > 100 {
		return c, startError{"BadRequest", "bypass.kcpV2를 사용할 수 없습니다. (web_siteid has at most 100 bytes.)"}
	}
	if q.RedirectURL == "" && !isOpener(q.Opener) || q.RedirectURL != "" && !webURL(q.RedirectURL) {
		return c, startError{"BadRequest", "redirectUrl은 http 또는 https URL이어야 합니다. (redirectUrl must be an absolute http or https URL.)"}
	}
	return c, nil
}

// checkIdentityID: KCP's rule is the narrowest, and documented.
func checkIdentityID(id string, c channel) error {
	if id == "" || len(id) > maxIdentityID || !utf8.ValidString(id) {
		return invalidRequest("identityVerificationId must be UTF-8 text of 1 to %d bytes", maxIdentityID)
	}
	if c.provider == KCP && !regexp.MustCompile(`^[A-Za-z0-9]{1,40}$`).MatchString(id) {
		return invalidRequest("identityVerificationId: KCP takes letters and digits only, at most 40")
	}
	return nil
}

// startIdentity is what the SDK calls before it opens the window: there is no
// credential in it, as with the vendor. Pages of any origin may.
func (s *Server) startIdentity(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	var q identityRequest
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := readBody(r, &q); err != nil {
		writeStart(w, nil, startError{"BadRequest", err.(apiRefusal).message})
		return
	}
	c, err := q.check(s.storeID)
	if err != nil {
		writeStart(w, nil, err)
		return
	}
	var begun identityVerification
	err = s.begin(q.ID, func(v identityVerification) (identityVerification, error) {
		begun = v.try(c, q.requested(), s.now())
		begun.customData, begun.siteID = q.CustomData, q.Bypass.KCP.SiteID
		return begun, nil
	})
	if err != nil {
		writeStart(w, nil, startErrorOf(err))
		return
	}
	key := newToken()
	s.windows.add(key, q.window(begun))
	writeStart(w, map[string]any{"window": windowPath(key, ""), "key": key, "failure": begun.fail(closedWindow(), s.now()).result()}, nil)
}

func startErrorOf(err error) error {
	refusal, ok := err.(apiRefusal)
	if ok && refusal.kind == kindAlreadyVerified {
		return startError{"IdentityVerificationAlreadyVerified", refusal.message}
	}
	if ok {
		return startError{"BadRequest", refusal.message}
	}
	return err
}

func writeStart(w http.ResponseWriter, content any, err error) {
	status := http.StatusOK
	if refused, ok := err.(startError); ok {
		status, content = http.StatusBadRequest, refused
	} else if err != nil {
		status, content = http.StatusInternalServerError, startError{"UnknownError", "the sandbox failed"}
	}
	writePlainJSON(w, status, content)
}

// window is the same as V1's; only how it ends differs.
func (q identityRequest) window(v identityVerification) window {
	w := window{
		step: choosing, company: q.Bypass.Danal.Title, redirect: q.RedirectURL, opener: q.Opener, identity: &v,
		minAge: q.Bypass.Danal.AgeLimit, person: suggestPerson(q.Customer.FullName, q.Customer.PhoneNumber),
	}
	w.provider = v.channel.provider
	return w
}

func closedWindow() pgFailure {
	return pgFailure{"사용자가 본인인증을 취소하였습니다.", "F0000", "the window was closed"}
}

// closeIdentity is what the SDK calls when the visitor closed the window, which
// the window itself cannot tell. The key is its leave.
func (s *Server) closeIdentity(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	win, ok := s.windows.update(r.PathValue("key"), func(w window) window {
		if w.identity == nil {
			return w
		}
		return s.settle(w, w.close())
	})
	if !ok || win.identity == nil {
		writeProblem(w, errUnknownWindow())
		return
	}
	writePlainJSON(w, http.StatusOK, win.outcome())
}

// settle brings the record in line with a step of the window, and returns the
// window after it. Only a window's own try counts: another may have begun. A
// record dropped in the meantime stays dropped.
func (s *Server) settle(before, after window) window {
	if after.identity == nil || before.step == after.step {
		return after
	}
	var err error
	s.identities.update(after.identity.id, func(v identityVerification) identityVerification {
		if v.txID != after.identity.txID {
			stale := after.identity.fail(pgFailure{"다른 창에서 인증을 다시 시작하였습니다.", "SANDBOX_STALE", "another try has begun"}, s.now())
			after.identity = &stale
			return v
		}
		if v, err = after.settled(v, s.now()); err == nil {
			after.identity = &v
		}
		return v
	})
	if err != nil {
		return s.fault(before, err)
	}
	return after
}

// settled is what becomes of the record.
func (w window) settled(v identityVerification, now time.Time) (identityVerification, error) {
	switch w.step {
	case succeeded:
		person, err := findPerson(w.person)
		if err != nil {
			return v, err
		}
		return v.verify(person, w.carrier, dateOf(now), now)
	case failed, cancelled:
		f := closedWindow()
		if w.notice == "too_many" {
			f = pgFailure{"인증번호를 여러 번 잘못 입력하였습니다.", "SANDBOX_WRONG_CODE", strconv.Itoa(w.wrong) + " wrong codes"}
		}
		return v.fail(f, now), nil
	}
	return v, nil
}

// createIdentity is POST /sandbox/identity-verifications:
// [Server.VerifyIdentity] for tests in any language.
func (s *Server) createIdentity(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	v, err := parseIdentity(r.Body, s.now())
	if err != nil {
		writeProblem(w, err)
		return
	}
	result, err := s.VerifyIdentity(v)
	if err != nil {
		writeProblem(w, err)
		return
	}
	writePlainJSON(w, http.StatusCreated, result)
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "{}" // cannot happen: results are text and a bool
	}
	return string(text)
}
