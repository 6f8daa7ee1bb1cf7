package nats

import "strings"

// isSubject reports whether text can be a subject: words with dots between, and in a pattern * and > as words.
func isSubject(text string, pattern bool) bool {
	words := strings.Split(text, ".")
	for i, word := range words {
		switch {
		case word == "" || strings.ContainsAny(word, " \t\r\n\x00"):
			return false
		case word == "*" && pattern, word == ">" && pattern && i == len(words)-1:
		case strings.ContainsAny(word, "*>"):
			return false
		}
	}
	return len(text) <= 1024
}

// matches reports whether a pattern matches a subject.
func matches(pattern, subject string) bool {
	for {
		first, rest, more := strings.Cut(pattern, ".")
		word, after, another := strings.Cut(subject, ".")
		switch {
		case first == ">" && !more:
			return word != ""
		case first != "*" && first != word:
			return false
		case !more || !another:
			return more == another
		}
		pattern, subject = rest, after
	}
}

// topic gives the topic of a subject.
func (c ServerConfig) topic(subject string) string {
	if c.Prefix == "" {
		return subject
	}
	return strings.TrimPrefix(subject, c.Prefix+".")
}

// subject gives the subject of a topic.
func (c ServerConfig) subject(topic string) string {
	if c.Prefix == "" {
		return topic
	}
	return c.Prefix + "." + topic
}
