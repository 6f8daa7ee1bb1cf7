package accounts

import (
	"context"
	"reflect"
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
	return directory.Config{Source: &signedIn{reader: reader}, Every: signedInEvery, Within: signedInEvery}
}

// A signedIn belongs to one goroutine. It keeps the mark itself, since every change of anybody's preferences gives a
// new one: facts with another mark would be merged, and all accounts compared with them, although they say the same.
type signedIn struct {
	reader *gorm.DB
	mark   string
}

// Fetch implements directory.Source.
func (s *signedIn) Fetch(ctx context.Context, last *directory.Facts) (*directory.Facts, error) {
	if last == nil {
		s.mark = ""
	}
	found, err := accounts.SignedInGroups(ctx, s.reader, s.mark)
	if err != nil {
		return nil, err
	}
	s.mark = found.Mark
	if found.Members == nil {
		return last, nil
	}
	facts := &directory.Facts{Groups: found.Members}
	facts.Clean()
	if last != nil && reflect.DeepEqual(last.Groups, facts.Groups) {
		return last, nil
	}
	return facts, nil
}

// BringsGroups reports whether people bring groups when they sign in.
func (s Settings) BringsGroups() bool { return len(s.OIDC) > 0 || s.Header.Groups != "" }
