package security

import (
	"slices"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/passkeys"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/visit"
)

// overviewPage is the page of all that lets somebody in.
type overviewPage struct {
	Sessions   []session
	Others     int // sessions beside this one
	Tokens     []token
	Identities []identity
	More       []signin.Button // providers that may let the person in too
	Addresses  []string        // that may sign in
	NoLinks    bool            // no mailed link lets anybody in
	Passkeys   []passkeyLine
	NoPasskeys string // why there can be none
	Full       bool   // there are as many as there may be
}

type session struct {
	ID                     uint
	Agent, Place, Way      string
	Used, UsedStamp, Since string
	This                   bool
}

type token struct {
	ID                                 uint
	Name, Made, Used, UsedStamp, Place string
}

type identity struct {
	ID                              uint
	Provider, Name, Used, UsedStamp string
	Last                            bool // nothing else lets its owner in
}

func (p pages) overview(v *visit.Visit) (*visit.View, error) {
	page := overviewPage{NoLinks: p.NoMailedLinks}
	addresses, err := p.addresses(v)
	if err != nil {
		return nil, err
	}
	ways := map[uint]string{}
	for _, d := range addresses {
		page.Addresses = append(page.Addresses, d.Address)
		ways[d.ID] = d.Address
	}
	known, err := p.Accounts.Identities(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	page.Identities, page.More = p.identities(v, known, len(addresses)), p.providers(known, false)
	logins, err := p.Logins.List(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	for _, l := range logins {
		s := session{ID: l.ID, Agent: accounts.AgentWords(l.Agent), Place: place(l.Network), Way: p.wayWords(l, ways),
			Since: visit.Ago(l.Created, v.Now, v.Zone), Used: visit.Ago(l.Used, v.Now, v.Zone),
			UsedStamp: stamp(l.Used), This: l.ID == v.Login.ID}
		if s.This {
			page.Sessions = append([]session{s}, page.Sessions...)
			continue
		}
		page.Sessions, page.Others = append(page.Sessions, s), page.Others+1
	}
	if page.Tokens, err = p.tokens(v); err != nil {
		return nil, err
	}
	if page.Passkeys, err = p.passkeys(v); err != nil {
		return nil, err
	}
	page.Full = len(page.Passkeys) >= passkeys.Most
	if p.Party == nil {
		page.NoPasskeys = p.NoPasskeys
	}
	return &visit.View{Template: "security", Title: "Who is signed in", Here: "settings", Data: page}, nil
}

// addresses are those of the visitor that may sign in.
func (p pages) addresses(v *visit.Visit) (list []prefs.Destination, err error) {
	if p.NoMailedLinks {
		return nil, nil
	}
	all, err := p.Destinations.List(v.Context(), v.User.ID)
	for _, d := range all {
		if d.LetsIn() {
			list = append(list, d)
		}
	}
	return list, err
}

func (p pages) tokens(v *visit.Visit) (list []token, err error) {
	all, err := p.Tokens.List(v.Context(), v.User.ID)
	for _, t := range all {
		line := token{ID: t.ID, Name: t.Name, Made: visit.Ago(t.Created, v.Now, v.Zone)}
		if !t.Used.IsZero() {
			line.Used, line.UsedStamp, line.Place = visit.Ago(t.Used, v.Now, v.Zone), stamp(t.Used), place(t.Network)
		}
		list = append(list, line)
	}
	return list, err
}

func (p pages) identities(v *visit.Visit, known []accounts.Known, addresses int) (list []identity) {
	for _, i := range known {
		list = append(list, identity{ID: i.ID, Provider: p.SignIn.TitleOf(i.Issuer), Name: i.Name,
			Used: visit.Ago(i.Used, v.Now, v.Zone), UsedStamp: stamp(i.Used), Last: len(known)+addresses <= 1})
	}
	return list
}

// providers are those that let the visitor in already, or those that do not yet.
func (p pages) providers(known []accounts.Known, already bool) (list []signin.Button) {
	for _, b := range p.SignIn.Buttons() {
		if already == slices.ContainsFunc(known, func(i accounts.Known) bool { return i.Issuer == b.Issuer }) {
			list = append(list, b)
		}
	}
	return list
}
