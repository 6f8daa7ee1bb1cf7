package people

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/passkeys"
)

// A User is a line of `user list --json`.
type User struct {
	ID           uint       `json:"id"`
	Name         string     `json:"name"`   // "": none
	Proof        string     `json:"proof"`  // "", claimed, directory, provider or operator
	Proved       bool       `json:"proved"` // @me stands for the name
	Role         string     `json:"role"`   // user, helper or admin
	Zone         string     `json:"zone"`   // "" is UTC
	Disabled     string     `json:"disabled"`
	DisabledBy   string     `json:"disabled_by"`
	Created      time.Time  `json:"created"`
	Used         *time.Time `json:"used"` // when they were signed in last; null: never
	Filters      int        `json:"filters"`
	Destinations int        `json:"destinations"`
	Refused      int        `json:"refused"` // destinations that refuse what is sent
}

// A Whole is `user show --json`.
type Whole struct {
	User
	Identities []Identity    `json:"identities"`
	Addresses  []Destination `json:"addresses"`
	Rules      []Filter      `json:"rules"`
	Sessions   []Session     `json:"sessions"`
	Tokens     []Token       `json:"tokens"`
}

// An Identity is an account elsewhere that signs somebody in.
type Identity struct {
	Issuer  string   `json:"issuer"`
	Subject string   `json:"subject"`
	Name    string   `json:"name,omitempty"`
	Groups  []string `json:"groups,omitempty"`
}

// A Session is where somebody is signed in.
type Session struct {
	ID      uint      `json:"id"`
	Way     string    `json:"way"`
	Network string    `json:"network"`
	Agent   string    `json:"agent"`
	Begun   time.Time `json:"begun"`
	Used    time.Time `json:"used"`
}

// What a list of users can be restricted to.
const (
	OnlyClaimed  = "claimed"
	OnlyDisabled = "disabled"
	OnlyRefused  = "refused"
)

// listUsers gives a page of users, by their numbers.
func (d *Desk) listUsers(ctx context.Context, a Ask) (any, error) {
	found, err := d.Prefs.Operators.List(ctx, prefs.AccountQuery{
		Claimed: slices.Contains(a.Only, OnlyClaimed), Disabled: slices.Contains(a.Only, OnlyDisabled),
		Stopped: slices.Contains(a.Only, OnlyRefused), After: a.After,
	})
	list := make([]User, 0, len(found))
	for _, one := range found {
		list = append(list, d.user(one))
	}
	return list, err
}

func (d *Desk) user(a prefs.Account) User {
	u := User{
		ID: a.ID, Name: a.Name, Proof: string(a.User.Proof), Proved: a.Me(d.Claimed != nil && d.Claimed()) != "",
		Role: accounts.User.String(), Zone: a.Zone, Disabled: a.User.Disabled, DisabledBy: a.User.DisabledBy,
		Created: a.Created, Filters: a.Filters, Destinations: a.Destinations, Refused: a.Stopped,
	}
	if d.Role != nil {
		u.Role = d.Role(a.User).String()
	}
	if !a.Used.IsZero() {
		u.Used = &a.Used
	}
	return u
}

// showUser gives all that is known of one person.
func (d *Desk) showUser(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	found, err := d.Prefs.Operators.Get(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	if err := d.Prefs.Operators.Looked(ctx, u.ID, "notifyd user show"); err != nil {
		return nil, err
	}
	all := Whole{User: d.user(found), Sessions: []Session{}, Identities: []Identity{}}
	if all.Addresses, err = d.destinations(ctx, u); err != nil {
		return nil, err
	}
	if all.Rules, err = d.filters(ctx, u); err != nil {
		return nil, err
	}
	if all.Tokens, err = d.tokens(ctx, u); err != nil {
		return nil, err
	}
	logins, err := d.Prefs.Logins.List(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	for _, l := range logins {
		all.Sessions = append(all.Sessions, Session{ID: l.ID, Way: l.Way, Network: l.Network, Agent: l.Agent,
			Begun: l.Created, Used: l.Used})
	}
	known, err := d.Prefs.Accounts.Identities(ctx, u.ID)
	for _, k := range known {
		all.Identities = append(all.Identities, Identity{k.Issuer, k.Subject, k.Name, k.Groups})
	}
	return all, err
}

// A Done says whom a change was about.
type Done struct {
	ID    uint   `json:"id"`
	Name  string `json:"name"`
	Count int    `json:"count,omitempty"`
	Token string `json:"token,omitempty"` // the token that was made; it is shown this once
}

func (d *Desk) renameUser(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	if u.Proof.Proves(false) {
		return nil, fault(Failed, "the name %s is proved, so nobody chooses another; user assign gives one on your word", u.Name)
	}
	if err := d.Prefs.Accounts.Rename(ctx, u.ID, a.Text); err != nil {
		return nil, taken(err, a.Text)
	}
	return Done{ID: u.ID, Name: a.Text}, d.changed(ctx, u, "An operator has renamed your account",
		"Your account is named "+a.Text+" now.", "/settings")
}

// deleteUser tells nobody: all addresses to tell it to are gone.
func (d *Desk) deleteUser(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	if err := d.Prefs.Accounts.Delete(ctx, u.ID); err != nil {
		return nil, err
	}
	if d.Changed != nil {
		d.Changed()
	}
	return Done{ID: u.ID, Name: u.Name}, nil
}

func (d *Desk) endSessions(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	ended, err := d.Prefs.Logins.EndOthers(ctx, u.ID, 0)
	if err != nil {
		return nil, err
	}
	return Done{ID: u.ID, Name: u.Name, Count: ended}, d.tell(ctx, u.ID, "An operator has ended all your sessions",
		"Whoever was signed in to your account has to sign in again.", "/settings")
}

// resetPasskeys takes all passkeys of an account away, whose owner has lost them. The owner is told by the store
// (prefs.Config.Told), with a link that brings them back.
func (d *Desk) resetPasskeys(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	had, err := d.Prefs.Passkeys.List(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	err = d.Prefs.Passkeys.Reset(ctx, u.ID)
	if errors.Is(err, passkeys.ErrNone) {
		return nil, fault(NotThere, "this account has no passkey")
	}
	return Done{ID: u.ID, Name: u.Name, Count: len(had)}, err
}

// auditPage is how many entries one answer has.
const auditPage = 200

// An Entry is a line of `user audit --json`, and where the next page begins.
type Entry struct {
	accounts.Line
	ID   int64  `json:"id"`
	Said string `json:"said"` // what was done, in words
	Who  string `json:"who"`  // who did it, in words
}

// audit gives a page of who changed what of an account, oldest first; of all accounts where none is named.
func (d *Desk) audit(ctx context.Context, a Ask) (any, error) {
	id := uint(0)
	if a.User != "" {
		u, err := d.find(ctx, a.User)
		if err != nil {
			return nil, err
		}
		id = u.ID
	}
	list := []Entry{}
	for e, err := range d.Prefs.Audit.Walk(ctx, id, a.Since) {
		if err != nil {
			return nil, err
		}
		if e.ID <= a.Entries {
			continue
		}
		who := e.By.By()
		if e.By.Kind == accounts.Person {
			who = "its owner" // whoever reads this is somebody else
		}
		list = append(list, Entry{e.Line(), e.ID, e.What.Words(), who})
		if len(list) == auditPage {
			break
		}
	}
	return list, nil
}
