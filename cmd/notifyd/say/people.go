package say

import (
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// Changed is the body of preferences.changed.
type Changed struct {
	User    string `json:"user"`    // the account on the bus
	What    string `json:"what"`    // filters, destinations or account
	Changes int64  `json:"changes"` // how many
}

// Changed notes a change of somebody's preferences, as part of tx. It is for prefs.Config.OnChange.
func (v *Voice) Changed(tx *gorm.DB, c prefs.Change) error {
	return v.Add(tx, PreferencesChanged, Saying{c.User + " " + c.What, Changed{c.User, c.What, 1}})
}

// Sent is the body of notice.sent.
type Sent struct {
	User     string   `json:"user"` // whose filter it was: the account on the bus
	Backend  string   `json:"backend"`
	Messages []string `json:"messages"` // the ids of what it tells
}

// Owners gives the accounts on the bus that destinations belong to, by the destinations' keys.
type Owners func(tx *gorm.DB, keys []string) (map[string]string, error)

// Sent notes parcels that were sent, as part of tx. owners gives whose destinations are, by their keys. It is for
// outbox.Config.OnSent.
func (v *Voice) Sent(tx *gorm.DB, parcels []outbox.Sent, owners Owners) error {
	parcels = slices.DeleteFunc(slices.Clone(parcels), func(p outbox.Sent) bool {
		return strings.HasPrefix(p.Destination, outbox.Account) || !slices.ContainsFunc(p.Topics, v.others)
	})
	if len(parcels) == 0 || !v.Says(NoticeSent) {
		return nil
	}
	var keys []string
	for _, p := range parcels {
		keys = append(keys, p.Destination)
	}
	names, err := owners(tx, keys)
	if err != nil {
		return err
	}
	var all []Saying
	for _, p := range parcels {
		if name := names[p.Destination]; name != "" { // else the destination is gone
			body := Sent{name, p.Backend, nil}
			for i, id := range p.Messages {
				if v.others(p.Topics[i]) {
					body.Messages = append(body.Messages, id)
				}
			}
			all = append(all, Saying{p.ID, body})
		}
	}
	return v.Add(tx, NoticeSent, all...)
}

// others reports whether a topic is none of a notifyd's, ours or another: of what a notifyd says nothing is said. That
// would never end, also between two daemons that hand on to each other.
func (v *Voice) others(topic string) bool {
	return !strings.HasPrefix(topic, v.Topic("")) && !slices.ContainsFunc(Events(), func(event string) bool {
		return strings.HasSuffix(topic, ".notifyd."+event)
	})
}
