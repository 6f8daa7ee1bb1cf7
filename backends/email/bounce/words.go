package bounce

import (
	_ "embed"
	"regexp"
	"strings"
)

// A saying is what servers say, and what it means. weak: a status that is precise counts more.
type saying struct {
	kind Kind
	weak bool
	said *regexp.Regexp
}

//go:embed sayings.txt
var sayingsText string

// sayings are the table sayings.txt: the first that fits counts.
var sayings = readSayings(sayingsText)

// readSayings reads the table. A mistake in it is one of the program, and found by every test.
func readSayings(text string) (all []saying) {
	var patterns []string
	end := func() {
		if len(all) > 0 {
			all[len(all)-1].said = regexp.MustCompile(strings.Join(patterns, "|"))
		}
		patterns = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if class, ok := strings.CutPrefix(line, "= "); ok {
			end()
			kind, weak, _ := strings.Cut(class, " ")
			all = append(all, saying{kind: Kind(kind), weak: weak != ""})
		} else if line != "" && line[0] != '#' {
			patterns = append(patterns, line)
		}
	}
	end()
	return all
}

// byWords gives what a text means; "" where the table has nothing.
func byWords(text string) (kind Kind, weak bool) {
	for _, s := range sayings {
		if s.said.MatchString(text) {
			return s.kind, s.weak
		}
	}
	return "", false
}

var (
	wrapper = regexp.MustCompile(`(?i)- unknown address error (\d\d\d[- ]?')`) // one gateway says it of any reply
	spaces  = regexp.MustCompile(`\s+`)
	url     = regexp.MustCompile(`(?:https?://|www\.)([^\s/]+)\S*`)
	again   = regexp.MustCompile(`\s[245]\d\d[- ]#?[245]\.\d{1,3}\.\d{1,3}\s`) // each line of a reply begins so
	bracket = regexp.MustCompile(`\[[0-9a-f.:]+\]|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)
)

// plain makes one line of a text, in lower case, without what is no word of a server: addresses, links, numbers of
// hosts.
func plain(text string) string {
	text = wrapper.ReplaceAllString(text[:min(len(text), maxText)], " ")
	text = url.ReplaceAllString(text[:min(len(text), maxText)], " $1 ")
	text = address.ReplaceAllString(text, "ADDR")
	text = bracket.ReplaceAllString(text, "")
	text = strings.ToLower(spaces.ReplaceAllString(text, " "))
	text = again.ReplaceAllString(text, " ")
	return spaces.ReplaceAllString(strings.NewReplacer("’", "'", "<addr>", "addr").Replace(text), " ")
}

// WithoutAddresses takes the addresses out of what a server said.
func WithoutAddresses(said string) string { return address.ReplaceAllString(said, "…") }

// Refused gives what the reply of a server to RCPT means, by its words, its status and its code.
func Refused(reply string) Kind {
	return judge(plain(reply), "in reply to rcpt to", statusIn(reply), codeIn(reply))
}
