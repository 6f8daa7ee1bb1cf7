// Package backlog fills holes: it asks archives for what a source has missed.
//
// # Why messages are missing, and how that is known
//
// A bus that does not acknowledge loses whatever is sent while nobody listens. The receiver finds that by sequence
// numbers (package bus/gaps), and by what it knows of itself: it was not running, or not connected, since its last
// message. Both give a bus.Hole. Then it asks for what it lacks and for nothing else: negative acknowledgement and
// selective retransmission, as in SRM (Floyd, Jacobson, McCanne, Liu, Zhang, "A Reliable Multicast Framework for
// Light-Weight Sessions and Application Level Framing", 1995), where the answer may come from anybody who has the
// data.
//
// # Who is asked
//
// Archives, in the order of their exactness (bus.Archive):
//
//   - The publisher's own store, by sequence numbers: it knows what it has sent. See bus/zmq, replay.
//   - A datagrepper, by time: it has listened all along, as one more receiver. Its clock may differ and it may be
//     behind, so the times are widened by a margin, and what is not old enough is asked for again.
//
// A durable queue (AMQP) needs none of this: it keeps what was not acknowledged.
//
// # What happens to what comes
//
// It goes the way of every frame, with Frame.Late set: it is decoded, judged, told from what is known by its id, and
// stored. So asking too much is harmless, and asking twice too. Whether people are still notified is decided where
// notices are planned (Config.NotifyWithin).
//
// # Invariants
//
// A Filler of one source works on one hole at a time, and hands over one page at a time: it waits until the page is
// stored before it asks for the next. So live messages wait for one page at most. It tries again, with growing pauses,
// while archives cannot answer, and gives up when the hole is older than Config.Window. A hole is stored until it is
// closed, so a kill at any moment repeats a question and loses nothing.
package backlog

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config is the section bus.backlog. The zero value of a field means its default.
type Config struct {
	// Datagrepper is the URL of an archive of the bus, such as https://apps.example.org/datagrepper. "": there is none.
	Datagrepper string `yaml:"datagrepper"`
	// Sources are the sources whose messages the datagrepper has, as in Frame.Source. None: all of them.
	Sources []string `yaml:"sources"`
	// NotifyWithin is the age up to which a message that came late still notifies people. Default 1h. Negative: never.
	NotifyWithin time.Duration `yaml:"notify_within"`
	// Window is the age up to which holes are filled. Default 24h.
	Window time.Duration `yaml:"window"`
	// Margin is by how much clocks may differ, and how far a datagrepper may be behind. Default 2m.
	Margin time.Duration `yaml:"margin"`
	// Timeout bounds one answer of the datagrepper. Default 30s.
	Timeout time.Duration `yaml:"timeout"`
	// RetryFirst is the pause after the first failure; it doubles up to RetryMost. Default 1s and 5m.
	RetryFirst time.Duration `yaml:"retry_first"`
	RetryMost  time.Duration `yaml:"retry_most"`
}

// SetDefaults fills in what zero values stand for.
func (c *Config) SetDefaults() {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.NotifyWithin, time.Hour)
	set(&c.Window, 24*time.Hour)
	set(&c.Margin, 2*time.Minute)
	set(&c.Timeout, 30*time.Second)
	set(&c.RetryFirst, time.Second)
	set(&c.RetryMost, 5*time.Minute)
}

// Check gives the mistakes of a Config with defaults, each with its key. sources are the names that there are.
func (c *Config) Check(sources []string) error {
	var errs []error
	for _, d := range []struct {
		key               string
		value, least, max time.Duration
	}{
		{"window", c.Window, time.Minute, 90 * 24 * time.Hour}, {"margin", c.Margin, time.Second, time.Hour},
		{"timeout", c.Timeout, 100 * time.Millisecond, time.Hour},
		{"retry_first", c.RetryFirst, 10 * time.Millisecond, time.Hour},
		{"retry_most", c.RetryMost, c.RetryFirst, 24 * time.Hour},
	} {
		if d.value < d.least || d.value > d.max {
			errs = append(errs, fmt.Errorf("%s: %s; expected between %s and %s", d.key, d.value, d.least, d.max))
		}
	}
	if c.Datagrepper != "" && !isArchiveURL(c.Datagrepper) {
		errs = append(errs, errors.New("datagrepper: expected an http or https URL without login, query and fragment"))
	}
	for _, name := range c.Sources {
		if !slices.Contains(sources, name) {
			errs = append(errs, fmt.Errorf("sources: %q; expected the name of a source, of %s", name,
				cmp.Or(strings.Join(sources, ", "), "none, since no bus is configured")))
		}
	}
	return errors.Join(errs...)
}

func isArchiveURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil &&
		u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}

// Has reports whether the datagrepper has the messages of a source.
func (c *Config) Has(source string) bool {
	return c.Datagrepper != "" && (len(c.Sources) == 0 || slices.Contains(c.Sources, source))
}
