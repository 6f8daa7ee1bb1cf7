// Package verbs is `notifyd user` and `notifyd destination`, and what `notifyd filter` does with filters that are
// stored: the flags, and what is printed. Package people does the work, in the daemon where one answers at the admin
// socket, or else here.
package verbs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
	"github.com/notifyd/notifyd/cmd/notifyd/tail"
)

// statuses ends the help of each group of verbs.
const statuses = "Exit status: 0 done; 1 it failed; 2 wrong usage; 3 there is no such person, filter or destination."

// who is an argument: the person that a verb is about.
type who struct {
	User string `arg:"" placeholder:"USER" help:"Who: a number, a name on the bus, an address, or ISSUER:SUBJECT."`
}

// asJSON is a flag.
type asJSON struct {
	JSON bool `name:"json" help:"As JSON: one object, or of a list one a line."`
}

// sure is the flag of what cannot be undone.
type sure struct {
	Yes bool `help:"Do it: it cannot be undone."`
}

func (s sure) check(what string) error {
	if s.Yes {
		return nil
	}
	return &people.Fault{Status: 2, Text: what + " cannot be undone; say --yes"}
}

// with runs f with a line to a Desk.
func with(e *records.Env, f func(people.Line) error) error {
	line, err := open(e)
	if err != nil {
		return err
	}
	return errors.Join(f(line), line.Close())
}

// ask asks, and reads the answer.
func ask[T any](e *records.Env, line people.Line, a people.Ask) (answer T, err error) {
	raw, err := line.Ask(e.Ctx, a)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return answer, fmt.Errorf("read the answer: %w", err)
	}
	return answer, nil
}

// change asks for a change, and says what was done: as JSON, or in a sentence.
func change(e *records.Env, j asJSON, a people.Ask, say func(people.Done) string) error {
	return with(e, func(line people.Line) error {
		done, err := ask[people.Done](e, line, a)
		if err != nil {
			return err
		}
		if j.JSON {
			return encode(e, done)
		}
		_, err = fmt.Fprintln(e.Stdout, say(done))
		return err
	})
}

// encode prints a value as one line of JSON.
func encode(e *records.Env, value any) error {
	out := json.NewEncoder(e.Stdout)
	out.SetEscapeHTML(false)
	return out.Encode(value)
}

// list asks for a list page by page, and prints it: as JSON lines, or as a table. next says what the page behind an
// entry begins after; nil: there is one page.
func list[T any](
	e *records.Env, j asJSON, a people.Ask, none, head string, next func(*people.Ask, T), row func(T) string,
) error {
	return with(e, func(line people.Line) error {
		table := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
		for n := 0; ; {
			page, err := ask[[]T](e, line, a)
			if err != nil {
				return err
			}
			for _, one := range page {
				if j.JSON {
					if err := encode(e, one); err != nil {
						return err
					}
					continue
				}
				if n++; n == 1 {
					fmt.Fprintln(table, head)
				}
				fmt.Fprintln(table, row(one))
			}
			if next == nil || len(page) == 0 {
				if n == 0 && !j.JSON {
					fmt.Fprintln(e.Stdout, none)
				}
				return table.Flush()
			}
			next(&a, page[len(page)-1])
		}
	})
}

// cells makes a row of a table. What people wrote is made harmless for a terminal.
func cells(values ...any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = plain(fmt.Sprint(v))
	}
	return strings.Join(texts, "\t")
}

func plain(text string) string { return tail.Visible(strings.Join(strings.Fields(text), " ")) }

// moment writes a time to the second, in UTC; "never" for none.
func moment(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

// called names a person: by name where they have one, and always by number.
func called(id uint, name string) string {
	if name == "" {
		return fmt.Sprintf("account %d", id)
	}
	return fmt.Sprintf("%s (account %d)", plain(name), id)
}

// or gives a text, or another where it is empty.
func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
