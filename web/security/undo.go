package security

import (
	"errors"
	"net/http"
	"strings"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/visit"
)

// undoPage is the page of a link that undoes a change. The link needs no session: who has lost the account has none.
type undoPage struct {
	Action  string
	Changes []change // the newest first
	Done    bool
	Left    []change // that could not be undone
}

type change struct{ What, When, Stamp string }

func changes(list []accounts.Undo, v *visit.Visit) []change {
	lines := make([]change, len(list))
	for i, u := range list {
		lines[i] = change{strings.Replace(undone[u.Kind], "ABOUT", u.About, 1), visit.Ago(u.At, v.Now, v.Zone), stamp(u.At)}
	}
	return lines
}

// gone says that a link is worth nothing any more.
func gone(err error) error {
	if errors.Is(err, prefs.ErrCode) || errors.Is(err, prefs.ErrNotFound) {
		return visit.Fail(http.StatusGone, "This link was used already, it is older than 7 days, or what it undoes has been "+
			"undone. If somebody else is still in your account, use the link of another mail about it, or ask who runs this "+
			"service.")
	}
	return err
}

// askUndo shows what the link undoes, and asks for a click: a program that opens links undoes nothing.
func (p pages) askUndo(v *visit.Visit) (*visit.View, error) {
	secret := v.Request.PathValue("token")
	_, list, err := p.Undos.Show(v.Context(), secret)
	if err != nil {
		return nil, gone(err)
	}
	return &visit.View{Template: "undo", Title: "Was this not you?",
		Data: undoPage{Action: "/undo/" + secret, Changes: changes(list, v)}}, nil
}

func (p pages) undo(v *visit.Visit) (*visit.View, error) {
	if v.Form("undo") != "yes" {
		return nil, visit.Fail(http.StatusBadRequest, "This request does not say what to do, so nothing was done.")
	}
	left, err := p.Undos.Do(v.Context(), v.Request.PathValue("token"))
	if err != nil {
		return nil, gone(err)
	}
	return &visit.View{Template: "undo", Title: "It is undone", Changed: true,
		Data: undoPage{Done: true, Left: changes(left, v)}}, nil
}

// undone is what the page says of each kind of change.
var undone = map[accounts.Happening]string{
	accounts.AddressAdded:     "ABOUT was added. It will be removed again.",
	accounts.AddressRestored:  "ABOUT was restored. It will be removed again.",
	accounts.AddressRemoved:   "ABOUT was removed. It will be restored.",
	accounts.WayInAdded:       "ABOUT may sign in. It will not any more.",
	accounts.WayInRemoved:     "ABOUT may no longer sign in. It will again.",
	accounts.TokenMade:        "The token ABOUT was made. It will be revoked.",
	accounts.IdentityLinked:   "ABOUT was linked. It will be unlinked.",
	accounts.IdentityUnlinked: "ABOUT was unlinked. It will be linked again.",
	accounts.PasskeyAdded:     "The passkey ABOUT was added. It will be removed.",
	accounts.PasskeyRemoved:   "The passkey ABOUT was removed. It will be asked for again.",
	accounts.NameLost:         "The name ABOUT went to whom it is proved for, and stays there.",
	accounts.NewSignIn:        "Somebody signed in: ABOUT. They will be signed out.",
}
