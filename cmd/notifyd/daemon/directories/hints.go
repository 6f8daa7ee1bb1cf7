package directories

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A hint is what a message on the bus says of owners and members: somebody was given a package, or sponsored into a
// group. It counts at once, on all nodes, and until a source has been asked that knows better: until facts are of a
// later moment than the message. What would take rights away from people, or tells nothing but that something has
// changed, is not believed; the source is asked again soon.
//
// Hints decide which filters match, and nothing else: who may read what, and who is an operator, goes by Confirmed. So
// whoever can speak on the bus can at most cause notices.

// A hintRow is a hint as it is stored, for all nodes.
type hintRow struct {
	ID      int64  `gorm:"primaryKey"`
	Message string `gorm:"not null;uniqueIndex:idx_directory_hints_message"` // id of the message
	Part    string `gorm:"not null;uniqueIndex:idx_directory_hints_message"` // packages, groups or people
	Subject string `gorm:"not null;uniqueIndex:idx_directory_hints_message"` // the package, group or person
	Who     string `gorm:"not null;uniqueIndex:idx_directory_hints_message"` // who is it now; "" where the source is asked
	Role    string `gorm:"not null"`
	Gone    bool   `gorm:"not null"`
	Sole    bool   `gorm:"not null"` // nobody else has the role
	At      int64  `gorm:"not null"` // when the message was sent, in microseconds
}

// TableName is for gorm.
func (hintRow) TableName() string { return "directory_hints" }

// The parts of facts that hints are about.
const (
	ofPackages = "packages"
	ofGroups   = "groups"
	ofPeople   = "people"
)

// hintLasts is how long a hint may count that no source has confirmed.
const hintLasts = 24 * time.Hour

// committed is the role of those who may commit, in the words of Pagure's lists of owners.
const committed = "commit"

// Hints stores what events say of owners and members, in the transaction that stores them. Call Heard when it is
// committed. A nil Directories takes none.
func (d *Directories) Hints(tx *gorm.DB, events []*catalogue.Event) error {
	if d == nil || len(d.Sources) == 0 {
		return nil
	}
	var rows []hintRow
	now := d.Now()
	for _, e := range events {
		if e.Message != nil && !e.Message.Standing.Marked && now.Sub(e.Message.Time) < hintLasts {
			rows = append(rows, hintsOf(e, now)...)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
		return fmt.Errorf("store hints for the directory: %w", err)
	}
	d.heard.Store(true)
	return nil
}

// Heard takes what Hints has stored, before the next message is matched.
func (d *Directories) Heard(ctx context.Context) {
	if d == nil || !d.heard.Swap(false) {
		return
	}
	if err := d.takeHints(ctx); err != nil {
		d.Log.Warn("cannot read hints for the directory; trying again", "error", err)
	}
}

// hintsOf returns what an event says. Its catalogue entry has made sure that the package is one of the site.
func hintsOf(e *catalogue.Event, now time.Time) []hintRow {
	body, ok := e.Message.Body.(map[string]any)
	if !ok {
		return nil
	}
	at := e.Message.Time
	if at.After(now) {
		at = now
	}
	h := hinter{e: e, body: body, base: hintRow{Message: e.Message.ID, At: at.UnixMicro()}}
	switch e.Kind {
	case "pagure.project.user.added", "pagure.project.user.access.updated":
		h.access("new_user", "")
	case "pagure.project.group.added", "pagure.project.group.access.updated":
		h.access("new_group", "@")
	case "pagure.project.user.removed":
		h.removed("", "removed_user", "removed_users")
	case "pagure.project.group.removed":
		h.removed("@", "removed_group", "removed_groups")
	case "pkgdb.owner.update":
		h.owner()
	case "fas.group.member.sponsor":
		if who, group := h.text("user"), h.text("group"); who != "" && group != "" {
			h.add(hintRow{Part: ofGroups, Subject: group, Who: who})
		}
	case "fas.group.member.remove":
		h.add(hintRow{Part: ofGroups, Subject: h.text("group")})
	case "fas.user.update", "fas.user.create":
		h.add(hintRow{Part: ofPeople, Subject: h.text("user")})
	case "pagure.project.new", "pagure.project.deleted", "pagure.project.edit", "pkgdb.acl.update", "pkgdb.package.new":
		h.packages(hintRow{})
	}
	return h.rows
}

// A hinter collects the hints of one event.
type hinter struct {
	e    *catalogue.Event
	body map[string]any
	base hintRow
	rows []hintRow
}

// maxHints bounds the hints of one message.
const maxHints = 20

// add adds a hint whose names are some.
func (h *hinter) add(r hintRow) {
	for _, name := range []string{r.Subject, r.Who, r.Role} {
		if len(name) > directory.MaxName {
			return
		}
	}
	if r.Subject == "" || len(h.rows) >= maxHints {
		return
	}
	r.Message, r.At = h.base.Message, h.base.At
	h.rows = append(h.rows, r)
}

// packages adds a hint for each package that the event is about.
func (h *hinter) packages(r hintRow) {
	for _, pkg := range h.e.Packages {
		r.Part, r.Subject = ofPackages, pkg
		h.add(r)
	}
}

func (h *hinter) text(key string) string {
	text, _ := h.body[key].(string) // a list, or nothing, names nobody
	return text
}

// access adds that somebody may do something now.
func (h *hinter) access(key, prefix string) {
	who, access := h.text(key), h.text("access")
	if access == "" {
		access = h.text("new_access")
	}
	if who == "" || who == "orphan" {
		return
	}
	h.packages(hintRow{Who: prefix + who, Role: committed, Gone: !slices.Contains([]string{"commit", "admin"}, access)})
}

// removed adds that some may do nothing any more.
func (h *hinter) removed(prefix, one, many string) {
	names, _ := h.body[many].([]any)
	for _, name := range append([]any{h.body[one]}, names...) {
		if who, ok := name.(string); ok && who != "" {
			h.packages(hintRow{Who: prefix + who, Gone: true})
		}
	}
}

// owner adds that a package has another main owner.
func (h *hinter) owner() {
	listing, _ := h.body["package_listing"].(map[string]any)
	who, _ := listing["point_of_contact"].(string)
	if old, ok := listing["owner"].(string); who == "" && ok {
		who = old
	}
	if who == "" {
		return
	}
	h.packages(hintRow{Who: who, Role: "owner", Sole: true, Gone: who == "orphan"})
}
