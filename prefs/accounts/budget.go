package accounts

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/metric"
)

// budget.go has the site-wide budgets of mail about accounts, and the alarm when one is used up.

// DefaultBudget is how many mails an hour go to addresses that nobody here has.
const DefaultBudget = 100

// The site-wide budgets. Addresses that somebody here has count by themselves, and so do the codes of people who are
// signed in, so that strangers cannot use these up.
const (
	siteUnknown = "site:unknown addresses"
	siteKnown   = "site:addresses of accounts"
	siteCodes   = "site:codes"
)

// knownTimes is how many times as much as to unknown addresses may go to those of accounts.
const knownTimes = 10

func (m *Mailed) site(name string) Limit {
	most := m.budget
	if name == siteKnown {
		most *= knownTimes
	}
	return Limit{name, most, time.Hour}
}

// siteOf returns the site-wide budget among limits; "" where there is none.
func siteOf(limits []Limit) string {
	for _, l := range limits {
		if strings.HasPrefix(l.Subject, "site:") {
			return l.Subject
		}
	}
	return ""
}

// An alarm is what this process has refused for a budget.
type alarm struct {
	refused uint64
	said    time.Time
}

// refused counts a mail that a budget of the site has refused. The first of an hour is an error in the log.
func (m *Mailed) refused(l Limit) {
	name, found := strings.CutPrefix(l.Subject, "site:")
	if !found {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.alarms[name]
	if a == nil {
		a = &alarm{}
		m.alarms[name] = a
	}
	a.refused++
	if now := m.now(); a.said.IsZero() || now.Sub(a.said) >= l.Window {
		a.said = now
		m.log.Error("the hourly budget of mail about accounts is used up, and further mail is not sent: somebody may be "+
			"asking for links to many addresses (accounts.mail_budget)", slog.String("budget", name),
			slog.Int("mails", l.Count))
	}
}

// A Budget is how much of a site-wide budget is used.
type Budget struct {
	Name    string // "unknown addresses", "addresses of accounts" or "codes"
	Used    int    // mails in the last hour, of all nodes
	Most    int
	Refused uint64 // that this process has refused since it started
}

// Full reports whether further mail is refused.
func (b Budget) Full() bool { return b.Used >= b.Most }

// Budgets returns the site-wide budgets, for operators.
func (m *Mailed) Budgets(ctx context.Context) ([]Budget, error) {
	var all []Budget
	for _, name := range []string{siteUnknown, siteKnown, siteCodes} {
		l := m.site(name)
		used, err := m.count(m.reader.WithContext(ctx), l)
		if err != nil {
			return nil, err
		}
		b := Budget{Name: strings.TrimPrefix(name, "site:"), Used: used, Most: l.Count}
		m.mu.Lock()
		if a := m.alarms[b.Name]; a != nil {
			b.Refused = a.refused
		}
		m.mu.Unlock()
		all = append(all, b)
	}
	return all, nil
}

var (
	mailUsed = &metric.Desc{Name: "notifyd_account_mails_hour", Labels: []string{"budget"},
		Help: "Mails about accounts in the last hour, of all nodes, by what budget of the site they count in."}
	mailMost = &metric.Desc{Name: "notifyd_account_mails_hour_limit", Labels: []string{"budget"},
		Help: "How many that may be."}
	mailRefused = &metric.Desc{Name: "notifyd_account_mails_refused_total", Type: metric.Counter,
		Labels: []string{"budget"}, Help: "Mails about accounts that were not sent since the budget was used up."}
)

// Collect emits the budgets.
func (m *Mailed) Collect(ctx context.Context, emit metric.Emit) {
	budgets, err := m.Budgets(ctx)
	if err != nil {
		return
	}
	for _, b := range budgets {
		emit(mailUsed, float64(b.Used), b.Name)
		emit(mailMost, float64(b.Most), b.Name)
		emit(mailRefused, float64(b.Refused), b.Name)
	}
}

// Warnings says which budgets are used up.
func (m *Mailed) Warnings(ctx context.Context) []string {
	budgets, err := m.Budgets(ctx)
	if err != nil {
		return nil // the database does not answer, which is said elsewhere
	}
	budgets = slices.DeleteFunc(budgets, func(b Budget) bool { return !b.Full() })
	var said []string
	for _, b := range budgets {
		said = append(said, fmt.Sprintf("mail about accounts: all %d mails of this hour are used up (%s); further links or "+
			"codes of that kind are not sent", b.Most, b.Name))
	}
	return said
}
