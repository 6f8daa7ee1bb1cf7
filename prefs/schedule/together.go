package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// together.go says at the head of a parcel why it has several notices, or why it came to another address.

// Together says why the notices of a parcel come as they do, in sentences for its head: "64 notices came within
// 10 minutes; here they are together." holds are the Hold of each and dues when each was due. "" where nothing need be
// said, as of a digest that its owner has ordered.
func Together(holds []string, dues []time.Time, zone *time.Location) string {
	counts := map[string]int{}
	var order []string
	for _, hold := range holds {
		if counts[hold]++; counts[hold] == 1 {
			order = append(order, hold)
		}
	}
	var said []string
	capped, window := 0, ""
	surges := map[string]int{}
	var over []string
	for _, hold := range order {
		word, rest, _ := strings.Cut(hold, " ")
		switch word {
		case "cap":
			if _, span, found := strings.Cut(rest, " "); found {
				capped, window = capped+counts[hold], span
			}
		case "surge":
			if s, ok := readSurge(rest); ok {
				if surges[s.Filter]++; surges[s.Filter] == 1 {
					said = append(said, s.Filter)
				}
			}
		case "usual":
			over = append(over, fmt.Sprintf("“%s” has about as much as usual again.", rest))
		}
	}
	for i, name := range said {
		said[i] = surgeSentence(name, order, counts)
	}
	if d, err := time.ParseDuration(window); err == nil && capped > 1 {
		said = append(said, fmt.Sprintf("%d notices came within %s; here they are together.", capped, Span(d)))
	}
	said = append(said, over...)
	if len(holds) > 1 {
		said = append(said, heldSentences(holds, dues, zone)...)
	}
	return strings.Join(said, " ")
}

// heldSentences say how many notices of a digest quiet hours or a pause held, and until when: "2 notices were held by
// quiet hours until 07:00."
func heldSentences(holds []string, dues []time.Time, zone *time.Location) (said []string) {
	for _, by := range []struct {
		word, name string
		say        func(t, now time.Time, zone *time.Location) string
	}{{HeldByPause, "a pause", Date}, {HeldByQuiet, "quiet hours", Moment}} {
		n, until := 0, time.Time{}
		for i, hold := range holds {
			if word, _, _ := strings.Cut(hold, " "); word != by.word {
				continue
			}
			if n++; dues[i].After(until) {
				until = dues[i]
			}
		}
		if n > 0 {
			said = append(said, fmt.Sprintf("%s held by %s until %s.", text.Plural(n, "notice was", "notices were"), by.name,
				by.say(until, until, zone)))
		}
	}
	return said
}

// surgeSentence says how many notices of a filter a parcel has that came in a surge.
func surgeSentence(name string, order []string, counts map[string]int) string {
	n, last := 0, Surge{}
	for _, hold := range order {
		word, rest, _ := strings.Cut(hold, " ")
		if s, ok := readSurge(rest); ok && word == "surge" && s.Filter == name {
			n, last = n+counts[hold], s
		}
	}
	return fmt.Sprintf("%s from “%s” came within %s, %s; here they are together.",
		text.Plural(n, "notice", "notices"), name, Span(last.Window), last.Times())
}

// A Surge is what a hold says of a filter that has many more notices than usual.
type Surge struct {
	Came   int // in the window
	Usual  int // in a window, in thousandths
	Window time.Duration
	Filter string // its name
}

// maxSurgeName bounds the name of a filter in a hold, in bytes.
const maxSurgeName = 60

// Hold is the Hold of its notices: "surge 120 11000 10m0s My packages".
func (s Surge) Hold() string {
	name := text.ElideBytes(text.OneLine(s.Filter), maxSurgeName)
	return fmt.Sprintf("surge %d %d %s %s", s.Came, s.Usual, s.Window, name)
}

// SurgeOver is the Hold of the first notice after the surge of a filter. It holds nothing, and is said at its head.
func SurgeOver(filter string) string {
	return "usual " + text.ElideBytes(text.OneLine(filter), maxSurgeName)
}

// Times says how much more than usual came: "ten times the usual".
func (s Surge) Times() string {
	if s.Usual < 1000 {
		return "where it usually has none"
	}
	switch times := s.Came * 1000 / s.Usual; {
	case times < 10:
		return "many times the usual"
	case times == 10:
		return "ten times the usual"
	default:
		return strconv.Itoa(times) + " times the usual"
	}
}

// readSurge reads a hold behind its first word.
func readSurge(rest string) (Surge, bool) {
	fields := strings.SplitN(rest, " ", 4)
	if len(fields) != 4 {
		return Surge{}, false
	}
	came, err1 := strconv.Atoi(fields[0])
	usual, err2 := strconv.Atoi(fields[1])
	window, err3 := time.ParseDuration(fields[2])
	return Surge{Came: came, Usual: usual, Window: window, Filter: fields[3]}, err1 == nil && err2 == nil && err3 == nil
}

// surgeWords reads "120 11000 10m0s My packages".
func surgeWords(args []string, at string) string {
	s, ok := readSurge(strings.Join(args, " "))
	if !ok {
		return "held: far more than usual, one digest at " + at
	}
	return fmt.Sprintf("held: %d from “%s” in %s, %s; one digest at %s", s.Came, s.Filter, Span(s.Window), s.Times(), at)
}
