package convention

import "strings"

// A Verb is a word of a topic as what has happened.
type Verb struct {
	Past     string // created
	ByItself bool   // the thing does it, as a build fails; otherwise people do it to the thing
	Thing    bool   // the word may as well be the name of a thing: comment, fork
}

// VerbOf reads a word of a topic, such as create, created or comment, as a verb; false where it is none.
func VerbOf(word string) (Verb, bool) {
	v, ok := verbOf(word)
	return Verb{v.past, v.does == byItself, isBoth(word)}, ok
}

// Singular gives one of several: issue for issues, repository for repositories.
func Singular(noun string) string { return singular(noun) }

// Level gives the severity that the word of a result speaks for: error, warning, debug, info where it is no news, or
// broken where that depends on what broke; "" where the word is not known.
func Level(word string) string {
	res, known := resultWords[wordOf(word)]
	if known && res.Level == "" {
		return "info"
	}
	return res.Level
}

// LevelWords gives the words of results in small letters, by their Level.
func LevelWords() map[string][]string {
	words := map[string][]string{}
	for _, o := range outcomes {
		level := o.level
		if level == "" {
			level = "info"
		}
		words[level] = append(words[level], strings.Fields(o.words)...)
	}
	return words
}
