package accounts

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// signedInEvery is how often a node looks for groups that a sign-in has brought, on any node.
const signedInEvery = 10 * time.Second

// SignedIn is the source signed-in of the directory: the groups that providers have said when people signed in. It has
// only those who did, so it stands behind all other sources unless the site says otherwise.
func SignedIn(reader *gorm.DB) directory.Config {
	return directory.Config{Source: signedIn{reader}, Every: signedInEvery, Within: signedInEvery}
}

type signedIn struct{ reader *gorm.DB }

// Fetch implements directory.Source.
func (s signedIn) Fetch(ctx context.Context, last *directory.Facts) (*directory.Facts, error) {
	var mark string
	if last != nil {
		if err := json.Unmarshal(last.Mark, &mark); err != nil {
			mark = "" // not of ours: all is read anew
		}
	}
	found, err := accounts.SignedInGroups(ctx, s.reader, mark)
	if err != nil {
		return nil, err
	}
	if found.Members == nil {
		return last, nil
	}
	facts := &directory.Facts{Groups: found.Members}
	facts.Clean()
	facts.Mark, err = json.Marshal(found.Mark)
	return facts, err
}

// BringsGroups reports whether people bring groups when they sign in.
func (s Settings) BringsGroups() bool { return len(s.OIDC) > 0 || s.Header.Groups != "" }
