// Package topics divides the topics of messages and finds what is said of them.
//
// A topic is words with dots between them, from the general to the particular. fedmsg gave them the form <top-level
// domain>.<project>.<environment>.<application>.<what>; message schemas name them without the first three, ActiveMQ,
// openSUSE and Wikimedia with other words before, and some brokers with slashes. [Divide] gives the same tail for all
// of them, which is what patterns match. [Roots] are those that a site adds.
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

// environments are the words that follow a root. Those of sure name nothing else.
var (
	environments = []string{"prod", "production", "stg", "stage", "staging", "dev", "devel", "test"}
	sure         = environments[:7]
)

// datacentres are the first words of the topics of Wikimedia, which keeps a copy of each in two of them.
var datacentres = []string{"eqiad", "codfw"}

// A Topic is a topic divided into its parts.
type Topic struct {
	Root        string   // org.fedoraproject, opensuse; "" where there is none
	Environment string   // prod; "" where there is none
	Title       string   // the tail: what patterns match and people see
	Words       []string // of the title
}

// Roots are what a site's topics begin with beside the forms that are known: "acme", "com.acme.lab". What follows is an
// environment, where it is the word for one, and the application.
type Roots []string

// Divide gives the parts of a topic. One without a root ("pagure.issue.new") is all tail.
func Divide(topic string) Topic { return Roots(nil).Divide(topic) }

// Divide gives the parts of a topic. The longest root that it begins with counts.
func (r Roots) Divide(topic string) Topic {
	topic = dotted(topic)
	t := Topic{Title: topic}
	words := strings.SplitN(topic, ".", 7)
	root := r.of(topic)
	long := longRoot(words)
	switch {
	case root != "":
		t.Root, t.Title = root, topic[len(root)+1:]
		if first, rest, more := strings.Cut(t.Title, "."); more && slices.Contains(environments, first) {
			t.Environment, t.Title = first, rest
		}
	case len(words) >= 3 && (bus.IsScope(words[0]) || slices.Contains(datacentres, words[0])):
		t.Root, t.Title = words[0], strings.TrimPrefix(topic, words[0]+".")
	case long > 0:
		t.Root, t.Environment = strings.Join(words[:long], "."), words[long]
		t.Title = strings.Join(words[long+1:], ".")
	case len(words) >= 3 && words[0] == "VirtualTopic": // ActiveMQ's form: VirtualTopic.<project>.<application>.<what>
		t.Title = strings.SplitN(topic, ".", 3)[2]
	}
	t.Words = strings.Split(t.Title, ".")
	return t
}

// of gives the longest root of the site that a topic begins with.
func (r Roots) of(topic string) string {
	longest := ""
	for _, root := range r {
		if len(root) > len(longest) && len(topic) > len(root)+1 && strings.HasPrefix(topic, root) && topic[len(root)] == '.' {
			longest = root
		}
	}
	return longest
}

// longRoot says how many words the root has where an environment follows it: two, or more before a word that can only
// be one. A top-level domain is not asked for its environment.
func longRoot(words []string) int {
	if len(words) < 4 {
		return 0
	}
	named := slices.Contains(roots, words[0])
	if slices.Contains(environments, words[2]) {
		return 2
	}
	for i := 3; named && i < len(words)-1 && i <= 5; i++ {
		if slices.Contains(sure, words[i]) {
			return i
		}
	}
	if named {
		return 2
	}
	return 0
}

// dotted gives a topic in words with dots, without what brokers put before it: topic://VirtualTopic.eng.x,
// /topic/VirtualTopic.eng.x, Consumer.client.id.VirtualTopic.eng.x, jms.topic.x. Where a topic has slashes only
// (MQTT), they divide the words.
func dotted(topic string) string {
	if _, rest, ok := strings.Cut(topic, "://"); ok {
		topic = rest
	}
	if rest, ok := strings.CutPrefix(topic, "/"); ok {
		if kind, name, ok := strings.Cut(rest, "/"); ok && (kind == "topic" || kind == "queue") {
			rest = name
		}
		topic = rest
	}
	if strings.HasPrefix(topic, "Consumer.") {
		if i := strings.Index(topic, ".VirtualTopic."); i >= 0 {
			topic = topic[i+1:]
		}
	}
	if strings.Contains(topic, "/") && !strings.Contains(topic, ".") {
		topic = strings.Trim(strings.ReplaceAll(topic, "/", "."), ".")
	}
	for _, prefix := range []string{"jms.topic.", "jms.queue."} {
		topic = strings.TrimPrefix(topic, prefix)
	}
	return topic
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

// IsRoot says whether a text can be a root: words with dots between them.
func IsRoot(text string) bool {
	return len(text) <= 200 && !strings.ContainsAny(text, "{}*#/ \t\r\n") && !slices.Contains(strings.Split(text, "."), "")
}
