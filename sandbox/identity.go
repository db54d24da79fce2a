package sandbox

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"
)

// The statuses of a PortOne V2 identity verification.
const (
	statusReady    = "READY"
	statusVerified = "VERIFIED"
	statusFailed   = "FAILED"
)

// identityVerification is the state of one, under the id that the merchant
// chose. A value: every step makes another.
type identityVerification struct {
	id          string
	txID        string // of the latest try
	tries       int
	status      string
	channel     channel
	requested   map[string]string // what the merchant said of the customer; never changed
	customData  *string
	siteID      string // bypass.kcpV2.web_siteid
	requestedAt time.Time
	changedAt   time.Time // of the status

	pgTxID     string
	customer   map[string]any // verifiedCustomer; never changed
	verifiedAt time.Time
	visibleAt  time.Time // before that the record still says READY
	failure    pgFailure

	sent     *sentMessage // by the API and still to be confirmed; nil otherwise
	operator string       // as the API was told
}

// pgFailure is what a gateway says of a failure.
type pgFailure struct{ reason, code, message string }

// try begins another try under the id, whatever became of the one before.
func (v identityVerification) try(c channel, requested map[string]string, now time.Time) identityVerification {
	v.status, v.channel, v.requested, v.failure, v.sent = statusReady, c, requested, pgFailure{}, nil
	v.siteID = ""
	v.txID, v.requestedAt, v.changedAt = newTxID(), now, now
	v.tries++
	return v
}

// fail ends the try. It is not for what is verified, which stays so.
func (v identityVerification) fail(f pgFailure, now time.Time) identityVerification {
	v.status, v.failure, v.changedAt, v.sent = statusFailed, f, now, nil
	return v
}

// verify makes the verification the person's; at is when they were verified.
// A person who never finishes leaves it as it is.
func (v identityVerification) verify(p Person, carrier string, today date, at time.Time) (identityVerification, error) {
	if p.unfinished {
		return v, nil
	}
	v.channel = v.channel.nearest(p)
	tid, err := transactionID(v.channel.provider, v.channel.merchantID, at)
	if err != nil {
		return v, err
	}
	v.status, v.pgTxID, v.verifiedAt, v.changedAt, v.sent = statusVerified, tid, at, at, nil
	v.visibleAt = p.finishes(at)
	v.customer = p.verifiedCustomer(v.channel, carrier, v.siteID, today)
	return v, nil
}

// verifiedCustomer holds what the gateway gives, by the same rules as the
// records of V1; what it does not give is absent.
func (p Person) verifiedCustomer(c channel, carrier, siteID string, today date) map[string]any {
	customer := map[string]any{
		"name": p.name, "birthDate": p.birth(today).String(), "gender": strings.ToUpper(p.gender),
	}
	if p.nationality != nationalityUnknown {
		customer["isForeigner"] = p.nationality == foreign
	}
	if !p.noCI {
		customer["ci"] = connectingInformation(p.ID)
	}
	if c.provider != InicisUnified {
		customer["di"] = duplicationInformation(p.ID)
		if c.provider == KCP && siteID != "" {
			customer["di"] = duplicationInformation(p.ID + "\x00" + siteID)
		}
	}
	if c.provider != Danal {
		customer["phoneNumber"] = p.phone
	}
	if c.provider == KCP {
		customer["operator"] = operatorOf(carrier)
	}
	return customer
}

// operatorOf translates the window's carrier into V2's operator, and leaves
// V2's own as they are.
func operatorOf(carrier string) string {
	switch carrier {
	case carrierKT:
		return "KT"
	case carrierLGT:
		return "LGU"
	case carrierMVNO:
		return "SKT_MVNO"
	}
	return cmp.Or(carrier, "SKT")
}

// at is the verification as a lookup sees it at that moment: one that is
// verified may still say READY.
func (v identityVerification) at(now time.Time) identityVerification {
	if now.Before(v.visibleAt) {
		v.status, v.changedAt, v.pgTxID = statusReady, v.requestedAt, ""
	}
	return v
}

// object is the vendor's IdentityVerification, one of three shapes by status.
func (v identityVerification) object() map[string]any {
	o := map[string]any{
		"status": v.status, "id": v.id, "channel": v.channel.object(), "version": "V2",
		"requestedAt": instant(v.requestedAt), "updatedAt": instant(v.changedAt), "statusChangedAt": instant(v.changedAt),
	}
	if v.customData != nil {
		o["customData"] = *v.customData
	}
	if v.pgTxID != "" {
		o["pgTxId"] = v.pgTxID
	}
	if v.status != statusVerified {
		o["requestedCustomer"] = v.requested
	}
	switch v.status {
	case statusVerified:
		o["verifiedCustomer"], o["verifiedAt"], o["pgRawResponse"] = v.customer, instant(v.verifiedAt), v.rawResponse()
	case statusFailed:
		o["failure"] = v.failure.object()
	}
	return o
}

func (f pgFailure) object() map[string]any {
	return map[string]any{"reason": f.reason, "pgCode": f.code, "pgMessage": f.message}
}

// rawResponse stands for what the gateway sent: text of an unknown form that
// is full of personal data, and therefore nothing to keep.
func (v identityVerification) rawResponse() string {
	text, err := json.Marshal(map[string]any{"RETURNCODE": "0000", "TID": v.pgTxID, "USER": v.customer})
	if err != nil {
		return "" // cannot happen: text and booleans
	}
	return string(text)
}

// instant has the form of the vendor's runtime: UTC, and a fraction only where
// there is one.
func instant(t time.Time) string {
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

// newTxID is the id of one try: the shape of a UUID.
func newTxID() string {
	h := newToken()
	return h[:8] + "-" + h[8:12] + "-7" + h[13:16] + "-a" + h[17:20] + "-" + h[20:32]
}
