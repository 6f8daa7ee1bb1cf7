// Package topics divides the topics of messages and finds what is said of them.
//
// A topic is words with dots between them, from the general to the particular. fedmsg gave them the form <top-level
// domain>.<project>.<environment>.<application>.<what>; message schemas name them without the first three, and ActiveMQ
// and openSUSE with a word before. [Divide] gives the same tail for all of them, which is what patterns match.
//
// A [Pattern] is a topic with captures, and a [Tree] finds the patterns that fit a topic by map look-ups, word after
// word (a trie), so its cost depends on the words of the topic and not on the number of patterns. The more definite
// pattern comes first.
package topics

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// roots are first words of topics that begin with a project's name turned round, and an environment: the form
// <top-level domain>.<project>.<environment>.<application>.<what> of fedmsg.
var roots = []string{"org", "com", "net", "io", "edu", "gov", "info", "eu"}

// environments are the third words of a topic that has a root which is none of roots.
var environments = []string{"prod", "production", "stg", "stage", "staging", "dev", "devel", "test"}

// A Topic is a topic divided into its parts.
type Topic struct {
	Root        string   // org.fedoraproject, opensuse; "" where there is none
	Environment string   // prod; "" where there is none
	Title       string   // the tail: what patterns match and people see
	Words       []string // of the title
}

// Divide gives the parts of a topic. One without a root ("pagure.issue.new") is all tail.
func Divide(topic string) Topic {
	t := Topic{Title: topic}
	words := strings.SplitN(topic, ".", 4)
	switch {
	case len(words) >= 3 && bus.IsScope(words[0]):
		t.Root, t.Title = words[0], strings.TrimPrefix(topic, words[0]+".")
	case len(words) == 4 && (slices.Contains(roots, words[0]) || slices.Contains(environments, words[2])):
		t.Root, t.Environment, t.Title = words[0]+"."+words[1], words[2], words[3]
	case len(words) >= 3 && words[0] == "VirtualTopic": // ActiveMQ's form: VirtualTopic.<project>.<application>.<what>
		t.Title = strings.SplitN(topic, ".", 3)[2]
	}
	t.Words = strings.Split(t.Title, ".")
	return t
}

// IsApp says whether a word can be the name of an application, which is the first word of its topics: small letters,
// digits, _ and -.
func IsApp(word string) bool {
	for _, c := range word {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return word != "" && len(word) <= 64
}
