package email

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/notifyd/notifyd/backends"
)

// setHeaders sets every header but From, To and Date. doc/email.md says what each means. Their names are never made of
// data.
func (c composer) setHeaders(m *mail.Msg, p backends.Parcel, subject string) {
	var f fields
	f.add("Subject", subject)
	defer f.set(m)
	m.SetGenHeader(mail.HeaderMessageID, messageID(p.ID, c.config.ListDomain))
	answers := p.Notices[0].Answers
	if answers != "" {
		f.add("Auto-Submitted", "auto-replied")
		f.add("In-Reply-To", answers)
		f.addIDs("References", []string{answers})
	} else {
		f.add("Auto-Submitted", "auto-generated")
	}
	f.add("X-Auto-Response-Suppress", "All")
	c.addWayBack(&f, p)
	if isAccount(p) {
		return // the person asked for this one: no list mail, nothing to unsubscribe from
	}
	f.add("Precedence", "bulk")
	c.addList(&f, p)
	c.addThread(&f, p)
	c.addRelations(&f, p)
	addDescription(&f, p)
}

// isAccount reports mail about an account: no filter matched, and it is no report.
func isAccount(p backends.Parcel) bool {
	return !slices.ContainsFunc(p.Notices, func(n backends.Notice) bool { return len(n.Why) > 0 || n.Document != nil })
}

// addList names the list and the way out of it. One click stops one filter for this destination: the one that most
// notices of the parcel came by.
func (c composer) addList(f *fields, p backends.Parcel) {
	labels := listLabels(p)
	if len(labels) > 1 {
		labels = []string{"digest"}
	}
	f.add("List-Id", listID(labels[0], c.config.ListDomain))
	stop := safeLink(commonStop(p))
	if stop == "" {
		if manage := safeLink(p.Manage); manage != "" {
			f.add("List-Unsubscribe", "<"+manage+">")
		}
		return
	}
	if address := c.stopAddress(stop); address != "" {
		f.add("List-Unsubscribe", "<"+stop+">, <mailto:"+address+"?subject=unsubscribe>")
	} else {
		f.add("List-Unsubscribe", "<"+stop+">")
	}
	if strings.HasPrefix(stop, "https:") { // RFC 8058, section 3.1 wants https
		f.add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
}

// commonStop is the stop link that most notices carry; the first of equals.
func commonStop(p backends.Parcel) string {
	count := map[string]int{}
	var links []string
	for _, n := range p.Notices {
		for _, w := range n.Why {
			if safeLink(w.Stop) == "" {
				continue
			}
			if count[w.Stop]++; count[w.Stop] == 1 {
				links = append(links, w.Stop)
			}
		}
	}
	best := ""
	for _, link := range links {
		if count[link] > count[best] {
			best = link
		}
	}
	return best
}

// maxBuilds bounds the builds of an update that its mails refer to.
const maxBuilds = 5

// addThread makes notices of one object answers to a root that was never sent. Those of an update refer to its builds
// too, so that a mail program shows a build, its tests and its update as one thread (RFC 5256, REFERENCES). A digest is
// of many objects and starts a thread of its own.
func (c composer) addThread(f *fields, p backends.Parcel) {
	if len(p.Notices) != 1 {
		return
	}
	objects := threadRoots(p)
	if len(objects) == 0 || objects[0] == "" {
		return
	}
	var roots []string
	for _, o := range objects[1:] {
		if strings.HasPrefix(o, "build/") && len(roots) < maxBuilds {
			roots = append(roots, threadID(o, c.config.ListDomain))
		}
	}
	root := threadID(objects[0], c.config.ListDomain)
	f.add("In-Reply-To", root)
	f.addIDs("References", append(roots, root))
}

// addDescription says for mail rules what the notices are of. The X-Fedmsg headers are those of Fedora's old notifier,
// so that its users' rules go on working.
func addDescription(f *fields, p backends.Parcel) {
	topics := distinct(p, func(n backends.Notice) []string { return []string{n.Topic} })
	apps := distinct(p, func(n backends.Notice) []string { return []string{n.App} })
	users := distinct(p, func(n backends.Notice) []string { return n.Users })
	packages := distinct(p, func(n backends.Notice) []string { return n.Packages })
	number := []string{strconv.Itoa(len(packages))}
	for _, h := range []struct {
		name   mail.Header
		values []string
	}{
		{"X-Notifyd-Topic", topics}, {"X-Fedmsg-Topic", topics},
		{"X-Notifyd-App", apps}, {"X-Fedmsg-Category", apps},
		{"X-Notifyd-Kind", distinct(p, func(n backends.Notice) []string { return []string{n.Kind} })},
		{"X-Notifyd-Actor", distinct(p, func(n backends.Notice) []string { return []string{n.Actor} })},
		{"X-Notifyd-User", users}, {"X-Fedmsg-Username", users},
		{"X-Notifyd-Package", packages}, {"X-Fedmsg-Package", packages},
		{"X-Notifyd-Message-Id", distinct(p, func(n backends.Notice) []string { return []string{n.ID} })},
		{"X-Notifyd-Reason", distinct(p, reasonsOf)},
		{"X-Notifyd-Package-Count", number}, {"X-Fedmsg-Num-Packages", number},
		{"X-Notifyd-Count", []string{strconv.Itoa(len(p.Notices))}},
		{"X-Notifyd-Trust", distinct(p, provenance)},
		{"X-Notifyd-Severity", []string{worst(p.Notices).Severity}},
	} {
		f.repeat(h.name, h.values)
	}
}

func reasonsOf(n backends.Notice) []string {
	var all []string
	for _, w := range n.Why {
		all = append(all, strings.Trim(w.Filter+": "+w.Sentence, ": "))
	}
	return all
}

// distinct collects values of the notices, sorted, without empty ones.
func distinct(p backends.Parcel, of func(backends.Notice) []string) []string {
	var all []string
	for _, n := range p.Notices {
		all = append(all, of(n)...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) > 0 && all[0] == "" {
		all = all[1:]
	}
	return all
}
