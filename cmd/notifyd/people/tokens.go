package people

import (
	"context"
	"time"

	"github.com/notifyd/notifyd/prefs"
)

// A Token lets a desktop agent fetch somebody's notices.
type Token struct {
	ID      uint       `json:"id"`
	Name    string     `json:"name"`
	Created time.Time  `json:"created"`
	Used    *time.Time `json:"used"` // null: never
}

func (d *Desk) tokens(ctx context.Context, u prefs.User) ([]Token, error) {
	found, err := d.Prefs.Tokens.List(ctx, u.ID)
	list := make([]Token, 0, len(found))
	for _, t := range found {
		one := Token{ID: t.ID, Name: t.Name, Created: t.Created}
		if !t.Used.IsZero() {
			one.Used = &t.Used
		}
		list = append(list, one)
	}
	return list, err
}

func (d *Desk) listTokens(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	return d.tokens(ctx, u)
}

// newToken makes a token for a person. Whoever has it reads that person's notices, so the audit says who made it, and
// the owner is told as of each token (prefs.Config.Told).
func (d *Desk) newToken(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	token, err := d.Prefs.Tokens.New(ctx, u.ID, a.Text)
	return Done{ID: u.ID, Name: u.Name, Token: token}, err
}

func (d *Desk) revokeToken(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	if err := d.Prefs.Tokens.Revoke(ctx, u.ID, a.ID); err != nil {
		return nil, err
	}
	return Done{ID: u.ID, Name: u.Name}, d.tell(ctx, u.ID, "An operator has revoked a token of your account",
		"A desktop that used it fetches no notices any more.", "/destinations")
}
