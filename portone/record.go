package portone

import (
	"slices"
	"strings"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/internal/rest"
)

// A record is the vendor's IdentityVerification. Of optional text, null,
// absent and "" are one. What nobody may rely on is left out: customData
// (whatever the page said), verifiedCustomer.id (the same), and pgRawResponse,
// which is personal data of unknown extent.
type record struct {
	Status           string    `json:"status"`
	ID               string    `json:"id"`
	Version          string    `json:"version"`
	Channel          channel   `json:"channel"`
	VerifiedAt       string    `json:"verifiedAt"` // RFC 3339
	VerifiedCustomer *customer `json:"verifiedCustomer"`
}

type channel struct {
	Type       string `json:"type"`
	Key        string `json:"key"`
	PGProvider string `json:"pgProvider"`
}

type customer struct {
	Name        string `json:"name"`
	Operator    string `json:"operator"`
	PhoneNumber string `json:"phoneNumber"`
	BirthDate   string `json:"birthDate"` // YYYY-MM-DD
	Gender      string `json:"gender"`
	IsForeigner *bool  `json:"isForeigner"`
	CI          string `json:"ci"`
	DI          string `json:"di"`
}

// decodeRecord reads the record that was asked for by id, and no other.
func decodeRecord(body []byte, id string) (*record, error) {
	var rec record
	if err := rest.Decode(body, &rec); err != nil {
		return nil, err
	}
	switch {
	case rec.ID != id:
		return nil, rest.Invalid("record: id is not the one asked for")
	case rec.Version != "V2": // a V1 record's id is its imp_uid, which others make
		return nil, rest.Invalid("record: version is not V2")
	}
	return &rec, nil
}

// identity judges rec and returns the person in it.
func (p *Provider) identity(rec *record) (*certify.Identity, error) {
	if err := p.checkVerified(rec); err != nil {
		return nil, err
	}
	now, who := p.cfg.Now(), rec.VerifiedCustomer
	verifiedAt, err := rec.verifiedAt(now)
	if err != nil {
		return nil, err
	}
	if who == nil || rest.Given(who.Name) == "" {
		return nil, rest.Invalid("record: VERIFIED without verifiedCustomer or its name")
	}
	birthDate, err := certify.ParseBirthDate(who.BirthDate, now)
	if err != nil {
		return nil, rest.Invalid("record: birthDate is missing or not a plausible date of the form YYYY-MM-DD")
	}
	if rec.Channel.PGProvider == "INICIS_UNIFIED" { // gives none, unless the page named a salt for it (DI_CODE)
		who.DI = ""
	}
	nationality, selfAsserted := rec.nationality()
	return &certify.Identity{
		Provider: p.Name(), ID: rec.ID, AttemptID: rec.ID, Channel: strings.ToLower(rec.Channel.PGProvider),
		VerifiedAt:              verifiedAt,
		Name:                    rest.Given(who.Name),
		BirthDate:               birthDate,
		Gender:                  who.gender(),
		Phone:                   rest.Phone(who.PhoneNumber),
		Carrier:                 rest.Given(who.Operator),
		Nationality:             nationality,
		NationalitySelfAsserted: selfAsserted,
		CI:                      rest.Given(who.CI),
		DI:                      rest.Given(who.DI),
	}, nil
}

// checkVerified passes verified records of allowed, live channels. The status
// comes first: what is not verified may still be, and on another channel.
func (p *Provider) checkVerified(rec *record) error {
	switch rec.Status {
	case "VERIFIED":
	case "READY", "FAILED":
		return &certify.ProviderError{Code: certify.CodeVerificationPending, Detail: "record: status is " + rec.Status}
	default:
		return rest.Invalid("record: status is missing or unknown")
	}
	live := rec.Channel.Type == "LIVE" || rec.Channel.Type == "TEST" && p.cfg.InsecureAllowTestChannel
	switch {
	case !live:
		return refuseChannel("channel.type is not LIVE")
	case !slices.Contains(p.cfg.ChannelKeys, rec.Channel.Key):
		return refuseChannel("channel.key is not in Config.ChannelKeys")
	}
	return nil
}

func refuseChannel(detail string) error {
	return &certify.ProviderError{Code: certify.CodeChannelRefused, Detail: "record: " + detail}
}

// verifiedAt takes every form of RFC 3339: any fraction, any offset, t and z.
func (rec *record) verifiedAt(now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, strings.ToUpper(rec.VerifiedAt))
	if err != nil || !rest.IsVerificationTime(at, now) {
		return time.Time{}, rest.Invalid("record: verifiedAt is missing or not a plausible time")
	}
	return at.UTC(), nil
}

// nationality is what isForeigner says. Danal and KCP get it from the carrier;
// behind INICIS_UNIFIED the users of Kakao and Naver type it, and no field
// tells them from the rest. Of other PGs nothing is known.
func (rec *record) nationality() (n certify.Nationality, selfAsserted bool) {
	foreigner := rec.VerifiedCustomer.IsForeigner
	if foreigner == nil {
		return certify.NationalityUnknown, false
	}
	selfAsserted = rec.Channel.PGProvider != "DANAL" && rec.Channel.PGProvider != "KCP_V2"
	if *foreigner {
		return certify.NationalityForeigner, selfAsserted
	}
	return certify.NationalityKorean, selfAsserted
}

func (c *customer) gender() string {
	switch c.Gender {
	case "MALE":
		return "male"
	case "FEMALE":
		return "female"
	}
	return ""
}
