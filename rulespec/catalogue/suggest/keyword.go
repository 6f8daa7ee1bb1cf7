package suggest

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
)

// weak are keywords that go by a verb or by a part of a thing: the thing itself goes before them, so that a comment on
// a test is a test.
var weak = []string{"discussion", "commit"}

// tested are fields that what runs tests has.
var tested = []string{"test", "testcase", "test_case", "test_id"}

// settleKeywords gives the entries of an application one keyword, but for those whose topic clearly says another, and
// gives that one, "" where nothing says any. An entry that had to take it says so.
func settleKeywords(entries []*draftEntry) string {
	count := map[string]int{}
	app := ""
	vote := func(word string) {
		if word != "" {
			if count[word]++; count[word] > count[app] || count[word] == count[app] && slices.Contains(weak, app) {
				app = word
			}
		}
	}
	own := make([]string, len(entries))
	for i, d := range entries {
		own[i] = d.ownKeyword()
		vote(own[i])
	}
	for i, d := range entries {
		was := d.keyword
		switch {
		case own[i] != "" && (!slices.Contains(weak, own[i]) || !d.isPart() || app == ""):
			d.keyword = own[i]
		case app != "":
			d.keyword = app
		}
		switch {
		case d.keyword != was && was != "":
			d.unsure = append(d.unsure, "keyword: "+d.keyword+" is guessed; the words of the topic say "+was)
		case d.keyword != was:
			d.unsure = append(d.unsure, "keyword: "+d.keyword+" is guessed; no word of the topic says so")
		case d.keyword == "":
			d.unsure = append(d.unsure, "keyword: no word of the topic says what sort of thing it is")
		}
	}
	return app
}

// ownKeyword gives the keyword that the convention has for the entry, or that of the thing whose number is all that it
// has, such as an advisory; a job of what has a test is a test.
func (d *draftEntry) ownKeyword() string {
	if of := d.ofAnotherThing(); of != "" && !d.isPart() {
		if word := convention.Read([]string{d.app, of}, nil).Keyword(); word != "" {
			return word
		}
	}
	if d.keyword == "build" && slices.Contains(d.nouns, "job") {
		for _, p := range d.paths {
			if len(p.keys) <= 2 && slices.Contains(tested, p.key()) && 2*d.saying(p) > len(d.messages) {
				return "test"
			}
		}
	}
	return d.keyword
}

// isPart says whether the topic names a part of something, that belongs where that does.
func (d *draftEntry) isPart() bool {
	return slices.ContainsFunc([]string{"comment", "note", "message", "branch", "ref"}, func(part string) bool {
		return slices.Contains(d.nouns, part)
	})
}
