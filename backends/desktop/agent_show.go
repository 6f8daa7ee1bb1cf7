package desktop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/internal/wholefile"
)

// maxBurst bounds the notices that are shown together.
const maxBurst = 256

// show shows what comes, and remembers it when it has been seen. It returns when ctx ends; an error says that the
// state cannot be written.
func (a *Agent) show(ctx context.Context, events <-chan Event) error {
	for {
		burst := a.gather(ctx, events)
		if len(burst) == 0 {
			return nil
		}
		items, missed := a.decode(burst)
		if !a.insist(ctx, items, missed) {
			return nil
		}
		a.last = burst[len(burst)-1].ID
		if err := writeState(a.cfg.State, a.last); err != nil {
			return err
		}
	}
}

// gather waits for an event, and then for what comes close behind it. Nothing when ctx has ended.
func (a *Agent) gather(ctx context.Context, events <-chan Event) []Event {
	var burst []Event
	select {
	case <-ctx.Done():
		return nil
	case e := <-events:
		burst = append(burst, e)
	}
	quiet := time.NewTimer(a.cfg.Quiet)
	defer quiet.Stop()
	latest := time.NewTimer(8 * a.cfg.Quiet)
	defer latest.Stop()
	for len(burst) < maxBurst {
		select {
		case e := <-events:
			burst = append(burst, e)
			quiet.Reset(a.cfg.Quiet)
		case <-quiet.C:
			return burst
		case <-latest.C:
			return burst
		case <-ctx.Done():
			return burst
		}
	}
	return burst
}

// decode reads the events. One that cannot be read is logged and passed over: it would never get better.
func (a *Agent) decode(burst []Event) (items []Item, missed int64) {
	for _, e := range burst {
		switch e.Type {
		case TypeNotice:
			var it Item
			if err := json.Unmarshal(e.Data, &it); err != nil {
				a.cfg.Log.Error("cannot read a notice", "event", e.ID, "error", err)
				continue
			}
			items = append(items, it)
		case TypeDropped:
			var d Dropped
			if err := json.Unmarshal(e.Data, &d); err != nil {
				a.cfg.Log.Error("cannot read an event", "event", e.ID, "error", err)
				continue
			}
			missed += max(0, d.Count)
		}
	}
	return items, missed
}

// insist shows the items; while that fails (no session bus) it tries again. False when ctx has ended first.
func (a *Agent) insist(ctx context.Context, items []Item, missed int64) bool {
	if len(items) == 0 && missed == 0 {
		return true
	}
	for failed := int64(1); ; failed++ {
		// What is on its way to the screen is let finish: a stop in between would show it twice.
		showing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		err := a.cfg.Show(showing, items, missed)
		cancel()
		if err == nil {
			return true
		}
		delay := backoff.Delay(a.cfg.First, a.cfg.Most, failed, a.cfg.Random)
		a.cfg.Log.Warn("cannot show notices", "count", len(items), "error", err, "retry_in", delay.Round(time.Millisecond))
		if !backoff.Sleep(ctx, delay) {
			return false
		}
	}
}

// maxState bounds the state file, in bytes.
const maxState = 256

func readState(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	data, err := watch.ReadFile(file, 2*maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read state: %w", err)
	}
	id := strings.TrimSpace(string(data))
	if len(id) > maxState || !eventID(id) {
		return "", fmt.Errorf("read state: %s is not a state file of notifyd desktop", file)
	}
	return id, nil
}

// eventID says whether id can go into a header: server-sent events name an event by any text without line ends.
func eventID(id string) bool {
	return !strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' })
}

// writeState replaces the file in one step, so that a crash leaves the old id or the new one.
func writeState(file, id string) error {
	if file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	if err := wholefile.Replace(file, []byte(id+"\n")); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}
