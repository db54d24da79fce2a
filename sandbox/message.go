package sandbox

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	maxMessages = 100
	methodSMS   = "SMS"
	methodApp   = "APP"
)

// sentMessage is a request to a person's phone that waits for its answer: six
// digits, or with the app (PASS) a consent that the sandbox takes as given.
type sentMessage struct {
	person Person
	phone  string
	method string
	code   string // "" with the app
	wrong  int
}

// accepts reports whether otp answers the message. A test channel of KCP takes
// any six digits, as the vendor's does.
func (m sentMessage) accepts(otp string, c channel) bool {
	switch {
	case m.person.unfinished:
		return false
	case m.method == methodApp:
		return true
	case c.test && c.provider == KCP:
		return isDigits(otp, 6)
	}
	return otp == m.code
}

// A phoneMessage is what the person would read on their phone.
type phoneMessage struct {
	Phone  string    `json:"phone"`
	Code   string    `json:"code"`
	SentAt time.Time `json:"sent_at"`
}

// outbox keeps the newest messages, for those who act the person.
type outbox struct {
	mu       sync.Mutex
	messages []phoneMessage // newest first
}

func (o *outbox) add(m phoneMessage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.messages = slices.Insert(o.messages, 0, m)
	o.messages = o.messages[:min(len(o.messages), maxMessages)]
}

func (o *outbox) to(phone string) []phoneMessage {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := []phoneMessage{}
	for _, m := range o.messages {
		if phone == "" || m.Phone == phone {
			found = append(found, m)
		}
	}
	return found
}

// SentCode returns the six digits last sent to a test person's phone by the
// API (POST …/send, …/resend or otp/request), or "".
func (s *Server) SentCode(phone string) string {
	if found := s.outbox.to(phone); phone != "" && len(found) > 0 {
		return found[0].Code
	}
	return ""
}

// listMessages is GET /sandbox/messages, with ?phone= for one phone.
func (s *Server) listMessages(w http.ResponseWriter, r *http.Request) {
	writePlainJSON(w, http.StatusOK, map[string]any{"messages": s.outbox.to(onlyDigits(r.URL.Query().Get("phone")))})
}

// send writes a message to a person's phone.
func (s *Server) send(p Person, method string) (*sentMessage, error) {
	m := &sentMessage{person: p, phone: p.phone, method: method}
	if method == methodApp {
		return m, nil
	}
	code, err := randomDigits(6)
	if err != nil {
		return nil, err
	}
	m.code = code
	s.outbox.add(phoneMessage{Phone: p.phone, Code: code, SentAt: s.now().UTC()})
	return m, nil
}

func isDigits(s string, n int) bool { return len(s) == n && onlyDigits(s) == s }

// onlyDigits drops what the vendor drops from numbers that people typed.
func onlyDigits(s string) string {
	digits := []byte{}
	for _, c := range []byte(s) {
		if c >= '0' && c <= '9' {
			digits = append(digits, c)
		}
	}
	return string(digits)
}

// Particulars are what a person types into a form of the application's own.
type Particulars struct {
	Name        string `json:"name"`
	PhoneNumber string `json:"phone_number"`
	// IdentityNumber is the first seven digits of the registration number:
	// V2's identityNumber, V1's birth and gender_digit.
	IdentityNumber string `json:"identity_number"`
}

// ParticularsOf returns those of a test person as of today; GET /sandbox/people
// tells the same. Its error lists the known people.
func (s *Server) ParticularsOf(person string) (Particulars, error) {
	p, err := findPerson(person)
	if err != nil {
		return Particulars{}, err
	}
	return p.particulars(dateOf(s.now())), nil
}

func (p Person) particulars(today date) Particulars {
	return Particulars{p.name, p.phone, p.registration(today)}
}

// personByParticulars finds whom a form describes: all of it has to be right.
func personByParticulars(typed Particulars, today date) (Person, bool) {
	for _, p := range People() {
		if p.particulars(today) == typed {
			return p, true
		}
	}
	return Person{}, false
}

// registration is YYMMDD and the digit for century, sex and nationality: 1 2
// and 5 6 for those born before 2000, 3 4 and 7 8 for the rest.
func (p Person) registration(today date) string {
	born := p.birth(today)
	digit := byte('1')
	if p.gender == "female" {
		digit++
	}
	if born.year >= 2000 {
		digit += 2
	}
	if p.nationality == foreign {
		digit += 4
	}
	s := born.String()
	return s[2:4] + s[5:7] + s[8:10] + string(digit)
}
