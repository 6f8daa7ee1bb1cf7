package people

import (
	"context"
	"errors"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/operators"
)

// disableUser switches an account off: nobody is signed in by it, and nothing is sent, until it is switched on again.
// Its owner reads the reason when signing in, and in a mail.
func (d *Desk) disableUser(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	if err := d.Prefs.Accounts.Disable(ctx, u.ID, a.Text, accounts.ByOperator); err != nil {
		return nil, err
	}
	if d.Changed != nil {
		d.Changed()
	}
	return Done{ID: u.ID, Name: u.Name}, d.say(ctx, u.ID, operators.SwitchedOff(a.Text))
}

func (d *Desk) enableUser(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	if err := d.Prefs.Accounts.Enable(ctx, u.ID, accounts.ByOperator); err != nil {
		return nil, err
	}
	if d.Changed != nil {
		d.Changed()
	}
	return Done{ID: u.ID, Name: u.Name}, d.say(ctx, u.ID, operators.SwitchedOn())
}

// assignName gives an account a name on the word of whoever asks, or takes it away.
func (d *Desk) assignName(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	if err := d.Prefs.Accounts.Assign(ctx, u.ID, a.Text); err != nil {
		return nil, taken(err, a.Text)
	}
	title, text := "An operator has given your account the name "+a.Text, "@me in your filters stands for it from now on."
	if a.Text == "" {
		title, text = "An operator has taken the name from your account", "@me in your filters stands for nobody now."
	}
	return Done{ID: u.ID, Name: a.Text}, d.changed(ctx, u, title, text, "/settings")
}

// taken says what to do about a name that somebody has, or had.
func taken(err error, name string) error {
	if errors.Is(err, prefs.ErrTaken) {
		return fault(Failed, "the name %[1]s is another person's, or was: user show name:%[1]s shows who has it, and where "+
			"nobody has it any more, user free %[1]s lets go of it", name)
	}
	return err
}

// freeName lets anybody have a name again that a person of before had.
func (d *Desk) freeName(ctx context.Context, a Ask) (any, error) {
	return Done{Name: a.Text}, d.Prefs.Accounts.Free(ctx, a.Text)
}

// A Rebinding is what came of moving identities to another provider: `user rebind --json`.
type Rebinding struct {
	Moved   int      `json:"moved"`
	Unknown []string `json:"unknown"` // subjects of before that lead to no account
	Bound   []string `json:"bound"`   // subjects of now that lead to another account already
}

// rebind moves identities, when a community changes its provider. Without subjects all keep theirs.
func (d *Desk) rebind(ctx context.Context, a Ask) (any, error) {
	subjects := a.Subjects
	if len(subjects) == 0 {
		all, err := d.Prefs.Accounts.SubjectsOf(ctx, a.From)
		if err != nil {
			return nil, err
		}
		subjects = map[string]string{}
		for _, s := range all {
			subjects[s] = s
		}
	}
	done, err := d.Prefs.Accounts.Rebind(ctx, a.From, a.Text, subjects)
	return Rebinding{done.Moved, append([]string{}, done.Unknown...), append([]string{}, done.Bound...)}, err
}

// An Invitation lets somebody make an account, where that needs one.
type Invitation struct {
	Subject string    `json:"subject"` // an address, or a name that is proved
	By      string    `json:"by"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
}

func (d *Desk) invite(ctx context.Context, a Ask) (any, error) {
	made, err := d.Prefs.Invitations.Invite(ctx, a.Text, a.For)
	if err != nil {
		return nil, fault(Failed, "%v", err)
	}
	return Invitation(made), nil
}

func (d *Desk) listInvitations(ctx context.Context, _ Ask) (any, error) {
	found, err := d.Prefs.Invitations.List(ctx)
	list := make([]Invitation, 0, len(found))
	for _, one := range found {
		list = append(list, Invitation(one))
	}
	return list, err
}

func (d *Desk) withdraw(ctx context.Context, a Ask) (any, error) {
	was, err := d.Prefs.Invitations.Withdraw(ctx, a.Text)
	if err == nil && !was {
		err = fault(NotThere, "%s is not invited", a.Text)
	}
	return Done{Name: a.Text}, err
}
