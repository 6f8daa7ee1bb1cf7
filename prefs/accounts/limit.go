package accounts

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
)

// limit.go bounds mail about accounts by what the bounds protect: a mailbox from being flooded, the site from being
// used to flood others, and each person from strangers who use up what is theirs.

// A Limit is how many mails may be asked for within a window of time. Subject says whom it protects.
type Limit struct {
	Subject string
	Count   int
	Window  time.Duration
}

// longestWindow is the longest window of any limit: sent mails are counted for that time.
const longestWindow = 24 * time.Hour

// These limits hold for one mailbox or person.
const (
	signInsPerMailbox = 5  // an hour, for those who have no account, and as many for each account
	signInsPerNetwork = 30 // an hour, to addresses that nobody here has
	ownPerUser        = 10 // an hour: links that a person who is signed in asks for, to own addresses
	codesPerUser      = 10 // an hour
	codesPerPair      = 5  // a day: of one user to one mailbox
	firstsPerMailbox  = 20 // a day: users who send it a first code, where their accounts are younger than a day
	repeatsPerMailbox = 8  // a day: all further codes of all users
)

// An Asker is who asks for a mail.
type Asker struct {
	Network string        // where the request comes from; "": not known
	User    uint          // who is signed in; 0: nobody
	Age     time.Duration // of that account
}

// Mailbox returns the key of the mailbox that an address leads to: of a mail address, without what is after a + in its
// local part, which most servers ignore. Case makes no difference anywhere.
func Mailbox(backend, address string) string {
	address = strings.ToLower(address)
	if local, domain, ok := cutLast(address, "@"); ok && backend == "email" {
		local, _, _ = strings.Cut(local, "+")
		address = local + "@" + domain
	}
	return backend + ":" + address
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// SignInLimits are the limits on links to sign in. An address that somebody here has is counted by itself, so that no
// spelling of its mailbox and no number of strangers uses up what is its owner's. Plain spellings of a mailbox do not
// count with those that have a tag.
func (m *Mailed) SignInLimits(backend, address string, known bool, from Asker) []Limit {
	if known {
		return []Limit{{knownSubject(backend, address), signInsPerMailbox, time.Hour}, m.site(siteKnown)}
	}
	all := []Limit{{mailboxSubject(backend, address), signInsPerMailbox, time.Hour}, m.site(siteUnknown)}
	if from.Network != "" {
		all = append(all, Limit{"network:" + from.Network, signInsPerNetwork, time.Hour})
	}
	return all
}

func knownSubject(backend, address string) string {
	return "known:" + backend + ":" + strings.ToLower(address)
}

func mailboxSubject(backend, address string) string {
	box := Mailbox(backend, address)
	if box != backend+":"+strings.ToLower(address) {
		return "tagged:" + box
	}
	return "mailbox:" + box
}

// OwnLimits are the limits on links that a person who is signed in asks for, to an own address.
func (m *Mailed) OwnLimits(user uint) []Limit {
	return []Limit{{fmt.Sprintf("own:%d", user), ownPerUser, time.Hour}}
}

// codeLimits are the limits on codes. The first code of a user to a mailbox counts apart from all others, so that the
// codes of strangers never keep its owner from confirming it.
func (m *Mailed) codeLimits(tx *gorm.DB, r MailRequest, from Asker) ([]Limit, error) {
	box := Mailbox(r.Backend, r.Address)
	pair := Limit{fmt.Sprintf("codes:%d:%s", r.User, box), codesPerPair, longestWindow}
	limits := []Limit{{fmt.Sprintf("codes:%d", r.User), codesPerUser, time.Hour}, pair, m.site(siteCodes)}
	before, err := m.count(tx, pair)
	if err != nil {
		return nil, err
	}
	switch {
	case before > 0:
		limits = append(limits, Limit{"repeats:" + box, repeatsPerMailbox, longestWindow})
	case from.Age < longestWindow:
		limits = append(limits, Limit{"firsts:" + box, firstsPerMailbox, longestWindow})
	}
	return limits, nil
}

// AskCode is Ask for a code that confirms a destination, with its limits.
func (m *Mailed) AskCode(tx *gorm.DB, r MailRequest, from Asker) (Ticket, error) {
	limits, err := m.codeLimits(tx, r, from)
	if err != nil {
		return Ticket{}, err
	}
	return m.Ask(tx, r, limits...)
}

// take counts one mail for each of the limits, or returns one that is reached and counts nothing. On PostgreSQL two
// transactions at once could both see the last free place: advisory locks, in one order, make one wait.
func (m *Mailed) take(tx *gorm.DB, limits []Limit) (full *Limit, err error) {
	limits = slices.Clone(limits)
	slices.SortFunc(limits, func(a, b Limit) int { return strings.Compare(Digest(a.Subject), Digest(b.Subject)) })
	for i, l := range limits {
		if tx.Name() == "postgres" {
			err := tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", Digest(l.Subject)).Error
			if err != nil {
				return nil, explain("lock limit", err)
			}
		}
		n, err := m.count(tx, l)
		if err != nil {
			return nil, err
		}
		if n >= l.Count {
			m.refused(l)
			return &limits[i], nil
		}
	}
	for _, l := range limits {
		if err := tx.Create(&sentCodeRow{Subject: Digest(l.Subject), SentAt: m.micro()}).Error; err != nil {
			return nil, explain("count mail", err)
		}
	}
	return nil, nil
}

// count returns how many mails a limit has counted in its window.
func (m *Mailed) count(tx *gorm.DB, l Limit) (int, error) {
	var n int64
	err := tx.Model(&sentCodeRow{}).
		Where("subject = ? AND sent_at > ?", Digest(l.Subject), m.micro()-l.Window.Microseconds()).Count(&n).Error
	return int(n), explain("count mails", err)
}

// forgive takes back what was counted against a mailbox, and one mail of the site-wide budget.
func (m *Mailed) forgive(tx *gorm.DB, row mailedRow) error {
	own := []string{Digest(knownSubject(row.Backend, row.Address)), Digest(mailboxSubject(row.Backend, row.Address))}
	if row.Purpose == string(MailSignIn) {
		if err := tx.Where("subject IN ?", own).Delete(&sentCodeRow{}).Error; err != nil {
			return explain("forgive mails", err)
		}
	}
	if row.Site == "" {
		return nil
	}
	return explain("forgive a mail", tx.Exec(`DELETE FROM sent_codes WHERE id IN
		(SELECT id FROM sent_codes WHERE subject = ? ORDER BY sent_at DESC, id LIMIT 1)`, Digest(row.Site)).Error)
}
