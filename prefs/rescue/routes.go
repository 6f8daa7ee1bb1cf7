package rescue

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

// A Route is a way round a destination that does not take what is sent: to another one of its owner, which does take
// notices as far as is known.
type Route struct {
	From         uint
	FromBackend  string
	FromAddress  string
	FromDisabled string // why it takes nothing any more; "": it does
	To           uint
	ToBackend    string
	ToAddress    string
	Attempts     int
	After        time.Duration
	Since        time.Time
	Critical     bool // an escalation: the notice goes on there too, and stays where it is
}

// maxRoutes bounds the routes that are read at a time.
const maxRoutes = 500

const routeColumns = `f.id AS from_id, f.backend AS from_backend, f.address AS from_address,
	f.disabled AS from_disabled, t.id AS to_id, t.backend AS to_backend, t.address AS to_address`

// routeOpen is what makes a route one.
const routeOpen = "t.confirmed AND t.is_on AND t.disabled = '' AND t.user_id = f.user_id AND u.disabled = ''"

// Routes gives the fallbacks and escalations that are in use, from destinations above after, by their order.
func (s *Store) Routes(ctx context.Context, critical bool, after uint) ([]Route, error) {
	query := "SELECT " + routeColumns + `, r.attempts, r.after, r.set_at FROM fallbacks r
		JOIN destinations f ON f.id = r.destination_id JOIN destinations t ON t.id = r.to_id JOIN users u ON u.id = f.user_id
		WHERE ` + routeOpen + " AND f.id > ? ORDER BY f.id LIMIT ?"
	if critical {
		query = "SELECT " + routeColumns + `, 1 AS attempts, r.after, r.set_at FROM escalations r
			JOIN destinations t ON t.id = r.to_id JOIN destinations f ON f.user_id = r.user_id AND f.id <> r.to_id
			JOIN users u ON u.id = f.user_id WHERE ` + routeOpen + " AND f.confirmed AND f.id > ? ORDER BY f.id LIMIT ?"
	}
	var rows []struct {
		FromID, ToID                                                 uint
		FromBackend, FromAddress, FromDisabled, ToBackend, ToAddress string
		Attempts                                                     int
		After, SetAt                                                 int64
	}
	if err := s.Reader.WithContext(ctx).Raw(query, after, maxRoutes).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read fallbacks: %w", err)
	}
	list := make([]Route, len(rows))
	for i, r := range rows {
		list[i] = Route{From: r.FromID, FromBackend: r.FromBackend, FromAddress: r.FromAddress, FromDisabled: r.FromDisabled,
			To: r.ToID, ToBackend: r.ToBackend, ToAddress: r.ToAddress, Attempts: r.Attempts,
			After: time.Duration(r.After) * time.Microsecond, Since: time.UnixMicro(r.SetAt).UTC(), Critical: critical}
	}
	return list, nil
}

// An Owed is what is to be known of a delivery that has not arrived.
type Owed struct {
	Attempts  int // that have failed
	DueAt     time.Time
	AddedAt   time.Time
	Dead      bool
	LastError string
	Critical  bool // and its sender is proved, or nobody checks
}

// Takes says whether a delivery goes by the route now, and why, as it follows "because"; "" where it does not. What is
// dead goes where it was tried in vain, or where its destination is gone.
func (r Route) Takes(o Owed, now time.Time) string {
	gone := o.Dead && r.FromDisabled != "" && head(o.LastError) == head(r.FromDisabled)
	switch {
	case r.Critical && !o.Critical, o.Dead && !gone && o.Attempts == 0:
		return ""
	case gone:
		return r.place() + " is gone"
	case o.Dead:
		return r.place() + " does not take it"
	case r.Attempts > 0 && o.Attempts >= r.Attempts:
		return fmt.Sprintf("%s failed %s", r.place(), times(o.Attempts))
	case r.After > 0 && now.Sub(o.since(r.Critical)) >= r.After:
		return fmt.Sprintf("%s has not taken it for %s", r.place(), r.After)
	}
	return ""
}

// since is from when a delivery is late: an escalation counts from when it was owed.
func (o Owed) since(critical bool) time.Time {
	if critical || o.Attempts > 0 {
		return o.AddedAt
	}
	return o.DueAt
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// place names the destination to its owner, so that nobody else learns the address.
func (r Route) place() string {
	local, domain, mail := strings.Cut(r.FromAddress, "@")
	if !mail {
		return r.FromBackend + " to " + r.FromAddress
	}
	for _, first := range local {
		return r.FromBackend + " to " + string(first) + "…@" + domain
	}
	return r.FromBackend
}

// head is the beginning of a reason, of which the outbox keeps less than the preferences.
func head(s string) string { return s[:min(len(s), 200)] }

// Open reports whether a destination takes notices, in the transaction that will store one for it.
func Open(tx *gorm.DB, id uint) (bool, error) {
	var n int64
	err := tx.Raw("SELECT count(*) FROM destinations t JOIN users u ON u.id = t.user_id WHERE t.id = ? AND t.confirmed AND "+
		"t.is_on AND t.disabled = '' AND u.disabled = ''", id).Scan(&n).Error
	if err != nil {
		return false, fmt.Errorf("read destination: %w", err)
	}
	return n > 0, nil
}
