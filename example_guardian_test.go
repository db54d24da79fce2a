package certify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

// A consent is what a guardian was asked for one child, and what is kept as
// proof that they agreed.
type consent struct {
	Child    string // the child's account
	Agreed   bool   // the guardian ticked the box, on the page that says to what
	Verified time.Time
	Channel  string // "danal"
	Guardian string // keyed hash of the DI: who it was, without a name
}

// consents are the app's. The ticket is a random text, in the link that the
// guardian is sent and then in a cookie of the app's.
type consents struct {
	mu       sync.Mutex
	byTicket map[string]consent
	pepper   []byte
	now      func() time.Time
}

// accept is the app's HandlerConfig.Accept. A guardian is verified for a
// purpose: the consent is recorded, and no claim is issued to anybody.
func (c *consents) accept(r *http.Request, id *certify.Identity) (account string, err error) {
	if id.Purpose != "guardian" {
		return signedIn(r) // somebody else's ordinary verification
	}
	if id.BirthDate.AgeOn(c.now()) < 19 { // Civil Act, art. 4 and 937
		return "", &certify.Denial{Code: "guardian_not_adult", Detail: "법정대리인은 성인이어야 합니다. / A guardian must be an adult."}
	}
	ticket, err := r.Cookie("consent")
	if err != nil {
		return "", &certify.Denial{Code: "consent_not_asked", Detail: "동의 요청 링크를 다시 열어 주세요. / Please open the link again."}
	}
	return "", c.prove(ticket.Value, id)
}

// prove may be called again with the same verification: Accept must be an upsert.
func (c *consents) prove(ticket string, id *certify.Identity) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked, ok := c.byTicket[ticket]
	switch {
	case !ok || !asked.Agreed:
		return &certify.Denial{Code: "consent_not_given", Detail: "동의 내용을 확인하고 동의에 표시해 주세요. / Please read and tick the consent first."}
	case !asked.Verified.IsZero():
		return nil // the first proof stands
	}
	asked.Verified, asked.Channel = id.VerifiedAt, id.Channel
	if id.DI != "" { // a hash of nothing would be the same for everybody
		mac := hmac.New(sha256.New, c.pepper)
		mac.Write([]byte("guardian\x00" + id.DI))
		asked.Guardian = fmt.Sprintf("%x", mac.Sum(nil))
	}
	c.byTicket[ticket] = asked
	return nil
}

// mayStart is the app's HandlerConfig.AllowStart. Whoever verifies for a claim
// is signed in: else it would be nobody's, and the fee lost.
func mayStart(r *http.Request) error {
	if r.FormValue("purpose") == "guardian" {
		return nil
	}
	account, err := signedIn(r)
	if err == nil && account == "" {
		err = certify.CodeAccountRequired
	}
	return err
}

// Check makes consents a policy: it admits the child for whom there is one.
func (c *consents) Check(_ time.Time, claim *certify.Claim) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, asked := range c.byTicket {
		if claim.AccountCompared() && asked.Child == claim.Subject && !asked.Verified.IsZero() {
			return nil
		}
	}
	return &certify.Denial{Code: certify.CodeGuardianConsentRequired}
}

func (c *consents) String() string { return "a guardian has consented" }

// signedIn stands for the app's own login.
func signedIn(r *http.Request) (string, error) {
	login, err := r.Cookie("login")
	if err != nil {
		return "", nil
	}
	return login.Value, nil
}

// newFamilySite is an app whose members may be children.
func newFamilySite(sessions *certify.Sessions, provider certify.Provider, c *consents) (http.Handler, error) {
	handler, err := certify.NewHandler(certify.HandlerConfig{
		Sessions: sessions, Provider: provider, Pepper: c.pepper,
		Purposes:   []string{"guardian"},
		AllowStart: mayStart, Accept: c.accept,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/certifications", handler)
	mux.Handle("/certifications/", handler)
	// The guardian agrees here, on a page that says to what, and is then verified.
	mux.HandleFunc("POST /consent", func(w http.ResponseWriter, r *http.Request) {
		c.agree(w, r.FormValue("ticket"))
		http.Redirect(w, r, "/certifications/?purpose=guardian&return_to=/consent/thanks", http.StatusSeeOther)
	})
	club := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "the club") })
	mux.Handle("/club/", certify.Require(certify.Any(certify.NotChild14(), c))(club))
	return sessions.Load(mux), nil
}

// agree notes that the box was ticked, and gives the browser the ticket.
func (c *consents) agree(w http.ResponseWriter, ticket string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked, ok := c.byTicket[ticket]; ok {
		asked.Agreed = true
		c.byTicket[ticket] = asked
		http.SetCookie(w, &http.Cookie{Name: "consent", Value: ticket, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
}

// A child of 13 waits for a guardian's consent.
func ExampleHandlerConfig_guardian() {
	f, err := newFamily()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	child, guardian := f.browser("mina"), f.browser("")

	f.verify(child, sandbox.Under14, "")
	fmt.Println("the child:", f.club(child))

	fmt.Println("before the box is ticked:", f.verify(guardian, sandbox.Adult, "guardian"))
	f.agree(guardian, "ticket-of-mina")
	fmt.Println("somebody of 16:", f.verify(guardian, sandbox.Minor, "guardian"))
	fmt.Println("the mother:", f.verify(guardian, sandbox.Adult, "guardian"))

	fmt.Println("the child:", f.club(child))
	fmt.Println("the mother has no claim:", f.club(guardian))
	fmt.Println("another child:", f.club(f.browser("jiho")))
	// Output:
	// the child: 403 guardian_consent_required
	// before the box is ticked: 403 consent_not_asked
	// somebody of 16: 403 guardian_not_adult
	// the mother: 200
	// the child: 200
	// the mother has no claim: 401 verification_required
	// another child: 401 verification_required
}
