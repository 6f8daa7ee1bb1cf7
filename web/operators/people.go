package operators

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/visit"
)

// disable switches an account off: nothing is sent and nobody signs in. Its owner reads the reason.
func (o Options) disable(v *visit.Visit) (*visit.View, error) {
	a, err := o.there(v)
	if err != nil {
		return nil, err
	}
	if a.ID == v.User.ID {
		return nil, visit.Fail(http.StatusConflict, "This is your own account: nobody could switch it on again for you.")
	}
	reason := v.Form("reason")
	if reason == "" {
		return nil, visit.Fail(http.StatusUnprocessableEntity, "Say why: its owner reads it.")
	}
	if err := o.Accounts.Disable(v.Context(), a.ID, reason, accounts.ByOperator); err != nil {
		return nil, refused(err)
	}
	err = o.say(v, a.User, SwitchedOff(reason))
	return &visit.View{To: accountPage(a.ID), Tone: "good", Flash: "Switched off " + title(a.User) + ".",
		Changed: true}, err
}

// enable switches an account on again. What waited is sent.
func (o Options) enable(v *visit.Visit) (*visit.View, error) {
	a, err := o.there(v)
	if err != nil {
		return nil, err
	}
	if err := o.Accounts.Enable(v.Context(), a.ID, accounts.ByOperator); err != nil {
		return nil, refused(err)
	}
	err = o.say(v, a.User, SwitchedOn())
	return &visit.View{To: accountPage(a.ID), Tone: "good", Flash: "Switched on " + title(a.User) + ".",
		Changed: true}, err
}

// nameView asks for a name.
type nameView struct{ Page, Name, Now, Proof string }

func (o Options) askName(v *visit.Visit) (*visit.View, error) {
	a, err := o.there(v)
	if err != nil {
		return nil, err
	}
	return &visit.View{Template: "operators-name", Title: "The name of " + title(a.User), Here: tab,
		Data: nameView{accountPage(a.ID), title(a.User), a.Name, a.User.Proof.Words()}}, nil
}

// name gives an account a name on the bus, on the word of the operator; without one it takes the name away.
func (o Options) name(v *visit.Visit) (*visit.View, error) {
	a, err := o.there(v)
	if err != nil {
		return nil, err
	}
	name := v.Form("name")
	err = o.Accounts.Assign(v.Context(), a.ID, name)
	if errors.Is(err, prefs.ErrTaken) {
		return nil, visit.Fail(http.StatusConflict, fmt.Sprintf("The name %q is another person's, or was: nobody else gets "+
			"it. If it is the same person, let go of the name first, at the command line.", text.OneLine(name)))
	}
	if err != nil {
		return nil, refused(err)
	}
	words := "Your name on the bus is " + name + " now. @me in your filters stands for it."
	flash := title(a.User) + " is " + name + " now."
	if name == "" {
		words = "Your account has no name on the bus now. @me in your filters stands for nobody."
		flash = title(a.User) + " has no name now."
	}
	err = o.tell(v, a.User, "An operator has changed your name on the bus", words, "/settings/history")
	return &visit.View{To: accountPage(a.ID), Tone: "good", Flash: flash, Changed: true}, err
}

// invitationsView is who may make an account, where that needs an invitation.
type invitationsView struct {
	Lines []invitationLine
	Admin bool
	Life  string
}

type invitationLine struct{ Subject, Shown, By, Expires string }

// invited lists the invitations that can be taken up.
func (o Options) invited(v *visit.Visit) (*visit.View, error) {
	list, err := o.Invitations.List(v.Context())
	if err != nil {
		return nil, err
	}
	page := invitationsView{Admin: v.Role >= accounts.Admin, Life: text.Plural(int(o.InvitationLife/(24*time.Hour)),
		"day", "days")}
	for _, i := range list {
		page.Lines = append(page.Lines, invitationLine{Subject: i.Subject, Shown: address(i.Subject, v.Role), By: i.By,
			Expires: moment(i.Expires, v.Zone)})
	}
	return &visit.View{Template: "operators-invitations", Title: "Invitations", Here: tab, Data: page}, nil
}

// invite lets an address or a name make an account.
func (o Options) invite(v *visit.Visit) (*visit.View, error) {
	subject := v.Form("subject")
	_, err := o.Invitations.Invite(v.Context(), subject, o.InvitationLife)
	var wrong *accounts.NameError
	if errors.As(err, &wrong) {
		return nil, visit.Fail(http.StatusUnprocessableEntity, "An address or a name is needed: it "+wrong.Problem+".")
	}
	if err != nil {
		return nil, err
	}
	return &visit.View{To: "/operators/invitations", Tone: "good", Flash: "Invited " + text.OneLine(subject) +
		". No mail was sent: tell them the address of this site."}, nil
}

// withdraw takes an invitation back.
func (o Options) withdraw(v *visit.Visit) (*visit.View, error) {
	there, err := o.Invitations.Withdraw(v.Context(), v.Form("subject"))
	if err == nil && !there {
		err = prefs.ErrNotFound
	}
	return &visit.View{To: "/operators/invitations", Tone: "good", Flash: "The invitation is taken back."}, err
}
