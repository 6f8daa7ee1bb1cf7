package backendtest

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/backends"
)

// Hostile are notices that try to break out of a backend's protocol, under the name of the attempt: each has the field
// contents of an attacker who can publish on the bus. Every title begins with a word that must arrive.
func Hostile() map[string]backends.Notice {
	attempt := func(word, payload string) backends.Notice {
		n := Samples()[0]
		n.ID, n.Title, n.Text = "id"+payload, word+payload, word+" text "+payload
		n.App, n.Kind, n.KindName, n.Topic = "app"+payload, "kind"+payload, "Kind "+payload, "topic"+payload
		n.Link, n.Icon = "https://example.org/"+payload, "https://example.org/"+payload
		n.Actor, n.Users, n.Packages = "actor"+payload, []string{payload, "bob" + payload}, []string{"pkg" + payload}
		n.Objects, n.Severity = []string{"object/" + payload}, "error"+payload
		n.Grouping = backends.Grouping{
			Keys: []string{"key" + payload}, Values: map[string][]string{"v": {payload}},
			Template: []backends.DigestPart{{Text: "p" + payload}, {Name: "v"}},
		}
		n.Why = []backends.Reason{{Filter: "f" + payload, Sentence: "s" + payload, Link: n.Link, Stop: n.Link}}
		return n
	}
	all := map[string]backends.Notice{
		"CRLF and a header": attempt("crlf", "\r\nBcc: mallory@example.org\r\nX-Injected: yes\r\n\r\ninjected body"),
		"lone CR":           attempt("lonecr", "\rX-Injected: yes\rPRIVMSG #ops :injected"),
		"lone LF":           attempt("lonelf", "\nPRIVMSG #ops :injected\nQUIT :injected\nX-Injected: yes"),
		"end of SMTP data":  attempt("smtpdot", "\r\n.\r\nMAIL FROM:<mallory@example.org>\r\n.\r\n"),
		"NUL":               attempt("nul", "\x00after\x00X-Injected: yes"),
		"other line ends":   attempt("lineends", "\u2028X-Injected: yes\u2029\u0085\v\fend"),
		"bidi controls":     attempt("bidi", "\u202egnp.exe\u2066\u2067\u202c\u200f"),
		"invalid UTF-8":     attempt("badutf8", "\xff\xfe\xc3\x28\xed\xa0\x80"),
		"HTML":              attempt("html", `<script>alert(1)</script><img src=x onerror=alert(1)>"'&lt;</style></body>`),
		"HTML template":     attempt("template", `{{.Secret}}{{template "x"}}${x}%{x}%s%n`),
		"mIRC codes":        attempt("mirc", "\x02bold\x0304,01red\x0f\x16\x1d\x1f\x11\x04FF0000"),
		"CTCP":              attempt("ctcp", "\x01VERSION\x01\x01DCC SEND x 1 1\x01"),
		"terminal escape":   attempt("escape", "\x1b]0;owned\x07\x1b[2J\x9b31m"),
		"encoded word":      attempt("encoded", "=?utf-8?q?=0D=0AX-Injected:_yes?= =?utf-8?b?DQpYLUluamVjdGVkOiB5ZXM=?="),
		"MIME boundary": attempt("boundary",
			"\r\n--boundary\r\nContent-Type: text/html\r\n\r\n<b>injected</b>\r\n--boundary--"),
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
