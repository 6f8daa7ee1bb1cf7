package email

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/backends"
)

// What people may choose about their mails: see doc/email.md, "What you can choose".

// The options, and the values that are not the default.
const (
	optionFormat = "format"
	formatText   = "text"
	formatLinks  = "links"

	optionList  = "list"
	listPackage = "package"
)

// options are those of Info.
var options = []backends.Option{
	{Name: optionFormat, Title: "What a mail has in it", Choices: []backends.Choice{
		{Value: "both", Title: "Text and HTML"},
		{Value: formatText, Title: "Text only"},
		{Value: formatLinks, Title: "Links only: neither titles nor texts, for a mailbox that others read"},
	}},
	{Name: optionList, Title: "How mails are told apart by mail programs", Choices: []backends.Choice{
		{Value: "app", Title: "A list for each application; one thread for each ticket, build or update"},
		{Value: listPackage, Title: "A list for each package, and one thread for each package"},
	}},
}

// bare takes from notices all that a mail of links only does not say: what remains is how many there are, of which
// application, when, how severe, where more stands, and why.
func bare(p backends.Parcel) backends.Parcel {
	notices := make([]backends.Notice, len(p.Notices))
	for i, n := range p.Notices {
		why := slices.Clone(n.Why)
		for j := range why {
			why[j].Sentence = ""
		}
		notices[i] = backends.Notice{
			ID: n.ID, Time: n.Time, App: n.App, Severity: n.Severity, Link: n.Link, Why: why, Relations: n.Relations,
			Phase: n.Phase, Folded: n.Folded, Provenance: n.Provenance,
			Title: "A notice of " + orOther(cleanLine(n.App, maxName)),
		}
		if len(p.Notices) == 1 { // its thread: an id that tells nothing
			notices[i].Objects = n.Objects
		}
	}
	p.Notices = notices
	return p
}

func orOther(name string) string {
	if name == "" {
		return "the bus"
	}
	return name
}

// listLabels names the lists that a parcel belongs to.
func listLabels(p backends.Parcel) []string {
	byApp := func(n backends.Notice) []string { return []string{listLabel(n.App)} }
	if p.Options[optionList] != listPackage {
		return distinct(p, byApp)
	}
	return distinct(p, func(n backends.Notice) []string {
		if len(n.Packages) != 1 {
			return byApp(n)
		}
		return []string{"package-" + listLabel(n.Packages[0])}
	})
}

// threadRoots are the objects of a notice that its thread is of, the first above all.
func threadRoots(p backends.Parcel) []string {
	n := p.Notices[0]
	if p.Options[optionList] == listPackage && len(n.Packages) == 1 && cleanLine(n.Packages[0], maxName) != "" {
		return []string{"package/" + n.Packages[0]}
	}
	return n.Objects
}

// relations are the words for what the reader is to the notices, those that we know.
func relations(p backends.Parcel) []string {
	known := []string{"mentioned", "assigned", "author", "owner", "group", "watcher"}
	var found []string
	for _, word := range known {
		if slices.ContainsFunc(p.Notices, func(n backends.Notice) bool { return slices.Contains(n.Relations, word) }) {
			found = append(found, word)
		}
	}
	return found
}

// addRelations says what the reader is to it: for mail rules, and as an address in Cc for mail programs that can search
// nothing else, which GitHub's mails have too. Nobody reads that address, and it is not among the recipients of the
// envelope.
func (c composer) addRelations(f *fields, p backends.Parcel) {
	words := relations(p)
	f.repeat("X-Notifyd-Relation", words)
	if c.config.RelationDomain == "" || len(words) == 0 {
		return
	}
	var addresses []string
	for _, word := range words {
		addresses = append(addresses, strings.ToUpper(word[:1])+word[1:]+" <"+word+"@"+c.config.RelationDomain+">")
	}
	f.text.WriteString("Cc: " + strings.Join(addresses, ",\r\n ") + "\r\n")
}
