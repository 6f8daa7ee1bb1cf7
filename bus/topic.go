package bus

// MatchTopic reports whether a pattern matches a topic, both by words, as a binding of a topic exchange does (AMQP
// 0-9-1, section 3.1.3.3): * is any one word, # any number of words, also none. It takes time by the product of their
// lengths: after a # it goes back to the last one only.
func MatchTopic(pattern, words []string) bool {
	p, w, hash, mark := 0, 0, -1, 0
	for w < len(words) {
		switch {
		case p < len(pattern) && pattern[p] == "#":
			hash, mark = p, w
			p++
		case p < len(pattern) && (pattern[p] == "*" || pattern[p] == words[w]):
			p++
			w++
		case hash >= 0:
			mark++
			p, w = hash+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == "#" {
		p++
	}
	return p == len(pattern)
}

// IsScope says whether a word is a scope of openSUSE's bus, whose topics are
// <scope>.<application>.<object>.<action>: opensuse, or suse inside the company. They name no environment.
func IsScope(word string) bool { return word == "opensuse" || word == "suse" }
