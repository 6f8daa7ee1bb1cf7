package language

import (
	"slices"
	"strings"
	"unicode"
)

// The words of a template that cannot stand before a hole, for nothing follows them.
var (
	prepositions = []string{"of", "to", "in", "for", "from", "on", "as", "by", "at", "with", "into", "than", "against",
		"via", "about", "under", "over", "after", "before", "until", "since", "through", "between", "onto", "off", "and",
		"or", "named", "called", "because"}
	determiners = []string{"the", "a", "an", "its", "their", "new"}
)

// persons are the names by which templates call somebody who did something.
var persons = []string{"who", "agent", "user", "username", "actor", "login", "author", "owner", "sender", "submitter",
	"pusher", "person", "account", "account_name", "nick", "editor", "changer", "uploader", "by"}

// Mended gives the sentence that was rendered last without its holes: each takes along what cannot stand without it.
//
//	pushed to {{.repo}}           pushed
//	closed the ticket #{{.id}}    closed the ticket
//	tea ({{.release}}): cold      tea: cold
//	bob built {{.package}}        bob built something
//	{{.who}} built tea            Somebody built tea
//
// actor is the expression for who did it, "" where there is none: what begins with that is somebody. It gives "" where
// nearly nothing is left.
func (sc *Scope) Mended(actor string) string {
	if len(sc.holes) == 0 {
		return string(sc.out)
	}
	m := mender{words: sc.words(), actor: actor}
	for i := range m.words {
		m.put(i)
	}
	m.end()
	texts, words := make([]string, len(m.out)), 0
	for i, w := range m.out {
		texts[i] = w.text
		if hasLetters(w.text, 1) {
			words++
		}
	}
	if words < 2 {
		return ""
	}
	return strings.TrimLeft(strings.Join(texts, " "), leading)
}

// A mender puts words together again.
type mender struct {
	words []word
	actor string // the expression for who did it
	out   []word
	open  string // brackets and quotes that wait for the next word
}

const (
	opening    = "([{\"'"
	closing    = ")]}\"'.,:;!?…"
	separators = "#/-:@._=~+,"
	leading    = "/-:@.,;=~+)]}!?…–—→ " // what no sentence begins with
)

// put adds the word at i, or what is left of it.
func (m *mender) put(i int) {
	w := m.words[i]
	switch {
	case len(w.holes) == 0:
	case w.value || hasLetters(w.text, 3):
		w.text = w.closed()
	default:
		m.leave(i)
		return
	}
	if len(m.out) == 0 && !w.value { // what stood before it is gone
		if w.text = strings.TrimLeft(w.text, leading); w.text == "" {
			return
		}
	}
	w.text, m.open = m.open+w.text, ""
	m.out = append(m.out, w)
}

func isPair(left, right byte) bool {
	i := strings.IndexByte(opening, left)
	return i >= 0 && right == ")]}\"'"[i]
}

// leave closes the gap of a word of which nothing is there but signs.
func (m *mender) leave(i int) {
	w := m.words[i]
	before, after := w.text[:w.holes[0]], w.text[w.holes[len(w.holes)-1]:]
	before = before[:len(before)-len(strings.TrimLeft(before, opening))]
	after = strings.TrimRight(after[len(strings.TrimRight(after, closing)):], " ")
	for before != "" && after != "" && isPair(before[len(before)-1], after[0]) {
		before, after = before[:len(before)-1], after[1:]
	}
	possessive := strings.HasPrefix(w.text[w.holes[len(w.holes)-1]:], "'s")
	substitute := ""
	if before == "" {
		substitute = m.substitute(i, after != "")
	}
	if substitute != "" {
		if possessive {
			substitute += "'s"
			after = strings.TrimPrefix(after, "'")
		}
		m.out = append(m.out, word{text: m.open + substitute + after, value: true})
		m.open = ""
		return
	}
	m.open += before
	m.close(after)
}

// close ends what stands before with the signs that followed a hole.
func (m *mender) close(signs string) {
	for signs != "" && m.open != "" && isPair(m.open[len(m.open)-1], signs[0]) {
		m.open, signs = m.open[:len(m.open)-1], signs[1:]
	}
	if m.open != "" {
		signs = strings.TrimLeft(signs, ",:;")
	}
	if signs == "" || len(m.out) == 0 {
		return
	}
	last := &m.out[len(m.out)-1]
	last.text = strings.TrimRight(last.text, ",:;") + signs
}

