package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	maxPage     = 1000
	defaultPage = 10
	listedDays  = 90
)

// listBody is the vendor's GetIdentityVerificationsBody. Records of V1 are not
// listed.
type listBody struct {
	Page struct {
		Number int  `json:"number"`
		Size   *int `json:"size"`
	} `json:"page"`
	Sort struct {
		By    string `json:"by"`
		Order string `json:"order"`
	} `json:"sort"`
	Filter listFilter `json:"filter"`
}

type listFilter struct {
	StoreID        string       `json:"storeId"`
	TimeRangeField string       `json:"timeRangeField"`
	From           *time.Time   `json:"from"`
	Until          *time.Time   `json:"until"`
	ID             string       `json:"identityVerificationId"`
	TxID           string       `json:"identityVerificationTxId"`
	IsTest         *bool        `json:"isTest"`
	Statuses       []string     `json:"statuses"`
	PGTxID         string       `json:"pgTxId"`
	PGMerchantID   string       `json:"pgMerchantId"`
	PGProviders    []string     `json:"pgProviders"`
	PGCompanies    []string     `json:"pgCompanies"`
	Carriers       []string     `json:"carriers"`
	Version        string       `json:"version"`
	Customer       listCustomer `json:"customer"`
}

type listCustomer struct {
	Name        string `json:"name"`
	BirthYear   string `json:"birthYear"`
	BirthMonth  string `json:"birthMonth"`
	BirthDay    string `json:"birthDay"`
	PhoneNumber string `json:"phoneNumber"`
	Gender      string `json:"gender"`
}

// listIdentities is GET /identity-verifications, whose conditions come as the
// body or, where a client cannot send one with GET, as ?requestBody=.
func (s *Server) listIdentities(r *http.Request) (any, error) {
	var b listBody
	if err := readConditions(r, &b); err != nil {
		return nil, err
	}
	if err := s.checkStore(b.Filter.StoreID); err != nil {
		return nil, err
	}
	size := defaultPage
	if b.Page.Size != nil {
		size = *b.Page.Size
	}
	if b.Page.Number < 0 || size < 1 || size > maxPage {
		return nil, invalidRequest("page.number must not be negative, and page.size must be 1 to %d", maxPage)
	}
	found, err := s.find(b)
	if err != nil {
		return nil, err
	}
	items := []map[string]any{}
	from := min(b.Page.Number, len(found)/size+1) * size
	for _, v := range found[min(from, len(found)):min(from+size, len(found))] {
		items = append(items, v.object())
	}
	page := map[string]int{"number": b.Page.Number, "size": size, "totalCount": len(found)}
	return map[string]any{"items": items, "page": page}, nil
}

func readConditions(r *http.Request, b *listBody) error {
	if q := r.URL.Query(); q.Has("requestBody") {
		return parseBody([]byte(q.Get("requestBody")), b)
	}
	if r.ContentLength == 0 {
		return nil
	}
	return readBody(r, b)
}

func (s *Server) find(b listBody) ([]identityVerification, error) {
	now := s.now()
	by, err := timeField(cmp.Or(b.Filter.TimeRangeField, "REQUESTED_AT"))
	if err != nil {
		return nil, err
	}
	until := now
	if b.Filter.Until != nil {
		until = *b.Filter.Until
	}
	from := until.AddDate(0, 0, -listedDays)
	if b.Filter.From != nil {
		from = *b.Filter.From
	}
	var found []identityVerification
	for _, v := range s.identities.all() {
		v = v.at(now)
		if at, has := by(v); has && !at.Before(from) && !at.After(until) && b.Filter.matches(v) {
			found = append(found, v)
		}
	}
	return found, b.sort(found)
}

// sort is stable, and those that lack the time come last.
func (b listBody) sort(found []identityVerification) error {
	by, err := timeField(cmp.Or(b.Sort.By, "REQUESTED_AT"))
	if err != nil {
		return err
	}
	order := cmp.Or(b.Sort.Order, "DESC")
	if order != "ASC" && order != "DESC" {
		return invalidRequest("sort.order must be ASC or DESC")
	}
	slices.SortStableFunc(found, func(a, z identityVerification) int {
		at, has := by(a)
		zt, zhas := by(z)
		switch {
		case has != zhas && has:
			return -1
		case has != zhas:
			return 1
		case order == "ASC":
			return at.Compare(zt)
		}
		return zt.Compare(at)
	})
	return nil
}

// timeField answers how to read one of the times of a verification, which not
// every one has.
func timeField(name string) (func(identityVerification) (time.Time, bool), error) {
	switch name {
	case "REQUESTED_AT":
		return func(v identityVerification) (time.Time, bool) { return v.requestedAt, true }, nil
	case "VERIFIED_AT":
		return func(v identityVerification) (time.Time, bool) { return v.verifiedAt, v.status == statusVerified }, nil
	case "FAILED_AT":
		return func(v identityVerification) (time.Time, bool) { return v.changedAt, v.status == statusFailed }, nil
	case "STATUS_UPDATED_AT":
		return func(v identityVerification) (time.Time, bool) { return v.changedAt, true }, nil
	}
	return nil, invalidRequest("timeRangeField and sort.by must be REQUESTED_AT, VERIFIED_AT, FAILED_AT or STATUS_UPDATED_AT")
}

func (f listFilter) matches(v identityVerification) bool {
	return isOrAny(f.ID, v.id) && isOrAny(f.TxID, v.txID) && isOrAny(f.PGTxID, v.pgTxID) &&
		isOrAny(f.PGMerchantID, v.channel.merchantID) && isOrAny(f.Version, "V2") &&
		(f.IsTest == nil || *f.IsTest == v.channel.test) &&
		inOrAny(f.Statuses, v.status) && inOrAny(f.PGProviders, v.channel.pgProvider()) &&
		inOrAny(f.PGCompanies, v.channel.company()) && inOrAny(f.Carriers, v.known("operator")) &&
		f.Customer.matches(v)
}

func (f listCustomer) matches(v identityVerification) bool {
	year, month, day := v.born()
	return isOrAny(f.Name, v.known("name")) && isOrAny(f.PhoneNumber, v.known("phoneNumber")) &&
		isOrAny(f.Gender, v.known("gender")) && isOrAny(f.BirthYear, year) &&
		isOrAny(f.BirthMonth, month) && isOrAny(f.BirthDay, day)
}

func (v identityVerification) born() (year, month, day string) {
	if v.status != statusVerified {
		return v.requested["birthYear"], v.requested["birthMonth"], v.requested["birthDay"]
	}
	year, rest, _ := strings.Cut(v.known("birthDate"), "-")
	month, day, _ = strings.Cut(rest, "-")
	return year, month, day
}

// known is what is known of the customer: of those who are verified by the
// gateway, of the rest by the merchant.
func (v identityVerification) known(field string) string {
	if v.status != statusVerified {
		return v.requested[field]
	}
	text, _ := v.customer[field].(string)
	return text
}

func isOrAny(wanted, is string) bool { return wanted == "" || wanted == is }

func inOrAny(wanted []string, is string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, is)
}
