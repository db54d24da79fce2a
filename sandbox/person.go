package sandbox

import (
	"slices"
	"strings"
	"time"
)

// The ids of the test people; see [People] for what each one is for.
const (
	Adult              = "adult"
	NineteenToday      = "nineteen-today"
	NineteenTomorrow   = "nineteen-tomorrow"
	NineteenThisYear   = "nineteen-this-year"
	Minor              = "minor"
	Under14            = "under-14"
	LeapDay            = "leap-day"
	NewYear            = "new-year"
	SummerTime         = "summer-time"
	Before1970         = "before-1970"
	Foreigner          = "foreigner"
	NationalityUnknown = "nationality-unknown"
	NoDI               = "no-di"
	NoCI               = "no-ci"
	NeverFinishes      = "never-finishes"
	FinishesLate       = "finishes-late"
	TestChannel        = "test-channel"
)

// The payment gateways (pg_provider) the sandbox speaks for. Each leaves its
// own marks on a record: danal sends no phone and no carrier key unless the
// carriers approved the merchant, inicis_unified sends a phone but neither
// carrier nor DI, kcp_v2 sends everything.
const (
	Danal         = "danal"
	InicisUnified = "inicis_unified"
	KCP           = "kcp_v2"
)

// Person is an invented person, made to meet one case that an application has
// to get right. Nothing in it belongs to anybody.
type Person struct {
	// ID names the person for ever, e.g. "adult".
	ID string `json:"id"`
	// Title is a short Korean name of the case; TitleEN the same in English.
	Title   string `json:"title"`
	TitleEN string `json:"title_en"`
	// Reason says in Korean what the person is there to find out; ReasonEN
	// the same in English.
	Reason   string `json:"reason"`
	ReasonEN string `json:"reason_en"`
	// Providers are the pg_provider values through which the person can be
	// met; the first is used unless another is asked for.
	Providers []string `json:"pg_providers"`

	group       string // heading in the window: age, birth, nationality or record
	name        string
	gender      string
	phone       string
	birth       func(today date) date
	nationality nationality
	noCI        bool
	testMID     bool
	unfinished  bool
	late        time.Duration // between the end in the window and that of the record
}

type nationality int

const (
	korean nationality = iota
	foreign
	nationalityUnknown
)

// provider answers the gateway to use, or false when the person cannot be met
// through the wanted one.
func (p Person) provider(wanted string) (string, bool) {
	if wanted == "" {
		return p.Providers[0], true
	}
	return wanted, slices.Contains(p.Providers, wanted)
}

// finishes is when lookups see what was verified at that time; zero means at
// once.
func (p Person) finishes(at time.Time) time.Time {
	if p.late == 0 {
		return time.Time{}
	}
	return at.Add(p.late)
}

// nearest is the wanted gateway if the person can be met through it, and their
// usual one if not.
func (p Person) nearest(wanted string) string {
	if provider, ok := p.provider(wanted); ok {
		return provider
	}
	return p.Providers[0]
}

// People answers the test people in the order in which the window shows them.
// The slice is the caller's own.
func People() []Person {
	return slices.Concat(
		grouped("age", peopleByAge()),
		grouped("birth", peopleByBirth()),
		grouped("nationality", peopleByNationality()),
		grouped("record", peopleByRecord()),
	)
}

func grouped(group string, people []Person) []Person {
	for i := range people {
		people[i].group = group
		if people[i].Providers == nil {
			people[i].Providers = []string{Danal, InicisUnified, KCP}
		}
	}
	return people
}

func personIDs() []string {
	var ids []string
	for _, p := range People() {
		ids = append(ids, p.ID)
	}
	return ids
}

func findPerson(id string) (Person, error) {
	for _, p := range People() {
		if p.ID == id {
			return p, nil
		}
	}
	return Person{}, &inputError{code: "unknown_person",
		message: "there is no such test person; use one of " + strings.Join(personIDs(), ", ")}
}
