package security

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/notifyd/notifyd/prefs/passkeys"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/visit"
)

// What the session keeps of passkeys.
const (
	shelfAdd   = "passkey-add"   // passkeys.Ceremony
	shelfIn    = "passkey-in"    // passkeys.Ceremony, of a sign-in
	shelfFresh = "passkey-fresh" // passkeys.Ceremony
	shelfHalf  = "passkey-half"  // half
)

// passkeyLimit bounds the answer of a browser.
const passkeyLimit = 32 << 10

// passkeyPage has the browser make or show a passkey.
type passkeyPage struct {
	Title, Text, Button, Problem string
	Action, To                   string
	Kind                         string // what the browser does: create or get
	Options                      string // JSON: what it is asked for
	Lost                         bool   // say what to do who has lost it
}

// passkeyLine is a passkey in the list.
type passkeyLine struct {
	ID                    uint
	Name, Made            string
	Used, UsedStamp, Page string
	Copied                bool
}

func (p pages) passkeyPages() []visit.Page {
	const own = "/settings/security/passkeys"
	return []visit.Page{
		{Pattern: "POST " + own, Fresh: true, Serve: p.askPasskey},
		{Pattern: "POST " + own + "/add", Fresh: true, Limit: passkeyLimit, Serve: p.addPasskey},
		{Pattern: "POST " + own + "/{id}/remove", Fresh: true, Serve: p.removePasskey},
		{Pattern: "GET /signin/passkey", For: visit.Everybody, Serve: p.showHalf},
		{Pattern: "POST /signin/passkey", For: visit.Everybody, Limit: passkeyLimit, Serve: p.finishHalf},
		{Pattern: "POST /fresh/passkey", Serve: p.askFreshPasskey},
		{Pattern: "POST /fresh/passkey/shown", Limit: passkeyLimit, Serve: p.freshenByPasskey},
	}
}

func (p pages) passkeys(v *visit.Visit) (list []passkeyLine, err error) {
	all, err := p.Passkeys.List(v.Context(), v.User.ID)
	for _, k := range all {
		line := passkeyLine{ID: k.ID, Name: k.Name, Made: visit.Ago(k.Made, v.Now, v.Zone), Copied: k.Copied}
		if !k.Used.IsZero() {
			line.Used, line.UsedStamp = visit.Ago(k.Used, v.Now, v.Zone), stamp(k.Used)
		}
		list = append(list, line)
	}
	return list, err
}

// party returns the site as passkeys know it, or says why there are none here.
func (p pages) party() (*passkeys.Party, error) {
	if p.Party == nil {
		return nil, visit.Fail(http.StatusConflict, "There are no passkeys here: "+p.NoPasskeys+".")
	}
	return p.Party, nil
}

