package datagrepper

import (
	"slices"
	"time"

	"github.com/notifyd/notifyd/history"
)

// A group is some messages in one entry, in the form of fedmsg.meta's conglomerators.
type group struct {
	Subtitle      string   `json:"subtitle"`
	Link          any      `json:"link"`
	Icon          any      `json:"icon"`
	SecondaryIcon any      `json:"secondary_icon"`
	StartTime     int64    `json:"start_time"`
	EndTime       int64    `json:"end_time"`
	Timestamp     int64    `json:"timestamp"`
	HumanTime     string   `json:"human_time"`
	Date          string   `json:"date"`
	Usernames     []string `json:"usernames"`
	Packages      []string `json:"packages"`
	Topics        []string `json:"topics"`
	Categories    []string `json:"categories"`
	MsgIDs        []string `json:"msg_ids"`
}

// groups puts the messages of one page together that follow each other, of one topic and by one person.
func (req *request) groups(found []history.Selected) []group {
	all := []group{}
	var last *history.Selected
	for i := range found {
		s := &found[i]
		if last != nil && last.Topic == s.Topic && last.Actor == s.Actor && s.Actor != "" {
			all[len(all)-1].add(s)
		} else {
			all = append(all, req.group(s))
		}
		last = s
	}
	for i := range all {
		g := &all[i]
		g.Timestamp = (g.StartTime + g.EndTime) / 2
		g.HumanTime = humanize(time.Unix(g.Timestamp, 0), req.Now())
		g.Date = g.HumanTime
	}
	return all
}

func (req *request) group(s *history.Selected) group {
	g := group{Subtitle: orTopic(*s), Link: nullable(s.Link), StartTime: s.Time.Unix(), EndTime: s.Time.Unix(),
		Usernames: []string{}, Packages: []string{}}
	if m, err := s.Message(); err == nil {
		prose := req.Describe(m).Prose()
		g.Icon, g.SecondaryIcon = nullable(prose.Icon), nullable(prose.SecondaryIcon)
	}
	g.add(s)
	return g
}

func (g *group) add(s *history.Selected) {
	g.StartTime, g.EndTime = min(g.StartTime, s.Time.Unix()), max(g.EndTime, s.Time.Unix())
	g.Usernames, g.Packages = merge(g.Usernames, s.Users...), merge(g.Packages, s.Packages...)
	g.Topics, g.Categories = merge(g.Topics, s.Topic), merge(g.Categories, history.Category(s.Topic))
	g.MsgIDs = append(g.MsgIDs, s.MsgID)
}

func merge(names []string, more ...string) []string {
	names = append(names, more...)
	slices.Sort(names)
	return slices.Compact(names)
}
