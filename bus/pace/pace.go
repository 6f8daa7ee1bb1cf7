// Package pace knows how much each service and each endpoint of a bus usually says, and so when one has fallen silent.
//
// # The idea
//
// A bus such as ZeroMQ does not show whether a publisher has died or has nothing to say. What people and machines do
// has a week's rhythm; so a silence is measured by what the service says in the same hours of other weeks, and not by
// the clock. For events that come independently of each other (a Poisson process), time measured in expected events
// makes all silences alike: the next event is as likely in every unit of it. This is the time-rescaling theorem (Brown
// and others, "The time-rescaling theorem and its application to neural spike train data analysis", 2002). A night in
// which a service sleeps has no length in that time.
//
// A minute in which a service was heard counts as one event, however much it said: bursts are no more than minutes.
// They are counted for each of the 168 hours of a week (UTC), in each of the last eight weeks. The length of a silence
// is the number of such minutes in the same hours of the other weeks: of the week that had fewest of them but one, or
// with less than four weeks of the one that had fewest. So neither a mass rebuild nor a holiday in one week counts.
//
// A service is silent when two things hold:
//
//   - it was not heard for 10 minutes or more, and 14 minutes with messages are missing (Config.Missing). For
//     independent events that happens once in e^14, a million silences;
//   - the silence is twice as long as all those before, but for the one week of the last nine that had the longest.
//     That is for events that are not independent: of a service that comes in fits the longest pauses are known.
//
// # The first weeks
//
// Two weeks are needed to compare with, and another one in which pauses are measured: before that nothing is silent. In
// the week after that a silence must be twice as long as later. A service that speaks less than every second day is
// never called silent.
//
// # What nobody listened to
//
// An hour in which the daemon did not run counts for nothing, neither as rate nor as silence. A silence begins at the
// last message or at the start of the daemon, whichever was later.
//
// # Strangers
//
// Anybody who reaches a bus can make up services. At most MaxServices are followed; those that were heard seldom and
// not for a while make room. To make an alarm, a stranger must go on for two weeks first; and how many alarms are said
// is bounded by whoever says them.
//
//	w := pace.NewWatch(pace.Config{})
//	w.Heard(pace.ServiceOf(topic), now) // each message
//	for _, change := range w.Tick(now) { // each minute, or more often
//		log.Warn(change.String())
//	}
//
// A Watch reads no clock and no database. Rows and Restore carry it over a restart.
package pace

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// Config is the section bus.pace. The zero value of a field means its default.
type Config struct {
	// Missing is the number of minutes with messages that must be missing. Default 14.
	Missing int `yaml:"missing"`
	// LostAfter is how long an endpoint may be without a connection. Default 10m.
	LostAfter time.Duration `yaml:"lost_after"`
}

// SetDefaults fills in what zero values stand for.
func (c *Config) SetDefaults() {
	c.Missing = cmp.Or(c.Missing, 14)
	c.LostAfter = cmp.Or(c.LostAfter, 10*time.Minute)
}

// Check gives the mistakes of a Config with its defaults.
func (c Config) Check() error {
	switch {
	case c.Missing < 5 || c.Missing > 1000:
		return fmt.Errorf("missing: %d; between 5 and 1000", c.Missing)
	case c.LostAfter < time.Second || c.LostAfter > 24*time.Hour:
		return fmt.Errorf("lost_after: %s; between 1s and 24h", c.LostAfter)
	}
	return nil
}

// A Subject is what is listened to: a service or an endpoint.
type Subject struct {
	What  string // Service or Endpoint
	Name  string // of a service, see ServiceOf; the name of an endpoint, as in Frame.Source
	Under string // the words before it; "" for an endpoint
}

// What a Subject can be.
const (
	Service  = "service"
	Endpoint = "endpoint"
)

// ServiceOf gives the service of a topic: its fourth word, under the three before it, as fedmsg's topics have them; on
// openSUSE's bus the second word, under its scope. Of a shorter topic it is the last word.
func ServiceOf(topic string) Subject {
	under := 0 // where the name begins
	above := 3
	if scope, _, _ := strings.Cut(topic, "."); bus.IsScope(scope) {
		above = 1
	}
	for range above {
		dot := strings.IndexByte(topic[under:], '.')
		if dot < 0 {
			break
		}
		under += dot + 1
	}
	name, _, _ := strings.Cut(topic[under:], ".")
	return Subject{Service, name, topic[:max(under-1, 0)]}
}

// String gives the subject in words: "service git of org.example.prod".
func (s Subject) String() string {
	if s.Under == "" {
		return s.What + " " + s.Name
	}
	return s.What + " " + s.Name + " of " + s.Under
}

// IsHeartbeat reports whether messages of a topic say no more than that their sender lives: old hubs of fedmsg and of
// moksha send one every two seconds (topics PREFIX._heartbeat, moksha.heartbeat).
func IsHeartbeat(topic string) bool {
	return topic == "_heartbeat" || strings.HasSuffix(topic, "._heartbeat") || topic == "moksha.heartbeat"
}

// The states of a Subject.
const (
	Normal  = "ok"
	Silent  = "silent"  // see the package comment; an endpoint also when it has lost its connection
	Unknown = "unknown" // there are not two weeks to compare with
)

// A State is what is known of a Subject at some time.
type State struct {
	Subject
	Last    time.Time // when it was heard last
	State   string
	PerHour float64 // messages in this hour of the week, the median of the weeks; Weeks 0: not known
	Weeks   int     // that are known of this hour
	// Lost says that it is silent because it is not connected; of a Change that is Back, that it was.
	Lost bool
}

// A Change is a Subject that has fallen silent, or is back.
type Change struct {
	State
	Back  bool
	Since time.Time // when it was heard last, before the silence
	// Missing is the number of minutes with messages that are missing: the length of the silence. 0: it lost its
	// connection.
	Missing float64
}

// String gives the change in words.
func (c Change) String() string {
	switch {
	case c.Back:
		return fmt.Sprintf("%s is back; it was silent since %s", c.Subject, c.Since.Format(time.RFC3339))
	case c.Lost:
		return fmt.Sprintf("%s is not connected", c.Subject)
	}
	return fmt.Sprintf("%s is silent since %s", c.Subject, c.Since.Format(time.RFC3339))
}

// The bounds. MaxServices holds for services and for endpoints.
const (
	MaxServices = 1000
	maxName     = 200 // bytes of a name, and of what it is under

	weeks    = 8
	few      = 4                // weeks from which on the lowest does not count
	shortest = 10 * time.Minute // of a silence
	factor   = 2                // by which it must be longer than those before

	forgotten = weeks * 7 * 24 * time.Hour // not heard for so long
	givenUp   = 14 * 24 * time.Hour        // silent for so long: it was shut down for good
	fleeting  = 7 * 24 * time.Hour         // the same for what was heard in fewer minutes than must be missing
	crowded   = 24 * time.Hour             // the same where there are many
)
