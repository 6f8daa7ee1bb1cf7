package security

import (
	"net/http"
	"time"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/passkeys"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/visit"
)

// half is somebody who has opened a mailed link and not yet shown a passkey. Nobody is signed in.
type half struct {
	User, Destination uint
	Back              string
	Until             time.Time
}

// halfLife is how long the second step may take.
const halfLife = passkeys.Life

// AskMore is web.Options.AskMore: a mailed link lets nobody in who has a passkey until it is shown. Where the site can
// have none, nobody is asked: what cannot be shown would lock everybody out.
func AskMore(o Options) func(v *visit.Visit, l accounts.Login, back string) (*visit.View, error) {
	p := pages{o}
	return func(v *visit.Visit, l accounts.Login, back string) (*visit.View, error) {
		if p.Party == nil {
			return nil, nil
		}
		have, err := p.Passkeys.List(v.Context(), l.User)
		if err != nil || len(have) == 0 {
			return nil, err
		}
		h := half{User: l.User, Destination: l.Destination, Back: back, Until: v.Now.Add(halfLife)}
		if err := put(v, shelfHalf, h, h.Until); err != nil {
			return nil, err
		}
		if err := p.askHalf(v, h); err != nil {
			return nil, err
		}
		return &visit.View{To: "/signin/passkey"}, nil
	}
}

// askHalf begins a ceremony, which the page shows.
func (p pages) askHalf(v *visit.Visit, h half) error {
	c, err := p.askUse(v, h.User)
	if err != nil {
		return err
	}
	return put(v, shelfIn, c, h.Until)
}

// halfOver is for who comes too late.
func halfOver() error {
	return visit.Fail(http.StatusGone, "That took too long. Ask for a new link on the first page.")
}

func (p pages) showHalf(v *visit.Visit) (*visit.View, error) {
	if v.User.ID != 0 {
		return &visit.View{To: "/"}, nil
	}
	return p.halfView(v, http.StatusOK, "")
}

func (p pages) halfView(v *visit.Visit, status int, problem string) (*visit.View, error) {
	var c passkeys.Ceremony
	if !get(v, shelfIn, &c) {
		return nil, halfOver()
	}
	view := p.passkeyView(status, passkeyPage{
		Title: "Show your passkey", Button: "Show my passkey", Kind: "get", Options: string(c.Options), Problem: problem,
		Action: "/signin/passkey", Lost: true,
		Text: "The link was right. This account has a passkey too: show it to sign in. You have 5 minutes.",
	})
	view.Here = ""
	return view, nil
}

// finishHalf takes the passkey that was shown, and signs its owner in.
func (p pages) finishHalf(v *visit.Visit) (*visit.View, error) {
	var h half
	if !get(v, shelfHalf, &h) {
		return nil, halfOver()
	}
	problem, err := p.prove(v, shelfIn, h.User)
	if err != nil {
		return nil, err
	}
	if problem != "" {
		if err := p.askHalf(v, h); err != nil {
			return nil, err
		}
		return p.halfView(v, http.StatusUnprocessableEntity, problem)
	}
	return &visit.View{Login: &accounts.Login{User: h.User, Way: accounts.ByMail, Destination: h.Destination},
		To: signin.SafePath(h.Back)}, nil
}