// substitute gives what stands for the hole at i, "" for nothing. ended says that signs end the part that it is in. It
// takes back the words before that cannot stand alone.
func (m *mender) substitute(i int, ended bool) string {
	next := word{}
	if i+1 < len(m.words) && !ended {
		next = m.words[i+1]
	}
	named := next.value && !strings.ContainsRune(opening, rune(first(next.text))) // what follows can stand in its place
	if len(m.out) == 0 {
		if next.value || ended {
			return ""
		}
		return m.subject(m.words[i].source)
	}
	last := m.out[len(m.out)-1]
	switch {
	case last.value && endsIn(last.text, prepositions):
		if !named {
			m.out[len(m.out)-1].text = strings.TrimRight(last.text[:strings.LastIndexByte(last.text, ' ')], " ")
		}
		return ""
	case last.value:
		if len(m.out) == 1 && slices.Contains(determiners, next.text) {
			return "acted on"
		}
		return ""
	case strings.IndexByte(separators+"–—→;", last.text[len(last.text)-1]) >= 0 || m.open != "":
		return ""
	case slices.Contains(prepositions, last.text):
		if named {
			return ""
		}
		m.takeBack(prepositions)
		return ""
	case slices.Contains(determiners, last.text):
		if named || isNoun(next) {
			return ""
		}
		m.takeBack(determiners)
		if len(m.out) > 0 && slices.Contains(prepositions, m.out[len(m.out)-1].text) {
			m.takeBack(prepositions)
			return ""
		}
		return m.something()
	case named || isNoun(next):
		return ""
	}
	return m.something()
}

// something gives the object of a verb at the end of what is written, or gives the thing there an article: "closed" is
// "closed something", "closed ticket" is "closed a ticket".
func (m *mender) something() string {
	start := len(m.out)
	for start > 0 && !m.out[start-1].value && hasLetters(m.out[start-1].text, 1) &&
		strings.IndexByte(closing, m.out[start-1].text[len(m.out[start-1].text)-1]) < 0 {
		start--
	}
	thing := start + 1 // after the verb
	if start < len(m.out) && slices.Contains(determiners, m.out[start].text) {
		thing = start
	}
	for at := start; at < len(m.out); at++ {
		if slices.Contains(prepositions, m.out[at].text) {
			thing = at + 1
		}
	}
	switch {
	case thing >= len(m.out):
		return "something"
	case slices.Contains(determiners, m.out[thing].text), strings.HasSuffix(m.out[len(m.out)-1].text, "s"):
		return ""
	}
	article := "a"
	if strings.IndexByte("aeiou", m.out[thing].text[0]) >= 0 {
		article = "an"
	}
	m.out = slices.Insert(m.out, thing, word{text: article})
	return ""
}

// endsIn reports whether the last word of a longer text is among those: a variable may hold a part of the sentence.
func endsIn(text string, words []string) bool {
	i := strings.LastIndexByte(text, ' ')
	return i > 0 && slices.Contains(words, text[i+1:])
}

// takeBack drops the words at the end that are among those.
func (m *mender) takeBack(words []string) {
	for len(m.out) > 0 && !m.out[len(m.out)-1].value && slices.Contains(words, m.out[len(m.out)-1].text) {
		m.out = m.out[:len(m.out)-1]
	}
}

// end drops what stands at the end of the sentence for something that does not follow.
func (m *mender) end() {
	for len(m.out) > 0 {
		last := &m.out[len(m.out)-1]
		if !last.value && (slices.Contains(prepositions, last.text) || slices.Contains(determiners, last.text)) {
			m.out = m.out[:len(m.out)-1]
			continue
		}
		trimmed := strings.TrimRight(last.text, ",:;([{–—→")
		if trimmed == last.text {
			return
		}
		if last.text = trimmed; trimmed == "" {
			m.out = m.out[:len(m.out)-1]
		}
	}
}

// isNoun reports a word of the template that can be named by what should have stood before it: "the {{.type}} build".
func isNoun(w word) bool {
	return w.text != "" && !w.value && len(w.holes) == 0 && hasLetters(w.text, 1) &&
		!slices.Contains(prepositions, w.text) && strings.IndexByte(opening, w.text[0]) < 0
}

// subject says what does something where an action at the beginning prints nothing.
func (m *mender) subject(action string) string {
	if m.actor != "" && strings.Contains(action, "."+m.actor+"}") {
		return "Somebody"
	}
	names := strings.FieldsFunc(action, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) })
	for _, f := range names {
		if slices.Contains(persons, f) {
			return "Somebody"
		}
	}
	return "Something"
}
