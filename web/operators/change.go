package operators

import (
	"errors"
	"net/http"
	"strings"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/passkeys"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/web/visit"
)

// switchOff switches off a filter, with a reason that its owner reads on it and gets by mail.
func (o Options) switchOff(v *visit.Visit) (*visit.View, error) {
	a, err := o.there(v)
	if err != nil {
		return nil, err
	}
	id, err := v.ID("filter")
	if err != nil {
		return nil, err
	}
	f, err := o.Filters.Get(v.Context(), a.ID, rulespec.FilterID(id))
	if err != nil {
		return nil, err
	}
	reason := v.Form("reason")
	if err := o.People.SwitchOff(v.Context(), a.ID, f.ID, reason); err != nil {
		return nil, refused(err)
	}
	err = o.tell(v, a.User, "An operator has switched off your filter "+f.Name,
		"The reason: "+reason+"\n\nThe filter is kept. You may change it, and switch it on again.", "/filters")
	return &visit.View{To: accountPage(a.ID), Tone: "good", Flash: "Switched off " + f.Name + ".", Changed: true}, err
}

// endSessions puts everybody out who is signed in to an account.
func (o Options) endSessions(v *visit.Visit) (*visit.View, error) {
	a, err := o.there(v)
	if err != nil {
		return nil, err
	}
	if _, err := o.Logins.EndOthers(v.Context(), a.ID, 0); err != nil {
		return nil, err
	}
	err = o.tell(v, a.User, "An operator has ended all your sessions",
		"Wherever you were signed in, you are no more. Sign in again to go on.", "/settings/history")
	return &visit.View{To: accountPage(a.ID), Tone: "good", Flash: "All sessions of " + title(a.User) + " are over."}, err
}

// resetPasskeys takes all passkeys of an account away, whose owner has lost them. The owner is told as of each passkey
// that goes (prefs.Config.Told), with a link that brings them back.
func (o Options) resetPasskeys(v *visit.Visit) (*visit.View, error) {
	a, err := o.there(v)
	if err != nil {
		return nil, err
	}
	err = o.Passkeys.Reset(v.Context(), a.ID)
	if errors.Is(err, passkeys.ErrNone) {
		return nil, visit.Fail(http.StatusConflict, "This account has no passkey.")
	}
	if err != nil {
		return nil, err
	}
	return &visit.View{To: accountPage(a.ID), Tone: "good", Flash: "The passkeys of " + title(a.User) +
		" are gone. A mailed link is enough again."}, nil
}

// confirmView asks before what cannot be undone.
type confirmView struct {
	Page, Action, Name, Heading, Button, Problem string
	Text                                         []string
}

func deleteView(a prefs.Account) confirmView {
	return confirmView{
		Page: accountPage(a.ID), Action: accountPage(a.ID) + "/delete", Name: title(a.User),
		Heading: "Delete the account " + title(a.User) + "?", Button: "Delete the account",
		Text: []string{
			"Its destinations, filters, tokens and sessions are deleted, and nothing more is sent to its owner.",
			"This cannot be undone. To stop what is sent and keep the settings, switch the account off instead.",
		},
	}
}

func (o Options) askDelete(v *visit.Visit) (*visit.View, error) {
	a, err := o.there(v)
	if err != nil {
		return nil, err
	}
	page := deleteView(a)
	return &visit.View{Template: "operators-confirm", Title: page.Heading, Here: tab, Data: page}, nil
}

// delete deletes an account whose name was typed.
func (o Options) delete(v *visit.Visit) (*visit.View, error) {
	a, err := o.there(v)
	if err != nil {
		return nil, err
	}
	if a.ID == v.User.ID {
		return nil, visit.Fail(http.StatusConflict, "This is your own account. Delete it on your settings.")
	}
	if v.Form("confirm") != title(a.User) {
		page := deleteView(a)
		page.Problem = "That is not the name of this account."
		return &visit.View{Status: http.StatusUnprocessableEntity, Template: "operators-confirm", Title: page.Heading,
			Here: tab, Data: page}, nil
	}
	if err := o.Accounts.Delete(v.Context(), a.ID); err != nil {
		return nil, err
	}
	return &visit.View{To: "/operators", Tone: "good", Flash: "Deleted the account " + title(a.User) + ".",
		Changed: true}, nil
}

// refused turns a mistake of the operator into a sentence.
func refused(err error) error {
	var wrong *prefs.Error
	if errors.As(err, &wrong) {
		return visit.Fail(http.StatusUnprocessableEntity, "The "+wrong.Field+" "+strings.TrimSuffix(wrong.Problem, ".")+".")
	}
	return err
}
