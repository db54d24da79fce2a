package sandbox

import "net/http"

// ending is what window.js tells the page that opened the window.
type ending struct {
	Opener string // origin to tell; "" means nobody
	Result string // JSON: what closing the window now would mean
	Done   bool   // the window has nothing more to show
}

type refusalView struct {
	ending
	Message string
}

type windowView struct {
	ending
	Key      string
	Company  string
	Carrier  string
	Carriers []string
	Groups   []groupView
	Notice   string
	MinAge   int
	Left     int // codes that may still be typed
	Code     string
	Phone    string
	Redirect bool
	Success  bool
	Pressing bool // the notice is about the field, not a piece of news
}

type groupView struct {
	Name   string
	People []personView
}

type personView struct {
	Person
	Birthday string
	Age      int
	Chosen   bool
}

func (s *Server) windowView(key string, w window) windowView {
	v := windowView{
		ending: ending{Opener: w.opener, Result: jsonText(w.outcome()), Done: w.ended()},
		Key:    key, Company: w.company, Carrier: w.carrier, Carriers: carriers(),
		Groups: s.groups(w.person), Notice: w.notice, MinAge: w.minAge, Left: w.left(), Code: w.code,
		Redirect: w.redirect != "", Success: w.step == succeeded,
		Pressing: w.notice != "" && w.notice != "sent_again",
	}
	if person, err := findPerson(w.person); err == nil {
		v.Phone = person.phone[:3] + "\u2011****\u2011" + person.phone[7:] // hyphens that do not break
	}
	return v
}

// groups lists the people under the headings of the window.
func (s *Server) groups(chosen string) []groupView {
	today := dateOf(s.now())
	var groups []groupView
	for _, p := range People() {
		if len(groups) == 0 || groups[len(groups)-1].Name != p.group {
			groups = append(groups, groupView{Name: p.group})
		}
		g := &groups[len(groups)-1]
		birth := p.birth(today)
		g.People = append(g.People, personView{p, birth.String(), birth.fullAge(today), p.ID == chosen})
	}
	return groups
}

type homeView struct {
	Origin, Code, Key, Secret string
	StoreID, APISecret        string
	Channels                  []channelView
	Groups                    []groupView
}

type channelView struct {
	Key, Provider string
	Test          bool
}

// home explains the sandbox. Credentials of the caller's own are not shown.
func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	v := homeView{Origin: "http://" + r.Host, Code: s.code, StoreID: s.storeID, Groups: s.groups("")}
	if r.TLS != nil {
		v.Origin = "https://" + r.Host
	}
	if s.key == DefaultKey {
		v.Key = s.key
	}
	if s.secret == DefaultSecret {
		v.Secret = s.secret
	}
	if s.apiSecret == DefaultAPISecret {
		v.APISecret = s.apiSecret
	}
	for _, c := range channels() {
		v.Channels = append(v.Channels, channelView{c.key, c.provider, c.test})
	}
	s.render(w, r, http.StatusOK, "home", v, "")
}
