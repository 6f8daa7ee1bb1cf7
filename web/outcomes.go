package web

import (
	"strconv"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// outcomes are the results of a user's filters for a message: those that match it, those that fail by exactly one rule,
// and the others.
type outcomes struct {
	Matched, Near, Others []filterOutcome
	Some                  bool
}

// filterOutcome is the result of one filter for a message.
type filterOutcome struct {
	Name, Page, Sentence, Broken string
	On                           bool
	Ended                        bool // by itself
	Nameless                     bool // it says @me, and the visitor's name is not proved
	Rules                        []ruleOutcome
	Miss                         *ruleOutcome // the one rule that failed, for a near miss
	Change                       string       // the address of that rule in the editor
}

// explainFilters evaluates every filter, on or off, with the predicates that delivery uses.
func (req *request) explainFilters(e *catalogue.Event, filters []prefs.Filter) outcomes {
	dir, env := req.Directory(), req.env()
	own := make([]rulespec.Filter, len(filters))
	for i, f := range filters {
		own[i] = f.Filter
		own[i].Owner = req.me()
	}
	var list outcomes
	for i, f := range filters {
		o := filterOutcome{Name: f.Name, Page: filterPage(f.ID), Sentence: capital(req.sentence(own[i])) + ".", On: f.On,
			Nameless: f.Nameless, Ended: f.Ended(req.Now())}
		if f.Broken != "" {
			o.Broken = capital(f.Broken) + "."
		} else if wrong := rulespec.Check(env, own[i]); len(wrong) > 0 {
			o.Broken = userText(wrong[0])
		}
		if o.Broken != "" {
			list.Others = append(list.Others, o)
			continue
		}
		x := rules.Explain(env, e, dir, own[i])
		o.Rules = req.ruleOutcomes(x.Rules)
		switch {
		case x.Matched:
			list.Matched = append(list.Matched, o)
		case x.NearMiss:
			o.miss()
			list.Near = append(list.Near, o)
		default:
			list.Others = append(list.Others, o)
		}
	}
	list.Some = len(filters) > 0
	return list
}

// miss finds the rule that kept the filter from matching.
func (f *filterOutcome) miss() {
	for i := range f.Rules {
		if !f.Rules[i].Holds {
			f.Miss = &f.Rules[i]
			f.Change = f.Page + "#rule-" + strconv.Itoa(i+1)
		}
	}
}

// outcomeText sums up in a sentence. The outcomes are of the filters as they are now; the notices were sent when the
// message came.
func outcomeText(filters, on, notices, near int) string {
	switch {
	case notices > 0 && on > 0:
		return text.Plural(on, "filter", "filters") + " of yours " + verb(on, "matches", "match") + " it."
	case notices > 0:
		return "A filter of yours matched it when it came; as your filters stand now, none does."
	case on > 0:
		return text.Plural(on, "filter", "filters") +
			" of yours would match it now, yet nothing was sent: the filter was made or changed after it came, or it had no destination then."
	case filters == 0:
		return "You have no filter, so nothing reaches you."
	}
	words := "None of your filters that are on matches it."
	if near > 0 {
		return words + " " + text.Plural(near, "filter", "filters") + " " + verb(near, "fails", "fail") + " by a single rule."
	}
	return words + " Open one below to see why."
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// mutedWords says that the visitor had muted a message when it came; "" where that is not so, or no longer known.
func (req *request) mutedWords(e *catalogue.Event, came time.Time, filters []prefs.Filter) (string, error) {
	if req.Mutes == nil {
		return "", nil
	}
	list, err := req.Mutes.List(req.r.Context(), req.user.ID)
	if err != nil {
		return "", err
	}
	facts := mute.OfEvent(e)
	for _, m := range list {
		silences := m.Silences(&facts, came)
		for _, f := range filters {
			silences = silences || m.SilencesFilter(uint64(f.ID), &facts, came)
		}
		if silences {
			return "Nothing was sent: you had muted " + m.Of() + " from " + req.clock(m.Made) + " to " +
				req.clock(m.End()) + ".", nil
		}
	}
	return "", nil
}
