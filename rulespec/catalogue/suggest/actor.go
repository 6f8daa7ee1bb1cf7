package suggest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
)

func actorOf(e *catalogue.Event) string { return e.Actor }

// learnActor looks for who did it. What fits all messages of the application goes before what fits these alone: in few
// messages many fields have the same name in them. It says whether that fits.
//
// The field that is named after the topic's verb goes before both: whoever uploaded a change did not merge it.
func (f *fields) learnActor(shared []*candidate, verb string) bool {
	want := wanted(f, actorOf)
	f.actor = f.again(shared)
	shares := len(missedBy(f.actor, want)) == 0
	among := f.people(want, convention.ActorFields, false)
	if doer := f.doer(verb); doer != nil {
		shares = shares && len(shared) == 1 && shared[0].expression() == doer.expression()
		f.actor = []*candidate{doer}
		for i := range want {
			if doer.first(i) != "" {
				want[i] = ""
			}
		}
		f.actor = append(f.actor, chain(want, among, mostAlternatives-1)...)
	} else if !shares {
		f.actor = chain(want, among, mostAlternatives)
	}
	f.doubt("actor", f.actor, missedBy(f.actor, want), want)
	if a, b := f.disagree(); a != nil && f.doer(verb) == nil {
		f.unsure = append(f.unsure, fmt.Sprintf("actor: %s and %s name different people; say who did it",
			a.path.with(""), b.path.with("")))
	}
	if len(f.actor) == 0 {
		f.learnWho()
	}
	return shares
}

// doersOf gives the names of fields for who did what a verb says, the best first.
func doersOf(verb string) []string {
	stem, regular := strings.CutSuffix(verb, "ed")
	if !regular || verb == "pushed" { // a pusher may be no more than the name that git has
		return nil
	}
	names := []string{stem + "er", stem + "or", verb + "by"}
	switch verb {
	case "merged":
		names = append(names, "submitter")
	case "created":
		names = append(names, "uploader")
	}
	return names
}

// doer gives the field at the top that is named after a verb and finds somebody: submitter for submitted; nil for none.
func (f *fields) doer(verb string) *candidate {
	names := doersOf(verb)
	var best *path
	bestRank := unnamed
	for _, p := range f.paths {
		if p.list != "" || len(p.keys) > 1 { // deeper down it may be who made the thing
			continue
		}
		if place := slices.Index(names, joinedWord(p.key())); place >= 0 && place < bestRank {
			best, bestRank = p, place
		}
	}
	if best == nil {
		return nil
	}
	for _, function := range []string{"account", "login"} {
		if c := f.candidate(best, 0, 0, function); c != nil {
			return c
		}
	}
	return nil
}

// disagree gives two fields that might be the actor's and name different people in some message.
func (f *fields) disagree() (a, b *candidate) {
	near := slices.Clone(f.actor)
	makers := []string{"author", "creator", "createdBy", "created_by", "requester", "owner_name", "openid"} // of the thing
	for _, p := range f.paths {
		if len(p.keys) == 1 && p.list == "" && rankIn(convention.ActorFields, p) < rankIn(makers, p) &&
			rankIn(makers, p) >= unnamed {
			if c := f.candidate(p, 0, 0, "account"); c != nil && !sameAs(near, c) && len(near) > 0 {
				near = append(near, c)
			}
		}
	}
	for i, a := range near {
		for _, b := range near[i+1:] {
			for m := range f.messages {
				if x, y := a.first(m), b.first(m); x != "" && y != "" && x != y {
					return a, b
				}
			}
		}
	}
	return nil, nil
}

// doubtNobody says what to do where the messages name somebody who is nobody's account; nothing where nobody is named.
func (f *fields) doubtNobody() {
	who := f.who
	if len(f.actor) > 0 {
		who = f.actor
	}
	for _, c := range who {
		for i := range f.messages {
			if text := c.path.text(i); strings.Contains(text, "@") && firstOf(f.actor, i) == "" {
				f.unsure = append(f.unsure, fmt.Sprintf("actor: %s has mail addresses of a domain that is not known; where "+
					"the part before the @ is the account, say %s", c.path.expression,
					"account(local_part("+c.path.expression+"))"))
				return
			}
		}
	}
	if len(f.actor) == 0 && len(f.who) > 0 {
		f.unsure = append(f.unsure, "actor: nobody found who has an account; "+
			"logins of a forge are accounts where the file says accounts: same")
	}
}

// learnWho looks for whom sentences name, though it is nobody's account.
func (f *fields) learnWho() {
	var want []string
	for _, m := range f.messages {
		want = append(want, convention.Read(topics.Divide(m.Topic).Words, m.Body).Who())
	}
	var among []*candidate
	for _, p := range f.paths {
		if p.list == "" && p.mentions(want) {
			among = append(among, f.candidates(p, rankIn(convention.ActorFields, p), "person")...)
		}
	}
	f.who = chain(want, among, mostAlternatives)
}

// again gives candidates as they are on these messages; those that find nothing in any are left out.
func (f *fields) again(shared []*candidate) []*candidate {
	var out []*candidate
	for _, c := range shared {
		i := slices.IndexFunc(f.paths, func(p *path) bool { return p.list == "" && p.expression == c.path.expression })
		if i < 0 {
			continue
		}
		if here := f.candidate(f.paths[i], c.rank, c.turn, c.f); here != nil {
			out = append(out, here)
		}
	}
	return out
}

// sharedActor gives the fields that say who did it in all messages of an application, and more that have the name of
// such a field, for the messages to come.
func (f *fields) sharedActor() []*candidate {
	want := wanted(f, actorOf)
	among := f.people(want, convention.ActorFields, false)
	out := chain(want, among, mostAlternatives)
	slices.SortFunc(among, func(a, b *candidate) int { return order(a, b, 0, 0) })
	for _, c := range among {
		if len(out) < 3 && c.rank < unnamed && !c.isWrong(want) && !sameAs(out, c) {
			out = append(out, c)
		}
	}
	return out
}
