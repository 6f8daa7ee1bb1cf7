package irc

import (
	"regexp"
	"strings"

	"github.com/notifyd/notifyd/backends"
)

// options are what people may choose about their lines.
var options = []backends.Option{
	{Name: "length", Title: "How much a line says", Choices: []backends.Choice{
		{Value: "normal", Title: "what happened, the link and the filter"},
		{Value: "short", Title: "what happened, in one line, and the link"},
		{Value: "long", Title: "longer texts, and more of a digest"}}},
	{Name: "links", Title: "Links", Choices: []backends.Choice{
		{Value: "whole", Title: "as they are"},
		{Value: "short", Title: "shorter where the same page has a shorter one"},
		{Value: "none", Title: "none"}}},
	{Name: "colours", Title: "Colours", Choices: []backends.Choice{
		{Value: "no", Title: "none"},
		{Value: "yes", Title: "by how bad it is (mIRC's codes)"}}},
	{Name: "as", Title: "Sent as", Choices: []backends.Choice{
		{Value: "message", Title: "a message"},
		{Value: "notice", Title: "a notice, which opens no window; servers do not say when they refuse one"}}},
}

// of gives the bounds for somebody who has chosen something.
func (l limits) of(chosen map[string]string) limits {
	switch chosen["length"] {
	case "short":
		l.noticeLines, l.digestLines, l.terse = 1, min(l.digestLines, 3), true
	case "long":
		l.noticeLines, l.digestLines = l.noticeLines*2, l.digestLines*2
	}
	l.colours = chosen["colours"] == "yes"
	l.links = chosen["links"]
	return l
}

// commandOf is how somebody wants lines to be sent.
func commandOf(chosen map[string]string) string {
	if chosen["as"] == "notice" {
		return "NOTICE"
	}
	return "PRIVMSG"
}

// colour begins the mark of a severity and ends it. Two digits keep a number behind it from being read as part of it.
func (l limits) colour(severity, text string) string {
	code := map[string]string{"critical": "\x02\x0304", "error": "\x0304", "warning": "\x0307", "debug": "\x0314"}[severity]
	if !l.colours || text == "" {
		return text
	}
	if code == "" {
		code = "\x0310"
	}
	return code + text + "\x0f"
}

// shortLinks are rules by which the same page has a shorter link, on every host.
var shortLinks = []struct {
	long  *regexp.Regexp
	short string
}{
	{regexp.MustCompile(`^(https?://[^/]+)/show_bug\.cgi\?id=(\d+)$`), "$1/$2"},                              // Bugzilla
	{regexp.MustCompile(`^(https?://.+/commit/[0-9a-f]{12})[0-9a-f]{28}$`), "$1"},                            // forges
	{regexp.MustCompile(`^(https?://.+/(?:issues|pull|pulls|merge_requests)/\d+)#\w+[-_]\d+$`), "$1"},        // of a comment
	{regexp.MustCompile(`^(https?://lists\.[^/]+/archives/list/[^/]+/(?:message|thread)/\w+)/?\?.*$`), "$1"}, // HyperKitty
}

// link gives a link as somebody wants it; "" for none.
func (l limits) link(link string) string {
	link = clean(link)
	switch l.links {
	case "none":
		return ""
	case "short":
		for _, rule := range shortLinks {
			link = rule.long.ReplaceAllString(link, rule.short)
		}
		link = strings.TrimSuffix(link, "/")
	}
	return link
}
