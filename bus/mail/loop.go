package mail

import (
	"strings"
)

// loop gives why a mail becomes no message, whatever a mapping says; "" where nothing is against it.
func (m *Mail) loop() string {
	answered := keyword(m.Header("Auto-Submitted"))
	kind, _, _ := m.head.ContentType()
	switch {
	case m.ours():
		return "notifyd has sent it"
	case answered == "auto-replied" || answered == "auto-notified":
		return "a program answers a mail: Auto-Submitted: " + answered
	case kind == "multipart/report":
		return "it reports about a mail (multipart/report)"
	case strings.Trim(m.Header("Return-Path"), " ") == "<>" && m.head.Get("List-Id") == "" && answered == "":
		return "it has no sender, as bounces have none"
	case m.head.Has("X-Autoreply") || m.head.Has("X-Autorespond") || keyword(m.Header("Precedence")) == "auto_reply":
		return "a program answers a mail (X-Autoreply, Precedence)"
	}
	return ""
}

// ours reports whether notifyd has sent a mail, of this site or another: a notice has headers that begin so, and a mail
// about an account has a Message-ID of this form.
func (m *Mail) ours() bool {
	for f := m.head.Fields(); f.Next(); {
		if name := strings.ToLower(f.Key()); strings.HasPrefix(name, "x-notifyd-") || strings.HasPrefix(name, "x-fedmsg-") {
			return true
		}
	}
	id := strings.TrimLeft(m.Header("Message-ID"), " ")
	return (strings.HasPrefix(id, "<p.") || strings.HasPrefix(id, "<h.")) &&
		strings.EqualFold(m.Header("X-Auto-Response-Suppress"), "All") && automatic(m.Header("Auto-Submitted"))
}

// automatic reports whether a header Auto-Submitted says that a program has written a mail (RFC 3834, 5).
func automatic(header string) bool {
	word := keyword(header)
	return word != "" && word != "no"
}

// keyword is what a header says before its parameters.
func keyword(header string) string {
	word, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(word))
}
