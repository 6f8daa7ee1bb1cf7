package records

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/tail"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

// ExportCmd is `notifyd history export`, datanommer-dump.
type ExportCmd struct {
	selectFlags
	Format string `enum:"fedmsg,datagrepper,v2" default:"fedmsg" help:"fedmsg: each message as it was received, so that signatures hold; datagrepper: as /raw gives it; v2: as /v2/search (default: ${default})."`
	Array  bool   `help:"One JSON array, as datanommer-dump prints it, instead of a line each."`
	Output string `short:"o" default:"-" placeholder:"FILE" help:"Where to; a name that ends in .gz is compressed (default: standard output)."`
	After  string `placeholder:"ID" help:"Go on behind this message, the last that an export has written."`
}

// Run writes the messages, and says at the end how many, and how to go on.
func (c *ExportCmd) Run(e *Env) (err error) {
	x := Export{Format: c.Format, Array: c.Array, Gzip: strings.HasSuffix(c.Output, ".gz")}
	if x.Query, err = c.query(e); err != nil {
		return err
	}
	return withHistory(e, func(_ *migrations.DB, store *history.Store) (err error) {
		if x.Store = store; c.After != "" {
			x.Query.After, err = store.Place(e.Ctx, c.After)
			if errors.Is(err, history.ErrNotFound) {
				return fmt.Errorf("--after: there is no message %q; --since goes on by a time", c.After)
			}
			if err != nil {
				return err
			}
		}
		into, written := e.Stdout, int64(0)
		if c.Output != "-" {
			file, wrong := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if wrong != nil {
				return wrong
			}
			into = file
			defer func() {
				if err != nil { // a part of a message would stand behind the last
					err = errors.Join(err, file.Truncate(written))
				}
				err = errors.Join(err, file.Close())
			}()
		}
		began := e.Now()
		done, err := x.Run(e.Ctx, into)
		written = done.Bytes
		said := fmt.Sprintf("%d messages in %s", done.Messages, e.Now().Sub(began).Round(10*time.Millisecond))
		if done.Last != "" {
			said += "; the last is " + tail.Visible(done.Last)
		}
		if err != nil && done.Last != "" {
			said += ": --after " + tail.Visible(done.Last) + " goes on"
		}
		fmt.Fprintln(e.Stderr, said)
		return err
	})
}
