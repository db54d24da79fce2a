package sandbox

import (
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// maxTries bounds the tries under one id. The vendor has a bound too, and does
// not say which.
const maxTries = 5

type sendBody struct {
	StoreID    string  `json:"storeId"`
	ChannelKey string  `json:"channelKey"`
	CustomData *string `json:"customData"`
	Operator   string  `json:"operator"`
	Method     string  `json:"method"`
	Customer   struct {
		ID             string `json:"id"`
		Name           string `json:"name"`
		PhoneNumber    string `json:"phoneNumber"`
		IdentityNumber string `json:"identityNumber"`
		IPAddress      string `json:"ipAddress"`
	} `json:"customer"`
}

func operators() []string { return []string{"SKT", "KT", "LGU", "SKT_MVNO", "KT_MVNO", "LGU_MVNO"} }

// check names the first field that the schema or the gateway would refuse.
func (b sendBody) check(c channel) error {
	_, badAddress := netip.ParseAddr(b.Customer.IPAddress)
	switch {
	case c.provider == InicisUnified:
		return invalidRequest("KG이니시스 통합인증은 API 방식을 지원하지 않습니다. (inicis_unified has no API flow.)")
	case b.Customer.Name == "":
		return invalidRequest("customer.name is missing")
	case !isDigits(b.Customer.PhoneNumber, 10) && !isDigits(b.Customer.PhoneNumber, 11):
		return invalidRequest("customer.phoneNumber must be digits only")
	case badAddress != nil:
		return invalidRequest("customer.ipAddress is missing or no address")
	case !slices.Contains(operators(), b.Operator):
		return invalidRequest("operator must be one of %v", operators())
	case b.Method != methodSMS && b.Method != methodApp:
		return invalidRequest("method must be SMS or APP")
	case b.Method == methodSMS && !isDigits(b.Customer.IdentityNumber, 7):
		return invalidRequest("customer.identityNumber must be seven digits with SMS")
	}
	return nil
}

func (b sendBody) requested() map[string]string {
	requested := map[string]string{"name": b.Customer.Name, "phoneNumber": b.Customer.PhoneNumber}
	if b.Customer.ID != "" {
		requested["id"] = b.Customer.ID
	}
	return requested
}

// sendIdentity is POST …/send: it makes the verification and sends the digits.
func (s *Server) sendIdentity(r *http.Request) (any, error) {
	var b sendBody
	if err := readBody(r, &b); err != nil {
		return nil, err
	}
	if err := s.checkStore(b.StoreID); err != nil {
		return nil, err
	}
	c, ok := channelByKey(b.ChannelKey)
	if !ok {
		return nil, apiRefusal{kind: kindChannelNotFound, message: "요청된 채널이 존재하지 않습니다. (There is no such channel.)"}
	}
	if err := b.check(c); err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if err := checkIdentityID(id, c); err != nil {
		return nil, err
	}
	return struct{}{}, s.begin(id, func(v identityVerification) (identityVerification, error) {
		if v.sent != nil {
			return v, apiRefusal{kind: kindAlreadySent, message: "이미 인증 요청이 전송되었습니다. (A request was sent already.)"}
		}
		v = v.try(c, b.requested(), s.now())
		v.customData = b.CustomData
		person, known := s.personOf(b)
		if !known {
			f := pgFailure{"입력한 정보와 일치하는 가입자가 없습니다.", "SANDBOX_NO_SUCH_PERSON", "no test person has these particulars"}
			return v.fail(f, s.now()), refusedByPG(f)
		}
		var err error
		v.sent, err = s.send(person, b.Method)
		v.operator = b.Operator
		return v, err
	})
}

// personOf: with the app the registration number may be left out.
func (s *Server) personOf(b sendBody) (Person, bool) {
	today := dateOf(s.now())
	typed := Particulars{b.Customer.Name, b.Customer.PhoneNumber, b.Customer.IdentityNumber}
	if b.Method == methodApp && typed.IdentityNumber == "" {
		typed.IdentityNumber = registrationOfPhone(typed.PhoneNumber, today)
	}
	return personByParticulars(typed, today)
}

func registrationOfPhone(phone string, today date) string {
	for _, p := range People() {
		if p.phone == phone {
			return p.registration(today)
		}
	}
	return ""
}

// begin makes another try under an id, new or not. change sees it before the
// try, and what it answers is stored, error or not.
func (s *Server) begin(id string, change func(identityVerification) (identityVerification, error)) (err error) {
	s.identities.upsert(id, func(v identityVerification) identityVerification {
		v.id = id
		switch {
		case v.status == statusVerified:
			err = alreadyVerified()
		case v.tries >= maxTries:
			err = apiRefusal{kind: kindMaxTries, message: "본인인증 시도 횟수가 최대에 도달했습니다. (Too many tries; choose another id.)"}
		default:
			v, err = change(v)
		}
		return v
	})
	return err
}

func alreadyVerified() error {
	return apiRefusal{kind: kindAlreadyVerified, message: "이미 인증이 완료된 건입니다. (It is verified already.)"}
}

func (s *Server) changeIdentity(id string, change func(identityVerification) (identityVerification, error)) error {
	var err error
	if _, ok := s.identities.update(id, func(v identityVerification) identityVerification {
		v, err = change(v)
		return v
	}); !ok {
		return unknownIdentity()
	}
	return err
}

// checkSent: a verification that was begun in a window is none of the API's.
func (v identityVerification) checkSent() error {
	switch {
	case v.status == statusVerified:
		return alreadyVerified()
	case v.sent == nil:
		return apiRefusal{kind: kindNotSent, message: "API로 요청된 본인인증 건이 아닙니다. (Nothing was sent by the API.)"}
	}
	return nil
}

// confirmIdentity is POST …/confirm.
func (s *Server) confirmIdentity(r *http.Request) (any, error) {
	var b struct {
		StoreID string `json:"storeId"`
		OTP     string `json:"otp"`
	}
	if err := readBody(r, &b); err != nil {
		return nil, err
	}
	if err := s.checkStore(b.StoreID); err != nil {
		return nil, err
	}
	var done identityVerification
	err := s.changeIdentity(r.PathValue("id"), func(v identityVerification) (identityVerification, error) {
		if err := v.checkSent(); err != nil {
			return v, err
		}
		v, err := v.confirm(b.OTP, s.now())
		done = v
		return v, err
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"identityVerification": done.object()}, nil
}

// confirm is the gateway's judgement of the digits; the third wrong ones end
// the try.
func (v identityVerification) confirm(otp string, now time.Time) (identityVerification, error) {
	m := *v.sent
	if m.method == methodSMS && otp == "" {
		return v, invalidRequest("otp is missing")
	}
	if m.accepts(otp, v.channel) {
		return v.verify(m.person, v.operator, dateOf(now), now)
	}
	m.wrong++
	v.sent = &m
	f := pgFailure{"인증번호가 일치하지 않습니다.", "SANDBOX_WRONG_CODE", "the digits are wrong"}
	if m.method == methodApp {
		f = pgFailure{"앱 인증이 완료되지 않았습니다.", "SANDBOX_NOT_YET", "the person has not consented in the app"}
	}
	if m.wrong >= maxWrongCodes {
		v = v.fail(f, now)
	}
	return v, refusedByPG(f)
}

// resendIdentity is POST …/resend: new digits to the same phone.
func (s *Server) resendIdentity(r *http.Request) (any, error) {
	if err := s.checkStore(r.URL.Query().Get("storeId")); err != nil {
		return nil, err
	}
	return struct{}{}, s.changeIdentity(r.PathValue("id"), func(v identityVerification) (identityVerification, error) {
		if err := v.checkSent(); err != nil {
			return v, err
		}
		if v.sent.method == methodApp {
			return v, invalidRequest("SMS 방식에서만 재전송할 수 있습니다. (Only SMS can be sent again.)")
		}
		again, err := s.send(v.sent.person, methodSMS)
		if err == nil {
			again.wrong = v.sent.wrong
			v.sent = again
		}
		return v, err
	})
}
