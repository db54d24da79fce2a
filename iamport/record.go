package iamport

import (
	"slices"
	"strings"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/internal/rest"
)

// The values of pg_provider.
const (
	pgDanal         = "danal"
	pgInicisUnified = "inicis_unified"
	pgInicis        = "inicis" // by credit card; closed to new merchants
	pgKCP           = "kcp_v2"
)

// inicisTestMID is in KG Inicis's public test merchant ids, MIIiasTest and
// INIiasTest, and through them in the pg_tid of what they verified.
const inicisTestMID = "iasTest"

// A record is the vendor's CertificationAnnotation. Of optional text, null,
// absent and "" are one. What nobody may rely on is left out: foreigner
// (false for "unknown"), origin (whatever the page said).
type record struct {
	IMPUID       string `json:"imp_uid"`
	MerchantUID  string `json:"merchant_uid"`
	PGProvider   string `json:"pg_provider"`
	PGTID        string `json:"pg_tid"`
	Certified    bool   `json:"certified"`
	CertifiedAt  int64  `json:"certified_at"` // Unix seconds
	Name         string `json:"name"`
	Birthday     string `json:"birthday"` // YYYY-MM-DD
	Birth        int64  `json:"birth"`    // Unix seconds of midnight in Korea; 0: not given
	Gender       string `json:"gender"`
	Phone        string `json:"phone"`
	Carrier      string `json:"carrier"`
	ForeignerV2  *bool  `json:"foreigner_v2"`
	UniqueKey    string `json:"unique_key"`     // CI
	UniqueInSite string `json:"unique_in_site"` // DI
}

// decodeRecord reads the record that was asked for by id, and no other.
func decodeRecord(body []byte, id string) (*record, error) {
	var rec record
	if err := rest.Decode(body, &rec); err != nil {
		return nil, err
	}
	if rec.IMPUID != id {
		return nil, rest.Invalid("record: imp_uid is not the one asked for")
	}
	return &rec, nil
}

// identity judges rec and returns the person in it.
func (p *Provider) identity(rec *record) (*certify.Identity, error) {
	if err := p.checkChannel(rec); err != nil {
		return nil, err
	}
	now := p.cfg.Now()
	verifiedAt, err := rec.verifiedAt(now)
	if err != nil {
		return nil, err
	}
	birthDate, err := rec.birthDate(now)
	if err != nil {
		return nil, err
	}
	nationality, selfAsserted := rec.nationality()
	return &certify.Identity{
		Provider: p.Name(), ID: rec.IMPUID, AttemptID: rec.MerchantUID, Channel: rec.PGProvider,
		VerifiedAt:              verifiedAt,
		Name:                    rest.Given(rec.Name),
		BirthDate:               birthDate,
		Gender:                  rec.gender(),
		Phone:                   rest.Phone(rec.Phone),
		Carrier:                 rest.Given(rec.Carrier),
		Nationality:             nationality,
		NationalitySelfAsserted: selfAsserted,
		CI:                      rest.Given(rec.UniqueKey),
		DI:                      rest.Given(rec.UniqueInSite),
	}, nil
}

// checkChannel passes certified records of allowed, live channels.
func (p *Provider) checkChannel(rec *record) error {
	switch {
	case !slices.Contains(p.cfg.PGProviders, rec.PGProvider):
		return refuseChannel("pg_provider is not in Config.PGProviders")
	case !rec.Certified: // a record exists from the moment the window opens
		return &certify.ProviderError{Code: certify.CodeVerificationPending, Detail: "record: certified is false"}
	case p.cfg.InsecureAllowTestChannel:
		return nil
	case strings.Contains(rec.PGTID, inicisTestMID):
		return refuseChannel("pg_tid is of KG Inicis's public test merchant; delete the test channel")
	case rec.PGTID == "" && rec.PGProvider != pgDanal: // danal has no test channels
		return refuseChannel("pg_tid is missing, so a test channel cannot be ruled out")
	}
	return nil
}

func refuseChannel(detail string) error {
	return &certify.ProviderError{Code: certify.CodeChannelRefused, Detail: detail}
}

func (rec *record) verifiedAt(now time.Time) (time.Time, error) {
	at := time.Unix(rec.CertifiedAt, 0).UTC()
	if !rest.IsVerificationTime(at, now) {
		return time.Time{}, rest.Invalid("record: certified_at is missing or not a plausible time")
	}
	return at, nil
}

// birthDate prefers the documented birthday. The older birth is undocumented
// but always sent; where both are there they must agree.
func (rec *record) birthDate(now time.Time) (certify.BirthDate, error) {
	if rec.Birthday == "" && rec.Birth == 0 {
		return certify.BirthDate{}, rest.Invalid("record: certified without birthday and birth")
	}
	if rec.Birthday == "" {
		date, err := certify.BirthDateFromUnix(rec.Birth, now)
		if err != nil {
			return certify.BirthDate{}, rest.Invalid("record: birth is not a plausible date")
		}
		return date, nil
	}
	date, err := certify.ParseBirthDate(rec.Birthday, now)
	if err != nil {
		return certify.BirthDate{}, rest.Invalid("record: birthday is not a plausible date of the form YYYY-MM-DD")
	}
	if rec.Birth == 0 {
		return date, nil
	}
	if other, err := certify.BirthDateFromUnix(rec.Birth, now); err != nil || other != date {
		return certify.BirthDate{}, rest.Invalid("record: birthday and birth disagree")
	}
	return date, nil
}

// nationality reads foreigner_v2, which is null unless the merchant bought
// the option. danal and kcp_v2 get it from the carrier; behind inicis_unified
// the users of Kakao and Naver type it, and no field tells them from the rest.
func (rec *record) nationality() (n certify.Nationality, selfAsserted bool) {
	if rec.ForeignerV2 == nil {
		return certify.NationalityUnknown, false
	}
	selfAsserted = rec.PGProvider != pgDanal && rec.PGProvider != pgKCP
	if *rec.ForeignerV2 {
		return certify.NationalityForeigner, selfAsserted
	}
	return certify.NationalityKorean, selfAsserted
}

func (rec *record) gender() string {
	if rec.Gender == "male" || rec.Gender == "female" {
		return rec.Gender
	}
	return ""
}
