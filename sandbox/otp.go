package sandbox

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The gateway's refusals. With which status and words the vendor passes them
// on is not on public record: its schema says HTTP 500 for a gateway's error.
const (
	messageNoSuchPerson = "입력한 정보와 일치하는 가입자가 없습니다."
	messageWrongCode    = "인증번호가 일치하지 않습니다."
	messageConfirmed    = "이미 인증처리가 완료된 요청입니다."
	messageNoOTPRequest = "요청된 본인인증 건이 존재하지 않습니다."
	messageTooManyCodes = "인증번호를 여러 번 잘못 입력하였습니다. 처음부터 다시 요청하세요."
)

// requested is a V1 verification by the API that waits for its digits.
type requested struct {
	attempt
	sent      sentMessage
	confirmed bool
}

// requestOTP is POST /certifications/otp/request.
func (s *Server) requestOTP(w http.ResponseWriter, r *http.Request) {
	form, ok := readParameters(w, r)
	if !ok {
		return
	}
	if message := checkOTPRequest(form); message != "" {
		refuse(w, http.StatusBadRequest, message)
		return
	}
	typed := Particulars{form.Get("name"), onlyDigits(form.Get("phone")), onlyDigits(form.Get("birth")) + form.Get("gender_digit")}
	person, known := personByParticulars(typed, dateOf(s.now()))
	if !known {
		refuse(w, http.StatusInternalServerError, messageNoSuchPerson)
		return
	}
	a := attempt{merchantUID: form.Get("merchant_uid"), provider: otpProvider(form), carrier: otpCarrier(form)}
	if a.merchantUID == "" {
		a.merchantUID = "nobody_" + newToken()[:12]
	}
	method := methodSMS
	if form.Get("verification_method") == methodApp {
		method = methodApp
	}
	if err := s.openOTP(&a, person, method); err != nil {
		refuse(w, http.StatusInternalServerError, "internal error")
		return
	}
	answer(w, map[string]any{"imp_uid": a.impUID})
}

func (s *Server) openOTP(a *attempt, p Person, method string) (err error) {
	if *a, err = s.open(*a); err != nil {
		return err
	}
	sent, err := s.send(p, method)
	if err != nil {
		return err
	}
	s.requests.add(a.impUID, requested{attempt: *a, sent: *sent})
	return nil
}

// readParameters reads JSON, or form text where the label says so, as one set
// of values.
func readParameters(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusBadRequest, "request body is unreadable or too large")
		return nil, false
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			form = nil
		}
		return form, true
	}
	var members map[string]any
	_ = json.Unmarshal(body, &members) // what cannot be read is missing
	form := url.Values{}
	for name, value := range members {
		switch v := value.(type) {
		case string:
			form.Set(name, v)
		case bool:
			form.Set(name, strconv.FormatBool(v))
		case float64:
			form.Set(name, strconv.FormatFloat(v, 'f', -1, 64))
		}
	}
	return form, true
}

// checkOTPRequest answers what the vendor refuses before it asks a gateway.
func checkOTPRequest(form url.Values) string {
	var missing []string
	for _, name := range []string{"name", "phone", "birth", "gender_digit", "carrier", "channel_key"} {
		if form.Get(name) == "" {
			missing = append(missing, name)
		}
	}
	digit, merchantUID := form.Get("gender_digit"), form.Get("merchant_uid")
	switch {
	case len(missing) > 0:
		return strings.Join(missing, ", ") + messageMissing
	case !isDigits(onlyDigits(form.Get("birth")), 6):
		return "birth는 YYMMDD 6자리여야 합니다."
	case len(digit) != 1 || digit < "1" || digit > "8":
		return "gender_digit는 1부터 8까지의 한 자리여야 합니다."
	case !slices.Contains([]string{"SKT", "KT", "LGT"}, form.Get("carrier")):
		return "carrier는 SKT, KT, LGT 중 하나여야 합니다."
	case merchantUID != "" && checkMerchantUID(merchantUID) != nil:
		return "merchant_uid를 사용할 수 없습니다."
	case otpProvider(form) == InicisUnified:
		return "inicis_unified는 API 방식을 지원하지 않습니다."
	}
	return ""
}

// otpProvider: which gateway a channel key stands for, a sandbox knows of its
// own keys only. Others are taken for danal's, as in the window.
func otpProvider(form url.Values) string {
	if c, ok := channelByKey(form.Get("channel_key")); ok {
		return c.provider
	}
	return Danal
}

// otpCarrier is the carrier in the SDK's spelling, which the record is made of.
func otpCarrier(form url.Values) string {
	switch {
	case form.Get("is_mvno") == "true" || form.Get("is_mvno") == "1":
		return carrierMVNO
	case form.Get("carrier") == "KT":
		return carrierKT
	}
	return form.Get("carrier")
}

// confirmOTP is POST /certifications/otp/confirm/{imp_uid}. The third wrong
// digits end the request.
func (s *Server) confirmOTP(w http.ResponseWriter, r *http.Request) {
	form, ok := readParameters(w, r)
	if !ok {
		return
	}
	status, message := http.StatusNotFound, messageNoOTPRequest
	req, found := s.requests.update(r.PathValue("imp_uid"), func(q requested) requested {
		q, status, message = q.confirm(form.Get("otp"))
		return q
	})
	if !found || status != http.StatusOK {
		refuse(w, status, message)
		return
	}
	if _, err := s.certify(req.attempt, req.sent.person, s.now()); err != nil {
		refuse(w, http.StatusInternalServerError, "internal error")
		return
	}
	answerRecord(w, r, s.record)
}

func (q requested) confirm(otp string) (next requested, status int, message string) {
	switch {
	case q.confirmed:
		return q, http.StatusBadRequest, messageConfirmed
	case q.sent.method == methodSMS && otp == "":
		return q, http.StatusBadRequest, "otp" + messageMissing
	case q.sent.wrong >= maxWrongCodes:
		return q, http.StatusInternalServerError, messageTooManyCodes
	case q.sent.accepts(otp, channelOf(q.provider, false)):
		q.confirmed = true
		return q, http.StatusOK, ""
	}
	q.sent.wrong++
	return q, http.StatusInternalServerError, messageWrongCode
}
