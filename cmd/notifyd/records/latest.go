package records

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/web/datagrepper"
)

// A Latest asks for the newest message of each category, of some of them, of a topic, or of all.
type Latest struct {
	Categories []string // none: all there are
	Topic      string
	Overall    bool
	Show       Show
	Human      bool // times for people and not in seconds
	Now        time.Time
}

// A Show is what is shown of a message.
type Show int

// What can be shown.
const (
	Whole     Show = iota // {category: message}
	Timestamp             // when it was sent
	Age                   // how long ago that was
)

// year is how far back datanommer-latest looks.
const year = 365 * 24 * time.Hour

// Print prints a JSON array, as datanommer-latest does.
func (l Latest) Print(ctx context.Context, store *history.Store, w io.Writer) error {
	selections, err := l.selections(ctx, store)
	if err != nil {
		return err
	}
	var shown []json.RawMessage
	for _, sel := range selections {
		sel.Since = l.Now.Add(-year)
		found, err := store.Select(ctx, sel, 0, 1)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			continue
		}
		text, err := l.show(found[0])
		if err != nil {
			return err
		}
		shown = append(shown, text)
	}
	return encode(w, append([]json.RawMessage{}, shown...))
}

func (l Latest) selections(ctx context.Context, store *history.Store) (all []history.Selection, err error) {
	switch {
	case l.Overall:
		return []history.Selection{{}}, nil
	case l.Topic != "":
		return []history.Selection{{Topics: history.Choice{Any: []string{l.Topic}}}}, nil
	}
	categories := l.Categories
	if len(categories) == 0 {
		if categories, err = store.Categories(ctx); err != nil {
			return nil, err
		}
	}
	for _, category := range categories {
		all = append(all, history.Selection{Categories: history.Choice{Any: []string{category}}})
	}
	return all, nil
}

func (l Latest) show(s history.Selected) (json.RawMessage, error) {
	age := l.Now.Sub(s.Time).Truncate(time.Second)
	var value any
	switch {
	case l.Show == Timestamp && l.Human:
		value = s.Time.Format(time.DateTime)
	case l.Show == Timestamp:
		value = json.RawMessage(fmt.Sprintf("%d.0", s.Time.Unix()))
	case l.Show == Age && l.Human:
		value = timedelta(age)
	case l.Show == Age:
		value = int64(age / time.Second)
	default:
		text, err := datagrepper.Record(s, false)
		if err != nil {
			return nil, err
		}
		value = map[string]json.RawMessage{history.Category(s.Topic): text}
	}
	return json.Marshal(value)
}

// timedelta writes a duration as Python does: 2 days, 3:04:05.
func timedelta(d time.Duration) string {
	seconds := int64(d / time.Second)
	text := fmt.Sprintf("%d:%02d:%02d", seconds/3600%24, seconds/60%60, seconds%60)
	switch days := seconds / 86400; days {
	case 0:
		return text
	case 1:
		return "1 day, " + text
	default:
		return fmt.Sprintf("%d days, %s", days, text)
	}
}

// LatestCmd is `notifyd history latest`, datanommer-latest.
type LatestCmd struct {
	Topic     string   `xor:"which" placeholder:"TOPIC" help:"Only the newest of this topic."`
	Category  []string `sep:"none" xor:"which" placeholder:"NAME" help:"Only the newest of this category; repeatable."`
	Overall   bool     `xor:"which" help:"Only the newest of all."`
	Timestamp bool     `xor:"what" help:"Only when it was sent, in seconds since 1970."`
	Timesince bool     `xor:"what" help:"Only how many seconds ago it was sent."`
	Human     bool     `help:"With --timestamp or --timesince: as a person writes it, in UTC."`
}

// Run prints a JSON array.
func (c *LatestCmd) Run(e *Env) error {
	l := Latest{Categories: c.Category, Topic: c.Topic, Overall: c.Overall, Human: c.Human, Now: e.Now()}
	switch {
	case c.Timestamp:
		l.Show = Timestamp
	case c.Timesince:
		l.Show = Age
	}
	return withHistory(e, func(_ *migrations.DB, store *history.Store) error {
		return l.Print(e.Ctx, store, e.Stdout)
	})
}
