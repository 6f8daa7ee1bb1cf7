package email

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/notifyd/notifyd/backends"
)

// The headers beyond those that go-mail names. doc/email.md says what each means; header names are never made of data.
const (
	headerListID          mail.Header = "List-Id"
	headerListUnsubscribe mail.Header = "List-Unsubscribe"
	headerListPost        mail.Header = "List-Unsubscribe-Post"
	headerAutoSubmitted   mail.Header = "Auto-Submitted"

	headerTopic    mail.Header = "X-Notifyd-Topic"
	headerApp      mail.Header = "X-Notifyd-App"
	headerKind     mail.Header = "X-Notifyd-Kind"
	headerPackage  mail.Header = "X-Notifyd-Package"
	headerPackages mail.Header = "X-Notifyd-Package-Count"
	headerUser     mail.Header = "X-Notifyd-User"
	headerActor    mail.Header = "X-Notifyd-Actor"
	headerSeverity mail.Header = "X-Notifyd-Severity"
	headerMessage  mail.Header = "X-Notifyd-Message-Id"
	headerReason   mail.Header = "X-Notifyd-Reason"
	headerCount    mail.Header = "X-Notifyd-Count"

	headerFedmsgTopic    mail.Header = "X-Fedmsg-Topic"
	headerFedmsgCategory mail.Header = "X-Fedmsg-Category"
	headerFedmsgUser     mail.Header = "X-Fedmsg-Username"
	headerFedmsgPackage  mail.Header = "X-Fedmsg-Package"
	headerFedmsgPackages mail.Header = "X-Fedmsg-Num-Packages"
)

// maxValues bounds how often a header is repeated: a message may touch thousands of packages. maxValue bounds one.
const (
	maxValues = 10
	maxValue  = 120
)

// setHeaders sets every header but From, To and Date.
func (b *Backend) setHeaders(m *mail.Msg, p backends.Parcel, subject string) {
	var f fields
	f.add(mail.HeaderSubject, subject)
	defer f.set(m)
	m.SetGenHeader(mail.HeaderMessageID, messageID(p.ID, b.config.ListDomain))
	f.add(headerAutoSubmitted, "auto-generated")
	f.add(mail.HeaderXAutoResponseSuppress, "All")
	if isAccount(p) {
		return // somebody asked for this one: no list mail, nothing to unsubscribe from
	}
	f.add(mail.HeaderPrecedence, "bulk")
	b.addList(&f, p)
	b.addThread(&f, p)
	describe(&f, p)
}

// isAccount: nobody's filter asked for it.
func isAccount(p backends.Parcel) bool {
	return !slices.ContainsFunc(p.Notices, func(n backends.Notice) bool { return len(n.Why) > 0 })
}

// addList names the list and the way out of it. One click stops one filter for this destination: the one that
// most of the parcel came by.
func (b *Backend) addList(f *fields, p backends.Parcel) {
	apps := distinct(p, func(n backends.Notice) []string { return []string{listLabel(n.App)} })
	if len(apps) > 1 {
		apps = []string{"digest"}
	}
	f.add(headerListID, listID(apps[0], b.config.ListDomain))
	stop := safeLink(commonStop(p))
	if stop == "" {
		if page := safeLink(p.Manage); page != "" {
			f.add(headerListUnsubscribe, "<"+page+">")
		}
		return
	}
	f.add(headerListUnsubscribe, "<"+stop+">")
	if strings.HasPrefix(stop, "https:") { // RFC 8058, section 3.1 wants https
		f.add(headerListPost, "List-Unsubscribe=One-Click")
	}
}

// commonStop is the stop link that most notices carry; the first of equals.
func commonStop(p backends.Parcel) string {
	count := map[string]int{}
	best := ""
	for _, n := range p.Notices {
		for _, w := range n.Why {
			if safeLink(w.Stop) == "" {
				continue
			}
			count[w.Stop]++
			if best == "" {
				best = w.Stop
			}
		}
	}
	for _, n := range p.Notices {
		for _, w := range n.Why {
			if count[w.Stop] > count[best] {
				best = w.Stop
			}
		}
	}
	return best
}

// addThread makes notices of one object answers to a root that was never sent. A digest is of many objects and starts
// a thread of its own.
func (b *Backend) addThread(f *fields, p backends.Parcel) {
	if len(p.Notices) != 1 || len(p.Notices[0].Objects) == 0 || p.Notices[0].Objects[0] == "" {
		return
	}
	root := threadID(p.Notices[0].Objects[0], b.config.ListDomain)
	f.add(mail.HeaderInReplyTo, root)
	f.add(mail.HeaderReferences, root)
}

// describe says for mail rules what the notices are of. The X-Fedmsg headers are those of Fedora's old
// notifier, so that its users' rules go on working.
func describe(f *fields, p backends.Parcel) {
	topics := distinct(p, func(n backends.Notice) []string { return []string{n.Topic} })
	apps := distinct(p, func(n backends.Notice) []string { return []string{n.App} })
	users := distinct(p, func(n backends.Notice) []string { return n.Users })
	packages := distinct(p, func(n backends.Notice) []string { return n.Packages })
	number := strconv.Itoa(len(packages))
	for _, h := range []struct {
		name   mail.Header
		values []string
	}{
		{headerTopic, topics}, {headerFedmsgTopic, topics},
		{headerApp, apps}, {headerFedmsgCategory, apps},
		{headerKind, distinct(p, func(n backends.Notice) []string { return []string{n.Kind} })},
		{headerActor, distinct(p, func(n backends.Notice) []string { return []string{n.Actor} })},
		{headerUser, users}, {headerFedmsgUser, users},
		{headerPackage, packages}, {headerFedmsgPackage, packages},
		{headerMessage, distinct(p, func(n backends.Notice) []string { return []string{n.ID} })},
		{headerReason, distinct(p, reasonsOf)},
		{headerPackages, []string{number}}, {headerFedmsgPackages, []string{number}},
		{headerCount, []string{strconv.Itoa(len(p.Notices))}},
		{headerSeverity, []string{worst(p.Notices).Severity}},
	} {
		f.repeat(h.name, h.values)
	}
}

func reasonsOf(n backends.Notice) []string {
	var out []string
	for _, w := range n.Why {
		out = append(out, strings.Trim(w.Filter+": "+w.Sentence, ": "))
	}
	return out
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

// repeat writes a header once for each value, up to maxValues: a rule that compares with "is" must find each.
func (f *fields) repeat(name mail.Header, values []string) {
	for _, v := range values[:min(len(values), maxValues)] {
		if v = headerValue(v, maxValue); v != "" {
			f.add(name, v)
		}
	}
}
