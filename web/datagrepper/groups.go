package datagrepper

import (
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A group is some messages in one entry, in the form of fedmsg.meta's conglomerators; a message that belongs to no
// other is a group of its own.
type group struct {
	Subtitle      string          `json:"subtitle"`
	Subjective    string          `json:"subjective"`
	Link          any             `json:"link"`
	Icon          any             `json:"icon"`
	SecondaryIcon any             `json:"secondary_icon"`
	StartTime     any             `json:"start_time"`
	EndTime       any             `json:"end_time"`
	Timestamp     any             `json:"timestamp"`
	HumanTime     string          `json:"human_time"`
	Date          string          `json:"date"`
	Usernames     []string        `json:"usernames"`
	Packages      []string        `json:"packages"`
	Topics        []string        `json:"topics"`
	Categories    []string        `json:"categories"`
	MsgIDs        map[string]told `json:"msg_ids"`

	mean   time.Time
	marked bool // the sender of one is not proved, and the policy marks it
}

// A told is what is said of a message of a group.
type told struct {
	Title         string   `json:"title"`
	Subtitle      string   `json:"subtitle"`
	Subjective    string   `json:"subjective"`
	Link          any      `json:"link"`
	Icon          any      `json:"icon"`
	ServiceIcon   any      `json:"__icon__"`
	SecondaryIcon any      `json:"secondary_icon"`
	Usernames     []string `json:"usernames"`
	Packages      []string `json:"packages"`
	Objects       []string `json:"objects"`
	LongForm      string   `json:"long_form"`
}

// A member is a message that may be put together with others.
type member struct {
	history.Selected
	event *catalogue.Event
	body  any
}

// groups puts the messages of one page together. Each rule goes over the whole list: it takes the first message that it
// fits and all later ones that match it, wherever they stand, puts one entry at the place of the first, and begins
// again. What is in an entry is not looked at any more.
func (req *request) groups(found []history.Selected) []group {
	list := make([][]member, len(found)) // each an entry
	for i, s := range found {
		list[i] = []member{req.member(s)}
	}
	rules := make(map[string]*conglomerator) // of entries of several, by the id of the first
	for r := range conglomerators {
		rule := &conglomerators[r]
		for i := 0; i < len(list); i++ {
			first := list[i][0]
			keys := rule.keysOf(first)
			if len(list[i]) > 1 || len(keys) == 0 {
				continue
			}
			rest := list[i+1:]
			kept := rest[:0]
			for _, other := range rest {
				if len(other) == 1 && share(keys, rule.keysOf(other[0])) {
					list[i] = append(list[i], other[0])
				} else {
					kept = append(kept, other)
				}
			}
			if list = list[:i+1+len(kept)]; len(list[i]) > 1 {
				rules[first.MsgID] = rule
			}
		}
	}
	all := make([]group, len(list))
	for i, members := range list {
		all[i] = req.group(members, rules[members[0].MsgID])
	}
	return all
}

func (req *request) member(s history.Selected) member {
	m, err := s.Message()
	if err != nil {
		m = &bus.Message{ID: s.MsgID, Topic: s.Topic, Time: s.Time, Payload: s.Payload}
	}
	return member{s, req.Describe(m), m.Body}
}

func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(key string) bool { return slices.Contains(b, key) })
}

// group makes an entry. rule is what put its messages together; nil: it is one message.
func (req *request) group(members []member, rule *conglomerator) group {
	first := members[0]
	prose := first.event.Prose()
	g := group{Subtitle: orTopic(first.Selected), Link: nullable(first.Link), Icon: nullable(prose.Icon),
		SecondaryIcon: nullable(prose.SecondaryIcon), Usernames: []string{}, Packages: []string{}, MsgIDs: map[string]told{}}
	start, end, sum := first.Time.Unix(), first.Time.Unix(), int64(0)
	for _, m := range members {
		at := m.Time.Unix()
		start, end, sum = min(start, at), max(end, at), sum+at
		g.Usernames, g.Packages = merge(g.Usernames, m.Users...), merge(g.Packages, m.Packages...)
		g.Topics, g.Categories = merge(g.Topics, m.Topic), merge(g.Categories, history.Category(m.Topic))
		g.MsgIDs[m.MsgID], g.marked = tell(m), g.marked || m.Standing.Marked
	}
	if rule != nil {
		// a sender may have said what the link is
		g.Subtitle, g.Link = rule.say(members), nullable(webLink(rule.link(first)))
		if !rule.ofOne {
			g.SecondaryIcon = g.Icon
		}
	}
	g.Subjective = g.Subtitle
	mean := float64(sum) / float64(len(members))
	g.StartTime, g.EndTime, g.Timestamp = float(new(float64(start))), float(new(float64(end))), float(&mean)
	g.mean = time.Unix(int64(mean), 0)
	g.HumanTime = humanize(g.mean, req.Now())
	g.Date = g.HumanTime
	return g
}

func tell(m member) told {
	prose := m.event.Prose()
	return told{Title: m.event.Title, Subtitle: orTopic(m.Selected), Subjective: orTopic(m.Selected),
		Link: nullable(m.Link), Icon: nullable(prose.Icon), SecondaryIcon: nullable(prose.SecondaryIcon),
		Usernames: list(m.Users), Packages: list(m.Packages), Objects: list(m.event.Objects), LongForm: orTopic(m.Selected)}
}

func merge(names []string, more ...string) []string {
	names = append(names, more...)
	slices.Sort(names)
	return slices.Compact(names)
}