// askPasskey has the browser make one.
func (p pages) askPasskey(v *visit.Visit) (*visit.View, error) {
	party, err := p.party()
	if err != nil {
		return nil, err
	}
	have, err := p.Passkeys.List(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	if len(have) >= passkeys.Most {
		return nil, sayPasskey(passkeys.ErrMost)
	}
	account := v.User.Name
	if addresses, err := p.addresses(v); err == nil && account == "" && len(addresses) > 0 {
		account = addresses[0].Address
	}
	c, err := party.AskAdd(v.User.ID, account, v.Form("name"), have, v.Now)
	if err != nil {
		return nil, err
	}
	if err := put(v, shelfAdd, c, v.Now.Add(passkeys.Life)); err != nil {
		return nil, err
	}
	return p.passkeyView(http.StatusOK, passkeyPage{
		Title: "Add a passkey", Button: "Make the passkey", Kind: "create", Options: string(c.Options),
		Action: "/settings/security/passkeys/add",
		Text: "Your browser asks now where the passkey " + c.Name + " shall be: on this device, on your phone, or on a " +
			"security key. From then on a link that is mailed to you asks for it.",
	}), nil
}

func (p pages) passkeyView(status int, page passkeyPage) *visit.View {
	return &visit.View{Status: status, Template: "passkey", Title: page.Title, Here: "settings", Data: page}
}

// addPasskey takes what the browser has made.
func (p pages) addPasskey(v *visit.Visit) (*visit.View, error) {
	party, err := p.party()
	if err != nil {
		return nil, err
	}
	var c passkeys.Ceremony
	if !take(v, shelfAdd, &c) {
		return nil, tooLate("Add the passkey again.")
	}
	if err := p.Passkeys.Add(v.Context(), party, v.User.ID, c, []byte(v.Form("response"))); err != nil {
		return nil, sayPasskey(err)
	}
	return &visit.View{To: "/settings/security", Tone: "good",
		Flash: "Added the passkey " + c.Name + ". A link that is mailed to you asks for it from now on."}, nil
}

func (p pages) removePasskey(v *visit.Visit) (*visit.View, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	if err := p.Passkeys.Remove(v.Context(), v.User.ID, id); err != nil {
		return nil, sayPasskey(err)
	}
	return &visit.View{To: "/settings/security", Tone: "good", Flash: "The passkey is removed."}, nil
}

// askFreshPasskey has the browser show one.
func (p pages) askFreshPasskey(v *visit.Visit) (*visit.View, error) {
	return p.showFreshPasskey(v, http.StatusOK, "")
}

func (p pages) showFreshPasskey(v *visit.Visit, status int, problem string) (*visit.View, error) {
	c, err := p.askUse(v, v.User.ID)
	if err != nil {
		return nil, err
	}
	if err := put(v, shelfFresh, c, v.Now.Add(passkeys.Life)); err != nil {
		return nil, err
	}
	return p.passkeyView(status, passkeyPage{
		Title: "Show your passkey", Button: "Show my passkey", Kind: "get", Options: string(c.Options), Problem: problem,
		Action: "/fresh/passkey/shown", To: signin.SafePath(v.Form("to")),
		Text: "Then you can change for 10 minutes what lets somebody into your account.",
	}), nil
}

// askUse begins to have a passkey shown.
func (p pages) askUse(v *visit.Visit, user uint) (passkeys.Ceremony, error) {
	party, err := p.party()
	if err != nil {
		return passkeys.Ceremony{}, err
	}
	have, err := p.Passkeys.List(v.Context(), user)
	if err != nil {
		return passkeys.Ceremony{}, err
	}
	c, err := party.AskUse(user, have, v.Now)
	if errors.Is(err, passkeys.ErrNone) {
		err = sayPasskey(err)
	}
	return c, err
}

// freshenByPasskey takes what the browser has shown.
func (p pages) freshenByPasskey(v *visit.Visit) (*visit.View, error) {
	problem, err := p.prove(v, shelfFresh, v.User.ID)
	if err != nil {
		return nil, err
	}
	if problem != "" {
		return p.showFreshPasskey(v, http.StatusUnprocessableEntity, problem)
	}
	return &visit.View{To: signin.SafePath(v.Form("to")), Freshen: true, Tone: "good",
		Flash: "Thank you. For 10 minutes you can make such changes."}, nil
}

// prove checks a passkey that was shown, and says what is wrong with it. What was asked is used up in any case.
func (p pages) prove(v *visit.Visit, kept string, user uint) (problem string, err error) {
	party, err := p.party()
	if err != nil {
		return "", err
	}
	var c passkeys.Ceremony
	if !take(v, kept, &c) {
		return "That took too long, or was used already. Show your passkey once more.", nil
	}
	if v.Form("response") == "" {
		return "The browser has sent no passkey. A passkey needs JavaScript: allow it for this page.", nil
	}
	err = p.Passkeys.Prove(v.Context(), party, user, c, []byte(v.Form("response")))
	switch {
	case errors.Is(err, passkeys.ErrWrong):
		return "That was no passkey of this account, or it came too late. Try once more.", nil
	case errors.Is(err, passkeys.ErrCopied):
		return "This passkey may have been copied: it has signed less often than it had before. So it is taken no more. " +
			"Use another one, or ask an operator.", nil
	}
	return "", err
}

// sayPasskey puts an error into words for its owner.
func sayPasskey(err error) error {
	switch {
	case errors.Is(err, passkeys.ErrWrong):
		return visit.Fail(http.StatusUnprocessableEntity, "The browser has sent no passkey that can be used here, so "+
			"nothing was added. A passkey needs JavaScript.")
	case errors.Is(err, passkeys.ErrMost):
		return visit.Fail(http.StatusConflict, "You have as many passkeys as one account may. Remove one first.")
	case errors.Is(err, passkeys.ErrKnown):
		return visit.Fail(http.StatusConflict, "This passkey is here already.")
	case errors.Is(err, passkeys.ErrNone):
		return visit.Fail(http.StatusNotFound, "There is no such passkey any more.")
	}
	return err
}

func tooLate(then string) error {
	return visit.Fail(http.StatusGone, "That took too long, or was used already. "+then)
}

func put(v *visit.Visit, name string, value any, until time.Time) error {
	raw, err := json.Marshal(value)
	if err == nil {
		v.Shelf.Put(name, raw, until)
	}
	return err
}

// take reads what is on the shelf, once. It reports whether there is something.
func take(v *visit.Visit, name string, into any) bool {
	raw := v.Shelf.Take(name)
	return raw != nil && json.Unmarshal(raw, into) == nil
}

func get(v *visit.Visit, name string, into any) bool {
	raw := v.Shelf.Get(name)
	return raw != nil && json.Unmarshal(raw, into) == nil
}
