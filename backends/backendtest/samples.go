package backendtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// when is the time of the first sample.
var when = time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC)

// Samples are ordinary notices of several applications and severities, oldest first.
func Samples() []backends.Notice {
	why := []backends.Reason{{
		Filter: "My packages", Sentence: "the package is bash or zsh, and the severity is at least warning",
		Link: "https://notify.example.org/filters/7", Stop: "https://notify.example.org/stop/abc?sig=0123456789abcdef",
	}}
	return []backends.Notice{
		{
			ID: "2026-0001", Topic: "org.example.prod.buildsys.build.state.change", Time: when, App: "buildsys",
			Kind: "buildsys.build.failed", KindName: "Failed builds", Title: "Build of bash-5.3-1 failed on s390x",
			Text: "carol's build of bash-5.3-1 failed on s390x after 12 minutes.\nThe log ends with: cannot find -lncurses",
			Link: "https://builds.example.org/build/1234", Actor: "carol", Users: []string{"carol"},
			Packages: []string{"bash"}, Objects: []string{"build/1234"}, Severity: "error", Why: why,
		},
		{
			ID: "2026-0002", Topic: "org.example.prod.bodhi.update.comment", Time: when.Add(time.Minute), App: "bodhi",
			Kind: "bodhi.update.comment", KindName: "Comments on updates", Title: "bob commented on the update of zsh",
			Text: "bob commented on zsh-5.9-4: works for me.", Link: "https://updates.example.org/u/42#comment-3",
			Actor: "bob", Users: []string{"alice", "bob"}, Packages: []string{"zsh"}, Objects: []string{"update/42"},
			Severity: "info", Why: why,
		},
		{
			ID: "2026-0003", Topic: "org.example.prod.wiki.article.edit", Time: when.Add(2 * time.Minute), App: "wiki",
			Kind: "wiki.edit", KindName: "Edited pages", Title: "Zoë edited «Größe & Maß» — 日本語",
			Text: "Zoë edited the page «Größe & Maß» <b>really</b> 😀", Link: "https://wiki.example.org/wiki/Gr%C3%B6%C3%9Fe",
			Actor: "zoe", Users: []string{"zoe"}, Objects: []string{"page/Größe"}, Severity: "info", Why: why,
		},
	}
}

// Account is a notice of account mail: it has no topic and no reason.
func Account() backends.Notice {
	return backends.Notice{
		ID: "account-confirm-1", Time: when, App: "notifyd", Kind: "account.confirm", Severity: "info",
		Title: "Confirm your address", Text: "Somebody, probably you, asked for notices to be sent here. Your code is 314159.",
		Link: "https://notify.example.org/confirm/abcdef",
	}
}

// Many are n notices whose titles are "sample notice N of a digest". No two of them belong together.
func Many(n int) []backends.Notice {
	kinds := Samples()
	out := make([]backends.Notice, n)
	for i := range out {
		s := kinds[i%len(kinds)]
		s.ID = fmt.Sprintf("2026-many-%04d", i)
		s.Time = when.Add(time.Duration(i) * time.Minute)
		s.Title = fmt.Sprintf("sample notice %d of a digest", i+1)
		s.Text = fmt.Sprintf("The text of sample %d.", i+1)
		s.Actor, s.Objects = fmt.Sprintf("person%d", i+1), []string{fmt.Sprintf("sample/%d", i+1)}
		out[i] = s
	}
	return out
}

// Builds are n notices that belong together, of a run of builds: every third failed.
func Builds(n int) []backends.Notice {
	out := Many(n)
	for i := range out {
		s := &out[i]
		s.App, s.Kind, s.KindName, s.Topic = "buildsys", "buildsys.build.done", "Finished builds", "org.example.prod.buildsys.build.state.change"
		s.Actor, s.Packages, s.Severity, s.Link = "carol", []string{"bash"}, "info", fmt.Sprintf("https://builds.example.org/build/%d", i+1)
		if i%3 == 0 {
			s.Kind, s.KindName, s.Severity = "buildsys.build.failed", "Failed builds", "error"
		}
		s.Grouping = backends.Grouping{
			Keys: []string{"builds of bash"}, Values: map[string][]string{"nvr": {fmt.Sprintf("bash-5.3-%d", i+1)}},
			Plural: []backends.Part{{Name: "actors"}, {Text: " built "}, {Name: "nvr"},
				{Text: ", ", If: "failures"}, {Name: "failures", If: "failures"}, {Text: " failed", If: "failures"}},
		}
	}
	return out
}

