// Package reports mails reports when they are due, and reads their part of the configuration.
//
// A mail goes through the outbox, as every mail does: it is stored once, tried until it is taken, and keeps its
// Message-ID. Its key is made of the report, the window and the address. So restarts and other nodes find that it is
// there already, and a mail that was missed while nobody ran is sent once afterwards, if it is no older than a day.
package reports

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/prefs/schedule"
)

// Settings are the section reports of the configuration.
type Settings struct {
	Folder  string        `yaml:"folder"`  // a site's own reports
	Check   time.Duration `yaml:"check"`   // how often to look for a change
	Readers string        `yaml:"readers"` // of the pages: nobody, members or everybody
	Mail    []Mail        `yaml:"mail"`
}

// A Mail says when a report is mailed, and to whom.
type Mail struct {
	Report string   `yaml:"report"`
	To     []string `yaml:"to"`
	At     string   `yaml:"at"`   // "mon 07:00", "mon,thu 07:00" or "07:00"
	Zone   string   `yaml:"zone"` // of At; "": UTC
}

// The values of Settings.Readers.
const (
	Nobody    = "nobody"
	Members   = "members"
	Everybody = "everybody"
)

// Defaults are the settings where nothing is configured.
func Defaults() Settings { return Settings{Check: 10 * time.Second, Readers: Members} }

// maxAddresses bounds the addresses of a Mail, and the mails.
const maxAddresses = 100

// CheckSettings gives what is wrong, each mistake beginning with its key.
func (s Settings) CheckSettings() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("reports."+format, args...)) }
	if s.Check < 100*time.Millisecond || s.Check > time.Hour {
		bad("check: %s; expected between 100ms and 1h", s.Check)
	}
	if !slices.Contains([]string{Nobody, Members, Everybody}, s.Readers) {
		bad("readers: %q; expected nobody, members or everybody", s.Readers)
	}
	if len(s.Mail) > maxAddresses {
		bad("mail: %d entries; expected at most %d", len(s.Mail), maxAddresses)
	}
	for i, m := range s.Mail {
		if m.Report == "" {
			bad("mail[%d].report: empty; expected the name of a report, such as this-week", i)
		}
		if len(m.To) == 0 || len(m.To) > maxAddresses {
			bad("mail[%d].to: %d addresses; expected 1 to %d", i, len(m.To), maxAddresses)
		}
		if _, err := m.schedule(); err != nil {
			bad("mail[%d].at: %q: %v; expected such as \"mon 07:00\"", i, m.At, err)
		}
		if _, err := m.zone(); err != nil {
			bad("mail[%d].zone: %q is no time zone; expected one such as Europe/Berlin", i, m.Zone)
		}
	}
	return errors.Join(errs...)
}

// CheckMail gives what only the whole configuration can say: that there is such a report, and such an address. known
// says whether a report is there; email is the backend that mails it, nil where there is none.
func (s Settings) CheckMail(known func(name string) bool, email *backends.Info) error {
	var errs []error
	if len(s.Mail) > 0 && email == nil {
		errs = append(errs, errors.New("reports.mail: nothing can be mailed; expected a section backends.email"))
	}
	for i, m := range s.Mail {
		if m.Report != "" && !known(m.Report) {
			errs = append(errs, fmt.Errorf("reports.mail[%d].report: there is no report %q; `notifyd report list` has them", i,
				m.Report))
		}
		for _, address := range m.To {
			if email == nil {
				break
			}
			if _, err := email.CheckAddress(address); err != nil {
				errs = append(errs, fmt.Errorf("reports.mail[%d].to: %w", i, err))
			}
		}
	}
	return errors.Join(errs...)
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// schedule reads At.
func (m Mail) schedule() (schedule.Schedule, error) {
	days, at, both := strings.Cut(strings.TrimSpace(strings.ToLower(m.At)), " ")
	if !both {
		days, at = "", days
	}
	s := schedule.Schedule{At: strings.TrimSpace(at)}
	for day := range strings.SplitSeq(days, ",") {
		if days == "" {
			break
		}
		n := slices.Index(weekdays, strings.TrimSpace(day))
		if n < 0 {
			return s, fmt.Errorf("%q is no day; a day is one of mon, tue, wed, thu, fri, sat and sun", day)
		}
		s.Weekdays = append(s.Weekdays, time.Weekday(n))
	}
	if s.At == "" {
		return s, errors.New("has no time of day")
	}
	return s, s.Check()
}

func (m Mail) zone() (*time.Location, error) {
	if m.Zone == "Local" {
		return nil, errors.New("not Local")
	}
	return time.LoadLocation(m.Zone)
}
