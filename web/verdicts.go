package web

import (
	"strconv"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// verdicts are what a person's filters say of a message: those that match it, those that fail by exactly one rule, and
// the others.
type verdicts struct {
	Matched, Near, Others []filterVerdict
	Some                  bool
}

// filterVerdict is what one filter said of a message.
type filterVerdict struct {
	Name, Page, Sentence, Broken string
	On                           bool
	Rules                        []verdictLine
	Miss                         *verdictLine // of a near miss, the one rule that failed
	Change                       string       // the page and place where that rule is changed
}

// judge asks every filter, on or off, with the predicates that the engine delivers by.
func (req *request) judge(e *catalogue.Event, filters []prefs.Filter) verdicts {
	dir, env := req.Directory(), req.env()
	own := make([]rulespec.Filter, len(filters))
	for i, f := range filters {
		own[i] = f.Filter
		own[i].Owner = req.user.Name
	}
	var list verdicts
	for i, f := range filters {
		said := filterVerdict{Name: f.Name, Page: filterPage(f.ID), Sentence: capital(req.sentence(own[i])) + ".", On: f.On}
		if f.Broken != "" {
			said.Broken = capital(f.Broken) + "."
		} else if wrong := rulespec.Check(env, own[i]); len(wrong) > 0 {
			said.Broken = userText(wrong[0])
		}
		if said.Broken != "" {
			list.Others = append(list.Others, said)
			continue
		}
		x := rules.Explain(env, e, dir, own[i])
		said.Rules = req.verdicts(x.Rules)
		switch {
		case x.Matched:
			list.Matched = append(list.Matched, said)
		case x.NearMiss:
			said.miss()
			list.Near = append(list.Near, said)
		default:
			list.Others = append(list.Others, said)
		}
	}
	list.Some = len(filters) > 0
	return list
}

// miss finds the rule that kept the filter from matching.
func (f *filterVerdict) miss() {
	for i := range f.Rules {
		if !f.Rules[i].Holds {
			f.Miss = &f.Rules[i]
			f.Change = f.Page + "#rule-" + strconv.Itoa(i+1)
		}
	}
}

// verdictWords sums up. The filters speak as they stand now; the notices tell what was done then.
func verdictWords(filters, on, notices, near int) string {
	switch {
	case notices > 0 && on > 0:
		return text.Plural(on, "filter", "filters") + " of yours " + verb(on, "matches", "match") + " it."
	case notices > 0:
		return "A filter of yours matched it when it came; as your filters stand now, none does."
	case on > 0:
		return text.Plural(on, "filter", "filters") + " of yours would match it now, yet nothing was sent: the filter was made or changed after it came, or it had no destination then."
	case filters == 0:
		return "You have no filter, so nothing reaches you."
	}
	words := "None of your filters that are on matches it."
	if near > 0 {
		return words + " " + text.Plural(near, "filter", "filters") + " " + verb(near, "fails", "fail") + " by a single rule."
	}
	return words + " Each rule below says why."
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
