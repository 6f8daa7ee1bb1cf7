package reports

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/outbox"
)

// A Mailer mails reports when they are due.
type Mailer struct {
	Mail []Mail
	Set  func() *report.Set // the current reports
	Desk *report.Desk
	// Public returns of which sources everybody may see messages: nobody knows who reads a mail of reports.
	Public  func() readers.Sources
	DB      *gorm.DB // that writes
	Outbox  *outbox.Outbox
	Email   backends.Info // of the backend that mails
	BaseURL string        // of the pages; "" where there are none that addressees can read
	Now     func() time.Time
	Log     *slog.Logger

	failed map[string]string // the last failure of a mail, which is logged once
}

const (
	lateMost = 24 * time.Hour   // a mail that is later is not sent any more
	look     = time.Minute      // the longest pause: the machine may sleep, and its clock may be set
	makeMost = 15 * time.Minute // how long a report may take
)

// Run mails what is due until ctx ends.
func (m *Mailer) Run(ctx context.Context) error {
	if len(m.Mail) == 0 {
		<-ctx.Done()
		return nil
	}
	for {
		next := m.Step(ctx)
		pause := time.NewTimer(max(time.Second, min(look, next.Sub(m.Now()))))
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-pause.C:
		}
	}
}

// Step mails what is due now, and gives the time of the next mail.
func (m *Mailer) Step(ctx context.Context) (next time.Time) {
	if m.failed == nil {
		m.failed = map[string]string{}
	}
	now := m.Now()
	for i, mail := range m.Mail {
		due, after, err := mail.times(now)
		if next.IsZero() || after.Before(next) {
			next = after
		}
		if err == nil && !due.IsZero() {
			err = m.send(ctx, mail, due)
		}
		m.note(fmt.Sprintf("%d %s", i, mail.Report), mail.Report, err, ctx)
	}
	return next
}

// note logs a failure once, until it is another or over. It is tried again at the next look.
func (m *Mailer) note(key, name string, err error, ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	said := ""
	if err != nil {
		said = err.Error()
	}
	if said != "" && said != m.failed[key] {
		m.Log.Error("cannot mail a report; trying again every minute", "report", name, "error", err)
	}
	m.failed[key] = said
}

// times gives when a mail was due last, zero where that is too long ago, and when it is due next.
func (mail Mail) times(now time.Time) (due, next time.Time, err error) {
	schedule, err := mail.schedule()
	if err != nil {
		return due, now.Add(lateMost), err
	}
	zone, err := mail.zone()
	if err != nil {
		return due, now.Add(lateMost), err
	}
	for next = schedule.Due(now.Add(-lateMost), zone); !next.After(now); next = schedule.Due(next, zone) {
		due = next
	}
	return due, next, nil
}

// first gives the first time at which a window that ended at a time is mailed.
func (mail Mail) first(until time.Time) (time.Time, error) {
	schedule, err := mail.schedule()
	if err != nil {
		return time.Time{}, err
	}
	zone, err := mail.zone()
	if err != nil {
		return time.Time{}, err
	}
	return schedule.Due(until.Add(-time.Microsecond), zone), nil
}

// send stores the mails that were due at a time, where they are not stored yet.
func (m *Mailer) send(ctx context.Context, mail Mail, due time.Time) error {
	r := m.Set().Find(mail.Report)
	if r == nil {
		return fmt.Errorf("there is no report %q", mail.Report)
	}
	until := r.Window.Start(due, r.Zone)
	if first, err := mail.first(until); err != nil || !first.Equal(due) {
		return err // it was mailed at an earlier time, or is too late: each window is mailed once
	}
	since := r.Window.Next(until, -1, r.Zone)
	message := "report:" + r.Name + ":" + r.Window.String() + ":" + since.Format(time.DateOnly)
	left := map[string]string{} // address by destination
	for _, address := range mail.To {
		address, err := m.Email.CheckAddress(address)
		if err != nil {
			return fmt.Errorf("an address of the report: %w", err)
		}
		destination := destinationOf(r.Name, address)
		there, err := m.Outbox.OfMessage(ctx, message, []string{destination})
		if err != nil {
			return err
		}
		if len(there) == 0 {
			left[destination] = address
		}
	}
	if len(left) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, makeMost)
	defer cancel()
	made, err := m.Desk.Make(ctx, r, m.Public(), since, until)
	if err != nil {
		return err
	}
	notice, err := m.notice(made, mail, message)
	if err != nil {
		return err
	}
	var deliveries []outbox.Delivery
	for destination, address := range left {
		deliveries = append(deliveries, outbox.Delivery{Message: message, Destination: destination, Backend: m.Email.Name,
			Address: address, Notice: notice, DueAt: m.Now()})
	}
	added := 0
	err = m.DB.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		added, err = m.Outbox.Add(tx, deliveries)
		return err
	})
	if err != nil {
		return fmt.Errorf("store mail: %w", err)
	}
	m.Outbox.Notify()
	m.Log.Info("report mailed", "report", r.Name, "window", since.Format(time.DateOnly), "mails", added,
		"messages", made.Counted)
	return nil
}

// destinationOf is the key of an address in the outbox. The log shows keys, so it is not the address itself.
func destinationOf(name, address string) string {
	sum := sha256.Sum256([]byte(name + "\x00" + address))
	return "report:" + name + ":" + hex.EncodeToString(sum[:8])
}

// notice puts a report into a notice.
func (m *Mailer) notice(made *report.Result, mail Mail, message string) (backends.Notice, error) {
	plain, err := made.Text()
	if err != nil {
		return backends.Notice{}, err
	}
	page, err := made.HTML()
	if err != nil {
		return backends.Notice{}, err
	}
	link := ""
	if m.BaseURL != "" {
		link = strings.TrimSuffix(m.BaseURL, "/") + "/reports/" + made.Name + "?of=" + made.Day()
	}
	return backends.Notice{
		ID: message, Time: made.Until, App: "report-" + made.Name, Kind: "report", KindName: "Reports",
		Title: made.Title + ": " + made.Period(), Text: plain, Link: link, Severity: "info",
		Document: &backends.Document{HTML: string(page), Foot: fmt.Sprintf(
			"The operators of this service have this report mailed to this address (%s, %s).", mail.At, zoneName(mail.Zone))},
	}, nil
}

func zoneName(zone string) string {
	if zone == "" {
		return "UTC"
	}
	return zone
}
