package loading

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/backlog"
	"github.com/notifyd/notifyd/cmd/notifyd/archive"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
)

// remote reads a datagrepper over HTTP, an hour of messages after the other, and each by pages.
func (c *Cmd) remote(e *records.Env) (reader, error) {
	base, err := url.Parse(c.From)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("--from: %q; an address such as https://apps.example.org/datagrepper was expected", c.From)
	}
	if c.Start == "" {
		return nil, errors.New("--from needs --start, since when")
	}
	now := e.Now().UTC()
	since, err := archive.Moment(c.Start, now)
	if err != nil {
		return nil, fmt.Errorf("--start: %w", err)
	}
	until := now
	if c.End != "" {
		if until, err = archive.Moment(c.End, now); err != nil {
			return nil, fmt.Errorf("--end: %w", err)
		}
	}
	config := backlog.Config{Datagrepper: c.From}
	config.SetDefaults()
	config.Window, config.Margin = now.Sub(since)+time.Hour, 0
	asked := backlog.NewDatagrepper(config, e.Now)
	return func(ctx context.Context, hand func(context.Context, block) error) error {
		err := asked.Fetch(ctx, bus.Hole{Since: since, Until: until}, func(p bus.Page) error {
			if !p.Reached.IsZero() {
				fmt.Fprintf(e.Stderr, "read up to %s\n", p.Reached.UTC().Format(time.RFC3339))
			}
			return hand(ctx, block{file: c.From, frames: p.Frames})
		})
		if errors.Is(err, bus.ErrTooEarly) { // it may have more of the last moment later
			err = nil
		}
		return err
	}, nil
}
