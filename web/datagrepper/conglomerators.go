package datagrepper

import (
	"fmt"
	"strconv"
	"strings"
)

// A conglomerator says which messages datagrepper 0.9 puts together. Which, and in which order they are tried, are the
// facts of fedmsg.meta and its plugins for Fedora; the sentences are ours.
type conglomerator struct {
	topics []string                // one of them is a part of the topic
	keys   func(m member) []string // messages that share one belong together; "" is none
	say    func(all []member) string
	link   func(first member) string
	ofOne  bool // all are by one person, whose picture the entry has
}

// keysOf gives what a message may share with others; none: the rule does not fit it.
func (c *conglomerator) keysOf(m member) []string {
	for _, topic := range c.topics {
		if !strings.Contains(m.Topic, topic) {
			continue
		}
		var keys []string
		for _, key := range c.keys(m) {
			if key != "" {
				keys = append(keys, key)
			}
		}
		return keys
	}
	return nil
}

// at gives the text or number at a place in the content of a message; "" where there is none.
func (m member) at(path ...string) string {
	value := m.body
	for _, key := range path {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case fmt.Stringer: // json.Number
		return v.String()
	}
	return ""
}

// all makes one key of several parts; none where a part is missing.
func all(parts ...string) []string {
	for _, part := range parts {
		if part == "" {
			return nil
		}
	}
	return []string{strings.Join(parts, "\x1f")}
}

// listed writes a list as people do: a, b, and 3 others.
func listed(names []string) string {
	names = merge(nil, names...)
	switch n := len(names); {
	case n == 0:
		return "(nothing)"
	case n == 1:
		return names[0]
	case n == 2:
		return names[0] + " and " + names[1]
	case n > 3:
		names = []string{names[0], names[1], fmt.Sprintf("%d others", n-2)}
	}
	return names[0] + ", " + names[1] + ", and " + names[2]
}

// each gives the values of all messages, without those that are missing.
func each(members []member, of func(member) string) []string {
	var values []string
	for _, m := range members {
		if v := of(m); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// field gives a function for each and for keys.
func field(path ...string) func(member) string { return func(m member) string { return m.at(path...) } }

// people are all who are concerned.
func people(members []member) string {
	var names []string
	for _, m := range members {
		names = append(names, m.Users...)
	}
	return listed(names)
}

func packages(members []member) string {
	var names []string
	for _, m := range members {
		names = append(names, m.Packages...)
	}
	return listed(names)
}

// updated gives the package of the first build of an update, whose title lists name-version-release.
func updated(m member) string {
	title, _, _ := strings.Cut(m.at("update", "title"), ",")
	for range 2 {
		at := strings.LastIndexByte(title, '-')
		if at < 0 {
			return ""
		}
		title = title[:at]
	}
	return title
}

// count writes a number with what it counts.
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
