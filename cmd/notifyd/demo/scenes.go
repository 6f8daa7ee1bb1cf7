package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/notifyd/notifyd/prefs/schedule"
)

// scenes.go has what people do in the demo, beside reading.

// carlaAddress is where quiet hours hold what comes.
const carlaAddress = "carla@example.org"

// quieten gives carla quiet hours that begin now and end with a minute of the clock, within a minute or so.
func (d *demo) quieten(ctx context.Context) error {
	now := d.Daemon.Now().UTC()
	end := now.Add(80 * time.Second).Truncate(time.Minute)
	quiet, err := schedule.ParseQuiet(now.Format("15:04") + "-" + end.Format("15:04"))
	if err != nil {
		return fmt.Errorf("bug: %w", err)
	}
	carla, err := d.service.Prefs().Accounts.ByAddress(ctx, "email", carlaAddress)
	if err != nil {
		return err
	}
	if err := d.service.Prefs().Accounts.SetQuiet(ctx, carla.ID, quiet); err != nil {
		return err
	}
	d.terminal.line("quiet", carlaAddress+" has quiet hours until "+end.In(now.Location()).Format("15:04")+
		" UTC: what comes is held, and then goes in one digest")
	return nil
}

// muteLink finds the link in a mail by which its reader mutes what it is about.
var muteLink = regexp.MustCompile(`Mute it for a while: (\S+)`)

// mute follows the link of a mail, as its reader would: it chooses to hear nothing of an application for a day.
func (d *demo) mute(ctx context.Context, mail, app string) error {
	found := muteLink.FindStringSubmatch(mail)
	if found == nil {
		return fmt.Errorf("bug: the mail has no link to mute it")
	}
	link, err := url.Parse(found[1])
	if err != nil {
		return fmt.Errorf("bug: the link to mute: %w", err)
	}
	form := url.Values{"message": {link.Query().Get("message")}, "of": {"app " + app}, "for": {"day"}, "errors": {"yes"}}
	link.RawQuery = ""
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, link.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(post)
	if err != nil {
		return fmt.Errorf("mute by the mail's link: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("mute by the mail's link: the page answers %s", answer.Status)
	}
	d.muted.Store(&app)
	d.terminal.line("mute", "alice follows the link in that mail and mutes "+app+" for a day; errors still come")
	return nil
}
