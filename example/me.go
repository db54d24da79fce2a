package main

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/certify-go/certify"
)

// A fact is one member of the claim, in plain words.
type fact struct {
	Name   string // as in the token
	Value  string // "" if the claim has none
	KO, EN string
}

// aboutMe is the claim in facts, or nothing for those who have none. The page
// is open: it asks FromContext, and no policy.
func (s *shop) aboutMe(r *http.Request) (any, error) {
	c, ok := certify.FromContext(r.Context())
	if !ok {
		return nil, nil
	}
	return slices.Concat(aboutPerson(c), s.aboutParties(c), aboutToken(c)), nil
}

func aboutPerson(c *certify.Claim) []fact {
	return []fact{
		{"age", strconv.Itoa(c.Age),
			"인증한 날의 만 나이입니다. 생일은 들어 있지 않습니다.",
			"Your full age in years (만 나이) on the day of the verification. Your birthday is not in it."},
		{"birth_year", strconv.Itoa(c.BirthYear),
			"출생 연도입니다. 청소년 보호법은 연 나이로 따지므로 필요합니다.",
			"Your year of birth. The Youth Protection Act counts calendar years, so it is needed."},
		{"foreigner", nationality(c.Nationality),
			"등록 외국인인지 여부입니다. 인증 기관이 확인해 주지 않았다면 비어 있습니다.",
			"Whether you are a registered foreigner. Left out if the provider did not verify it."},
		{"di_hash", c.DIHash,
			"이 가게에서만 쓰는, 나를 가리키는 값입니다. 열쇠로 한 번 더 바꾸었으므로 되돌리거나 다른 사이트와 견줄 수 없습니다.",
			"Points to you in this shop alone. It is hashed with a key, so it can neither be undone nor matched with another site's."},
	}
}

func (s *shop) aboutParties(c *certify.Claim) []fact {
	return []fact{
		{"iss", s.origin,
			"이 정보에 서명한 곳입니다.",
			"Who signed the claim."},
		{"aud", s.origin,
			"이 정보를 쓸 수 있는 곳입니다. 다른 사이트는 받아들이지 않습니다.",
			"Who may use the claim. No other site accepts it."},
		{"sub", c.Subject,
			"이 인증에 묶인 계정입니다. 이 가게는 인증과 계정을 묶지 않으므로 비어 있습니다.",
			"The account that the claim is bound to. This shop binds none, so there is nothing."},
	}
}

func aboutToken(c *certify.Claim) []fact {
	return []fact{
		{"auth_time", instant(c.AuthTime),
			"본인인증을 마친 때입니다. 주문할 때는 5분이 지나지 않아야 합니다.",
			"When you were verified. To order, it must be less than five minutes ago."},
		{"iat", instant(c.IssuedAt),
			"이 정보를 만든 때입니다.",
			"When the claim was made."},
		{"exp", instant(c.ExpiresAt),
			"이 정보의 효력이 끝나는 때입니다. 브라우저를 닫으면 그 전에 사라집니다.",
			"When the claim ends. Closing the browser ends it sooner."},
		{"jti", c.ID,
			"이 정보의 번호입니다. 지우기를 누르면 이 번호를 무효로 합니다.",
			"The claim's number. “Forget” makes this number void."},
		{"txn", c.Txn,
			"어느 인증에서 왔는지 확인할 때 쓰는 값입니다. 인증 ID 자체는 아닙니다.",
			"Tells which verification it came from, for audits. It is not the verification's own number."},
	}
}

func nationality(n certify.Nationality) string {
	switch n {
	case certify.NationalityKorean:
		return "false"
	case certify.NationalityForeigner:
		return "true"
	}
	return ""
}

func instant(t time.Time) string { return t.In(korea).Format("2006-01-02 15:04:05 KST") }