// Hostile are notices that try to break out of a backend's protocol: each has the field contents of an attacker who can publish
// on the bus, under the name of the attempt. Every title begins with a word that must arrive.
func Hostile() map[string]backends.Notice {
	attempt := func(word, payload string) backends.Notice {
		n := Samples()[0]
		n.ID, n.Title, n.Text = "id"+payload, word+payload, word+" text "+payload
		n.App, n.Kind, n.KindName, n.Topic = "app"+payload, "kind"+payload, "Kind "+payload, "topic"+payload
		n.Link, n.Icon = "https://example.org/"+payload, "https://example.org/"+payload
		n.Actor, n.Users, n.Packages = "actor"+payload, []string{payload, "bob" + payload}, []string{"pkg" + payload}
		n.Objects, n.Severity = []string{"object/" + payload}, "error"+payload
		n.Grouping = backends.Grouping{Keys: []string{"key" + payload}, Values: map[string][]string{"v": {payload}}, Plural: []backends.Part{{Text: "p" + payload}, {Name: "v"}}}
		n.Why = []backends.Reason{{Filter: "f" + payload, Sentence: "s" + payload, Link: n.Link, Stop: n.Link}}
		return n
	}
	all := map[string]backends.Notice{
		"CRLF and a header":  attempt("crlf", "\r\nBcc: mallory@example.org\r\nX-Injected: yes\r\n\r\ninjected body"),
		"lone CR":            attempt("lonecr", "\rX-Injected: yes\rPRIVMSG #ops :injected"),
		"lone LF":            attempt("lonelf", "\nPRIVMSG #ops :injected\nQUIT :injected\nX-Injected: yes"),
		"end of SMTP data":   attempt("smtpdot", "\r\n.\r\nMAIL FROM:<mallory@example.org>\r\n.\r\n"),
		"NUL":                attempt("nul", "\x00after\x00X-Injected: yes"),
		"other line ends":    attempt("lineends", "\u2028X-Injected: yes\u2029\u0085\v\fend"),
		"bidi controls":      attempt("bidi", "\u202egnp.exe\u2066\u2067\u202c\u200f"),
		"invalid UTF-8":      attempt("badutf8", "\xff\xfe\xc3\x28\xed\xa0\x80"),
		"HTML":               attempt("html", `<script>alert(1)</script><img src=x onerror=alert(1)>"'&lt;</style></body>`),
		"HTML template":      attempt("template", `{{.Secret}}{{template "x"}}${x}%{x}%s%n`),
		"mIRC codes":         attempt("mirc", "\x02bold\x0304,01red\x0f\x16\x1d\x1f\x11\x04FF0000"),
		"CTCP":               attempt("ctcp", "\x01VERSION\x01\x01DCC SEND x 1 1\x01"),
		"terminal escape":    attempt("escape", "\x1b]0;owned\x07\x1b[2J\x9b31m"),
		"encoded word":       attempt("encoded", "=?utf-8?q?=0D=0AX-Injected:_yes?= =?utf-8?b?DQpYLUluamVjdGVkOiB5ZXM=?="),
		"MIME boundary":      attempt("boundary", "\r\n--boundary\r\nContent-Type: text/html\r\n\r\n<b>injected</b>\r\n--boundary--"),
		"markup of a bubble": attempt("markup", `<a href="file:///etc/passwd">x</a><b>`),
		"long word":          attempt("longword", strings.Repeat("x", 5000)),
		"combining marks":    attempt("zalgo", strings.Repeat("\u0301\u0489", 2000)),
		"many values":        manyValues(),
	}
	megabyte := attempt("megabyte", "")
	megabyte.Text = "megabyte text " + strings.Repeat("all work and no play \u00e9 ", 45_000)
	all["megabyte of text"] = megabyte
	empty := backends.Notice{Title: "emptyfields"}
	all["empty fields"] = empty
	link := attempt("badlink", "")
	link.Link, link.Icon = "javascript:alert(1)", "file:///etc/passwd"
	link.Why[0].Link, link.Why[0].Stop = "javascript:alert(2)", "data:text/html,x"
	all["dangerous link"] = link
	return all
}

func manyValues() backends.Notice {
	n := Samples()[0]
	n.Title = "manyvalues"
	for i := range 5000 {
		n.Packages = append(n.Packages, fmt.Sprintf("package-%d", i))
		n.Users = append(n.Users, fmt.Sprintf("user-%d", i))
		n.Objects = append(n.Objects, fmt.Sprintf("object/%d", i))
		n.Why = append(n.Why, backends.Reason{Filter: fmt.Sprintf("filter %d", i), Sentence: "everything"})
	}
	return n
}
