// Package reading says who may see which messages: by the policy of history.readers, and by what is known of people.
//
//	seen := reading.SeenBy(&alice)          // of which sources, for pages, previews and reports
//	ok := reading.MayRead("private", alice) // whether notices of that source are for her
//	ok = reading.MayLeave("private")        // whether it goes to outlets, bridges and mailing lists
package reading

import (
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// Readers are what it is decided by. They are looked up each time: a reload and the directory change them.
type Readers struct {
	Policy    func() *readers.Policy
	Directory func() *directory.Snapshot     // nil, or a function that returns nil: nobody's groups are known
	Role      func(prefs.User) accounts.Role // who is an operator
}

// of is what is known of a person: the groups of their name on the bus, by the directory. A name that is merely claimed
// is in no group, also where the site lets everybody choose: it would open what is private.
func (r Readers) of(user prefs.User) (reader readers.Reader) {
	reader.Member = true
	if name, dir := user.Me(false), r.Directory(); name != "" && dir != nil {
		groups := dir.Groups(name)
		reader.In = func(group string) bool { return slices.Contains(groups, group) }
	}
	return reader
}

// SeenBy returns of which sources somebody may see messages; nil: somebody who is not signed in.
func (r Readers) SeenBy(user *prefs.User) readers.Sources {
	policy := r.Policy()
	switch {
	case user == nil:
		return policy.Public()
	case !policy.Restricts():
		return readers.Sources{}
	}
	reader := r.of(*user)
	reader.Operator = policy.Operators() && r.Role(*user) > accounts.User
	return policy.Sources(reader)
}

// MayRead reports whether notices of messages of a source are for somebody. An operator gets none for being one.
func (r Readers) MayRead(source string, user prefs.User) bool {
	policy := r.Policy()
	if !policy.Restricted(source) {
		return true
	}
	reader := r.of(user)
	return policy.MayRead(source, reader)
}

// Public returns of which sources messages may leave for where nobody knows who reads them.
func (r Readers) Public() readers.Sources { return r.Policy().Public() }

// MayLeave reports the same of one source.
func (r Readers) MayLeave(source string) bool { return !r.Policy().Restricted(source) }

// Sayable leaves out of what was sent the messages that must not leave, for what notifyd says on the bus.
func (r Readers) Sayable(tx *gorm.DB, store *history.Store, parcels []outbox.Sent) ([]outbox.Sent, error) {
	if !r.Policy().Restricts() {
		return parcels, nil
	}
	var all []string
	for _, p := range parcels {
		all = append(all, p.Messages...)
	}
	seen, err := store.Seen(tx, all, r.Public())
	if err != nil {
		return nil, err
	}
	var left []outbox.Sent
	for _, p := range parcels {
		messages, topics := p.Messages, p.Topics
		p.Messages, p.Topics = nil, nil
		for i, id := range messages {
			if seen[id] {
				p.Messages, p.Topics = append(p.Messages, id), append(p.Topics, topics[i])
			}
		}
		if len(p.Messages) > 0 {
			left = append(left, p)
		}
	}
	return left, nil
}
