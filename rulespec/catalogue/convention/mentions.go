package convention

import (
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// The bounds on what is read of a text for the people that it names.
const (
	maxMentions    = 50
	maxMentionText = 64 << 10 // bytes
	maxMention     = 64       // bytes of a name
)

// AppendMentioned appends the accounts of those whom a text names as forges read it: @name, but not in code, in a
// comment of HTML, in an address, or as the name of a team (@acme/tea).
func AppendMentioned(to []string, text string, accounts *values.Accounts) []string {
	for _, name := range mentions(text) {
		if account := accounts.Login(map[string]any{"login": name}); account != "" {
			to = append(to, account)
			if small := strings.ToLower(account); small != account { // forges find names in any case
				to = append(to, small)
			}
		}
	}
	return to
}

// mentions gives the names behind an @ in a text in Markdown.
func mentions(text string) []string {
	if text = text[:min(len(text), maxMentionText)]; strings.IndexByte(text, '@') < 0 {
		return nil
	}
	var found []string
	text = withoutCode(text)
	for at := 0; len(found) < maxMentions; {
		i := strings.IndexByte(text[at:], '@')
		if i < 0 {
			break
		}
		name := nameAt(text, at+i)
		if name != "" {
			found = append(found, name)
		}
		at += i + 1 + len(name)
	}
	return found
}

// nameAt gives the name behind the @ at i, "" where that is none.
func nameAt(text string, i int) string {
	if i > 0 && (isNameByte(text[i-1]) || strings.IndexByte("@/\\&=+:#%", text[i-1]) >= 0 || text[i-1] >= 0x80) {
		return "" // an address, a part of a URL, or another word
	}
	end := i + 1
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	name := strings.TrimRight(text[i+1:end], "._-")
	after := text[i+1+len(name):]
	switch {
	case name == "" || len(name) > maxMention || strings.IndexByte("._-", name[0]) >= 0:
		return ""
	case after != "" && (after[0] >= 0x80 || after[0] == '@'), len(after) > 1 && after[0] == '/' && isNameByte(after[1]),
		strings.HasPrefix(after, "]("):
		return ""
	}
	return name
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// withoutCode gives a text in Markdown without its code: fenced and indented blocks, and what stands between backticks.
// Comments of HTML go too.
func withoutCode(text string) string {
	var out strings.Builder
	fence, blank, indented := "", true, false
	for line := range strings.Lines(withoutComments(text)) {
		trimmed := strings.TrimLeft(line, " ")
		mark := fenceOf(strings.TrimLeft(strings.TrimLeft(trimmed, ">"), " "))
		switch {
		case fence != "":
			if strings.HasPrefix(mark, fence) {
				fence = ""
			}
			continue
		case mark != "":
			fence = mark
			continue
		}
		deep := len(line)-len(trimmed) >= 4 || strings.HasPrefix(trimmed, "\t")
		indented = deep && (blank || indented)
		blank = strings.TrimSpace(line) == ""
		if !indented {
			out.WriteString(line)
		}
	}
	return withoutSpans(out.String())
}

// fenceOf gives the three or more backticks or tildes that a line begins with.
func fenceOf(line string) string {
	for _, c := range []string{"`", "~"} {
		n := len(line) - len(strings.TrimLeft(line, c))
		if n >= 3 && (c == "~" || !strings.Contains(line[n:], "`")) {
			return line[:n]
		}
	}
	return ""
}

// withoutComments takes comments of HTML out. One that does not end goes on to the end.
func withoutComments(text string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<!--")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		_, text, _ = strings.Cut(rest, "-->")
		out.WriteByte(' ')
	}
}

// withoutSpans takes what stands between equal runs of backticks out. A run without its like is text.
func withoutSpans(text string) string {
	runs := backticks(text)
	var out strings.Builder
	at := 0
	for i := 0; i < len(runs); i++ {
		for j := i + 1; j < len(runs) && j-i <= maxMentions; j++ {
			if runs[j].length == runs[i].length {
				out.WriteString(text[at:runs[i].at])
				out.WriteByte('`')
				at, i = runs[j].at+runs[j].length, j
				break
			}
		}
	}
	out.WriteString(text[at:])
	return out.String()
}

type run struct{ at, length int }

// backticks gives where the runs of backticks in a text are.
func backticks(text string) []run {
	var runs []run
	for i := 0; i < len(text); i++ {
		if text[i] != '`' {
			continue
		}
		start := i
		for i < len(text) && text[i] == '`' {
			i++
		}
		runs = append(runs, run{start, i - start})
	}
	return runs
}
