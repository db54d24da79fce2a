package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"math/big"
	"time"
)

// record is the vendor's certification object as it goes over the wire. A map,
// because absent keys, null, 0 and "" each mean something there; it is never
// changed once stored.
type record map[string]any

// stored is a record that lookups may not see finished at once.
type stored struct {
	before, after record
	from          time.Time // of which on after counts
}

func (s stored) at(now time.Time) record {
	if s.after == nil || now.Before(s.from) {
		return s.before
	}
	return s.after
}

// attempt is what is known of a verification before anybody is identified.
type attempt struct {
	impUID      string
	merchantUID string
	provider    string // pg_provider
	origin      string // URL of the page that opened the window, or ""
	carrier     string // chosen in the window, in the SDK's spelling; "" is SKT
}

// uncertified is the record of a verification that has not succeeded, or never
// will: it exists, answers 200, and holds nobody.
func (a attempt) uncertified() record {
	return record{
		"birth":          0,
		"birthday":       nil,
		"certified":      false,
		"certified_at":   0,
		"foreigner":      false,
		"foreigner_v2":   nil,
		"gender":         nil,
		"imp_uid":        a.impUID,
		"merchant_uid":   a.merchantUID,
		"name":           nil,
		"origin":         nullable(a.origin),
		"pg_provider":    a.provider,
		"pg_tid":         nil,
		"unique_in_site": nil,
		"unique_key":     nil,
	}
}

// certified is the record once the person has proved who they are. Their birth
// date is the one they have today; at is when they were verified.
func (a attempt) certified(p Person, today date, at time.Time) (record, error) {
	r := a.uncertified()
	if p.unfinished {
		return r, nil
	}
	tid, err := transactionID(a.provider, p.inicisMID(), at)
	if err != nil {
		return nil, err
	}
	birth := p.birth(today)
	r["birth"] = seoulMidnight(birth)
	r["birthday"] = birth.String()
	r["certified"] = true
	r["certified_at"] = at.Unix()
	r["gender"] = p.gender
	r["name"] = p.name
	r["pg_tid"] = tid
	p.setNationality(r)
	p.setConnectingInformation(r, a.provider)
	p.setPhone(r, a)
	return r, nil
}

// setNationality: `foreigner` is false unless the merchant bought the option,
// and then `foreigner_v2` is null.
func (p Person) setNationality(r record) {
	if p.nationality == nationalityUnknown {
		return
	}
	r["foreigner"] = p.nationality == foreign
	r["foreigner_v2"] = p.nationality == foreign
}

// setConnectingInformation: "" for a missing CI was seen on a certified
// record; inicis_unified never has a DI.
func (p Person) setConnectingInformation(r record, provider string) {
	r["unique_key"] = connectingInformation(p.ID)
	if p.noCI {
		r["unique_key"] = ""
	}
	if provider != InicisUnified {
		r["unique_in_site"] = duplicationInformation(p.ID)
	}
}

// setPhone: danal leaves both keys out for a merchant the carriers have not
// approved, inicis_unified never tells the carrier.
func (p Person) setPhone(r record, a attempt) {
	if a.provider == Danal {
		return
	}
	r["phone"] = p.phone
	if a.provider == KCP {
		r["carrier"] = recordCarrier(a.carrier)
	}
}

// recordCarrier translates the SDK's carrier into the record's.
func recordCarrier(c string) string {
	switch c {
	case carrierKT:
		return "KT"
	case carrierLGT:
		return "LGT"
	case carrierMVNO:
		return "SKT_MVNO"
	}
	return "SKT"
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// connectingInformation (CI, `unique_key`) has the real shape: 64 bytes as 88
// characters of base64, the same for a person everywhere and for ever.
func connectingInformation(personID string) string {
	sum := sha512.Sum512([]byte("certify sandbox ci\x00" + personID))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// duplicationInformation (DI, `unique_in_site`) has the shape danal's have: 47
// bytes of DER, SEQUENCE{OID hmacWithSHA256, BIT STRING of 32 bytes}.
func duplicationInformation(personID string) string {
	prefix := []byte{0x30, 0x2d, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09, 0x03, 0x21, 0x00}
	sum := sha256.Sum256([]byte("certify sandbox di\x00" + personID))
	return base64.StdEncoding.EncodeToString(append(prefix, sum[:]...))
}

// transactionID (`pg_tid`) follows the observed shapes of danal and inicis;
// none is on record for kcp_v2.
func transactionID(provider, mid string, at time.Time) (string, error) {
	serial, err := randomDigits(12)
	if err != nil {
		return "", err
	}
	minute := at.In(seoul()).Format("200601021504")
	if provider != InicisUnified {
		return minute + serial, nil
	}
	return "INISA_" + mid + minute + serial, nil
}

// The merchant ids at inicis: the sandbox's, and the shared one of its tests.
const (
	inicisMID     = "MIIcertify"
	inicisTestMID = "MIIiasTest"
)

func (p Person) inicisMID() string {
	if p.testMID {
		return inicisTestMID
	}
	return inicisMID
}

func randomDigits(n int) (string, error) {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	v, err := rand.Int(rand.Reader, limit)
	if err != nil {
		return "", fmt.Errorf("sandbox: random digits: %w", err)
	}
	return fmt.Sprintf("%0*d", n, v), nil
}
