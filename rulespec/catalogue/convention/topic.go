package convention

import (
	"slices"
	"strings"
	"unicode"
)

// A heading is what a topic says: which application, of what, and what happened to it.
type heading struct {
	app   string
	nouns []string // in small letters, in the order of the topic: "pull request", "comment"
	verb  verb     // the zero verb where the topic has none
	both  bool     // the verb may be the name of a thing instead
	last  string   // the word that was read as the verb
	rest  []string // the words after the verb
}

// headingOf reads the words of a topic, the first of which is the application.
func headingOf(words []string) heading {
	var h heading
	if len(words) == 0 {
		return h
	}
	h.app = words[0]
	var tokens []string
	for _, w := range words[1:min(len(words), maxTopicWords)] {
		tokens = append(tokens, tokensOf(w)...)
	}
	tokens = joined(tokens)
	h.nouns = tokens
	h.findVerb(tokens)
	return h
}

// maxTopicWords is how many words of a topic are read.
const maxTopicWords = 16

// findVerb takes the last word that can only be a verb, else a last word that may be one.
func (h *heading) findVerb(tokens []string) {
	for i := len(tokens) - 1; i >= 0; i-- {
		v, ok := verbOf(tokens[i])
		first := i == 0 && len(tokens) > 1 && v.past != tokens[i] && tokens[1] != "to" && tokens[1] != "from"
		if i > 1 && tokens[i-1] == "to" {
			if _, before := verbOf(tokens[i-2]); before {
				continue // fail to start
			}
		}
		if ok && !first && !isBoth(tokens[i]) { // a first word may say what the others are: import tasks
			h.set(tokens, i, v)
			return
		}
	}
	if last := len(tokens) - 1; last >= 0 && isBoth(tokens[last]) {
		if v, ok := verbOf(tokens[last]); ok {
			h.set(tokens, last, v)
			h.both = true
		}
	}
}

func (h *heading) set(tokens []string, i int, v verb) {
	h.nouns, h.verb, h.last, h.rest = tokens[:i:i], v, tokens[i], tokens[i+1:]
}

// tokensOf divides a word: PullRequestOpened and pull_request:opened are pull, request, opened. A hyphen holds a name
// together, but not with a verb after it: patchset-created.
func tokensOf(word string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(word, func(r rune) bool {
		return strings.ContainsRune("_:/ ,;|", r) || unicode.IsControl(r)
	}) {
		for _, token := range Camels(part) {
			out = append(out, unhyphened(strings.ToLower(token))...)
		}
	}
	return out
}

// Camels divides a word before each capital letter that follows a small one.
func Camels(word string) []string {
	var out []string
	start, small := 0, false
	for i, r := range word {
		if unicode.IsUpper(r) && small {
			out = append(out, word[start:i])
			start = i
		}
		small = unicode.IsLower(r)
	}
	return append(out, word[start:])
}

func unhyphened(token string) []string {
	parts := strings.Split(token, "-")
	last := len(parts) - 1
	if last == 0 {
		return plainToken(token)
	}
	if compounds[strings.Join(parts, "")] != "" {
		return parts
	}
	if _, ok := verbOf(parts[last]); ok && !isBoth(parts[last]) {
		if compounds[strings.Join(parts[:last], "")] != "" {
			return parts
		}
		return []string{strings.Join(parts[:last], "-"), parts[last]}
	}
	return plainToken(token)
}

// plainToken leaves out numbers, versions of a schema and what looks like an id.
func plainToken(token string) []string {
	token = strings.TrimFunc(token, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	digits, letters := 0, 0
	for _, r := range token {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	if letters == 0 && digits > 3 || digits+letters == 0 || letters == 1 && digits > 0 || digits > 0 && len(token) > 20 {
		return nil
	}
	return []string{token}
}

// compounds are names of two words that people write as one, or short.
var compounds = map[string]string{"pullrequest": "pull request", "pr": "pull request", "mergerequest": "merge request",
	"mr": "merge request", "checkrun": "check run", "checksuite": "check suite", "workflowrun": "workflow run",
	"workflowjob": "workflow job", "workitem": "work item", "recentchange": "recent change", "patchset": "patch set",
	"changeset": "changeset", "repo": "repository", "buildsys": "build system", "refupdate": "ref update"}

// joined puts the two words of a compound together.
func joined(tokens []string) []string {
	var out []string
	for i := 0; i < len(tokens); i++ {
		if i+1 < len(tokens) {
			if name := compounds[tokens[i]+tokens[i+1]]; name != "" {
				out = append(out, name)
				i++
				continue
			}
		}
		name := compounds[tokens[i]]
		if name == "" {
			name = tokens[i]
		}
		if len(out) == 0 || out[len(out)-1] != name { // post.post_created
			out = append(out, name)
		}
	}
	return out
}

// keyOf makes names of fields and nouns comparable: pullRequest, pull_request and "pull request" are pullrequest.
func keyOf(name string) string {
	if name == "repository" {
		return "repo"
	}
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' || r == ':' {
			return -1
		}
		return r
	}, name))
}

// singular gives one of several: issues, repositories.
func singular(noun string) string {
	switch {
	case strings.HasSuffix(noun, "ies"):
		return strings.TrimSuffix(noun, "ies") + "y"
	case strings.HasSuffix(noun, "ss"), strings.HasSuffix(noun, "us"), strings.HasSuffix(noun, "is"), noun == "openqa":
		return noun
	}
	return strings.TrimSuffix(noun, "s")
}

// cloudEvent gives the words of a topic, or where that tells of no event, those of the type that a CloudEvent states:
// org.example.kettle.boiled.
func cloudEvent(words []string, body map[string]any) []string {
	kind, _ := body["type"].(string)
	_, is := body["specversion"].(string)
	if !is || kind == "" || len(words) == 0 || len(kind) > 100 || headingOf(words).verb.past != "" {
		return words
	}
	parts := strings.Split(kind, ".")
	if slices.Contains([]string{"com", "org", "net", "dev", "io", "eu", "edu"}, parts[0]) && len(parts) > 2 {
		parts = parts[2:]
	}
	if parts[0] == words[0] {
		parts = parts[1:]
	}
	return append([]string{words[0]}, parts...)
}
