package convention

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// Link gives the page about what a message with that body and topic tells, "" where there is none. The most particular
// object goes first: the comment before the issue before the repository; within one, values.RankPage decides.
func Link(body any, words []string) string { return Read(words, body).Link() }

// Link gives the page about what the message tells.
func (r *Reading) Link() string {
	type found struct {
		link  string
		score int
	}
	var all []found
	try := func(object map[string]any, weight int) {
		if link, rank := values.Page(object); link != "" {
			if rank < values.RankWeak {
				rank = 0 // whatever the name: which object it is of matters more
			}
			all = append(all, found{link, 1000*(rank/values.RankWeak) + weight})
		}
	}
	for i, object := range r.pages() {
		try(object, i)
	}
	for i, object := range r.where {
		try(object, 400+i)
	}
	if len(all) == 0 {
		return ""
	}
	return slices.MinFunc(all, func(a, b found) int { return a.score - b.score }).link
}

// pages gives the objects whose pages are about the event, the best first. A field of the event itself goes before the
// things that the topic does not name, unless they are what is going on: a run of a test.
func (r *Reading) pages() []map[string]any {
	var out, others []map[string]any
	for _, t := range r.things {
		if r.names(t.key) || r.rank(t.key) < 100+ongoing {
			out = append(out, t.object)
		} else {
			others = append(others, t.object)
		}
	}
	for _, b := range slices.Backward(r.main) {
		out = append(out, b)
	}
	return append(out, others...)
}

// ongoing is how many of particular are what is going on, not what it is done to.
const ongoing = 5
