package suggest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// The bounds on the fields that are looked at.
const (
	maxDepth    = 6   // objects, one in the other
	maxKeys     = 200 // of one object
	maxElements = 20  // of one list
	maxPaths    = 1500
)

// A path leads to a field that some messages of a topic have.
type path struct {
	expression string   // msg.job.id; in a list what stands for its element: .nvr, #
	list       string   // the list whose elements expression goes through; "" outside of lists
	keys       []string // the names on the way; the elements of a list have none
	numbered   int      // in which order it was found: the fields of one message stay together
	found      [][]any  // what each message has there; several for the elements of a list
}

// key gives the name of the field itself, in small letters.
func (p *path) key() string { return strings.ToLower(p.keys[len(p.keys)-1]) }

// parent gives the name of the object that it stands in, in small letters, "" at the top.
func (p *path) parent() string {
	if len(p.keys) < 2 {
		return ""
	}
	return strings.ToLower(p.keys[len(p.keys)-2])
}

// inSentence gives the field as sentences write it, with f before it: .msg.job.id, url .msg.page. "" for no f.
func (p *path) inSentence(f string) string {
	field := ".msg"
	for i, key := range p.keys {
		if !values.IsIdentifier(key) {
			field = "dig " + field
			for _, rest := range p.keys[i:] {
				field += " " + quoteExpression(rest)
			}
			if f != "" {
				return f + " (" + field + ")"
			}
			return field
		}
		field += "." + key
	}
	return strings.TrimSpace(f + " " + field)
}

// with gives the expression of f(field), or of all of them where the path goes through a list; "" for no f.
func (p *path) with(f string) string {
	inner := p.expression
	if f != "" {
		inner = f + "(" + inner + ")"
	}
	if p.list != "" {
		return "map(" + p.list + ", " + inner + ")"
	}
	return inner
}

// says reports whether a value is more than the nothing of some language.
func says(v any) bool {
	s, isText := v.(string)
	return values.Truthy(v) && !(isText && values.IsNobody(s)) || v == json.Number("0")
}

// object gives the object that the field names, or the field itself: msg.sender for msg.sender.login.
func (p *path) object() string {
	expression := p.expression
	if len(p.keys) > 1 && slices.Contains(naming, p.key()) {
		expression = strings.TrimSuffix(expression, "."+p.keys[len(p.keys)-1])
	}
	return p.list + " " + expression
}

// mentions says whether a field has one of the names wanted in it, in some message; each is a line of wanted.
func (p *path) mentions(wanted []string) bool {
	for i, found := range p.found {
		for name := range strings.Lines(wanted[i]) {
			name = strings.TrimSuffix(name, "\n")
			if slices.ContainsFunc(found, func(v any) bool { return holds(v, name) }) {
				return true
			}
		}
	}
	return false
}

// holds says whether a text, an element of a list or a field of an object has a name in it.
func holds(v any, name string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(strings.ToLower(v), strings.ToLower(name))
	case []any:
		return slices.ContainsFunc(v[:min(len(v), maxElements)], func(x any) bool { return !isList(x) && holds(x, name) })
	case map[string]any:
		for _, key := range values.FirstKeys(v, maxKeys, isText) {
			if holds(v[key], name) {
				return true
			}
		}
	}
	return false
}

func isText(v any) bool { _, ok := v.(string); return ok }
func isList(v any) bool { _, ok := v.([]any); return ok }

// pages says in how many messages a field has the URL of a page, as far as anybody can say who does not look there.
func (p *path) pages() int {
	n := 0
	for _, part := range []string{"avatar", "icon", "image", "logo", "picture", "api", "contact", "user", "owner",
		"remote", "clone", "git", "ssh", "notify", "log", "hook"} {
		if strings.Contains(strings.ToLower(p.expression), part) {
			return 0
		}
	}
	for i := range p.found {
		if link := values.Link(p.text(i)); p.list == "" && link != "" && link == values.URL(link) && !isFront(link) {
			n++
		}
	}
	return n
}

// isFront says whether a URL leads to the front page of a site.
func isFront(link string) bool {
	_, rest, _ := strings.Cut(link, "://")
	_, page, _ := strings.Cut(rest, "/")
	return page == ""
}

// ofAnother says whether a field belongs to a thing that only stands in the message: a repository has an owner, who did
// nothing.
func ofAnother(p *path) bool {
	for _, key := range p.keys[:len(p.keys)-1] {
		switch strings.ToLower(key) {
		case "repository", "repo", "project", "forkee", "parent", "organization", "org", "headers", "instance", "base",
			"head", "source", "target", "webhook_headers":
			return true
		}
	}
	return false
}

// text gives what a message has there as a text, "" for none, for several and for lists and objects.
func (p *path) text(message int) string {
	if found := p.found[message]; len(found) == 1 && says(found[0]) {
		switch found[0].(type) {
		case string, json.Number:
			return values.Text(found[0])
		}
	}
	return ""
}

// A walker collects the paths of messages.
type walker struct {
	byExpression map[string]*path
	paths        []*path
	messages     int // how many there are
	at           int // the one that is walked
}

// pathsOf gives the fields of bodies, in the order in which they were found.
func pathsOf(bodies []any) []*path {
	w := &walker{byExpression: map[string]*path{}, messages: len(bodies)}
	for i, body := range bodies {
		w.at = i
		w.object(body, path{expression: "msg"})
	}
	return w.paths
}

func (w *walker) object(v any, at path) {
	m, _ := v.(map[string]any)
	for _, key := range values.Keys(m)[:min(len(m), maxKeys)] {
		w.field(m[key], at.to(key))
	}
}

// to gives the path to a field of the object that p leads to.
func (p path) to(key string) path {
	next := path{list: p.list, keys: append(p.keys[:len(p.keys):len(p.keys)], key)}
	if plainKey(key) {
		next.expression = strings.TrimSuffix(p.expression, "#") + "." + key
	} else {
		next.expression = "get(" + p.expression + ", " + quoteExpression(key) + ")"
	}
	return next
}

func (w *walker) field(v any, at path) {
	w.note(v, at)
	switch v := v.(type) {
	case map[string]any:
		if len(at.keys) < maxDepth {
			w.object(v, at)
		}
	case []any:
		if at.list != "" {
			return
		}
		inside := path{expression: "#", list: at.expression, keys: at.keys}
		for _, element := range v[:min(len(v), maxElements)] {
			if isObject(element) {
				w.object(element, inside)
			} else {
				w.note(element, inside)
			}
		}
	}
}

// note keeps what the message in hand has at a path.
func (w *walker) note(v any, at path) {
	id := at.list + "\x00" + at.expression
	p := w.byExpression[id]
	if p == nil {
		if len(w.paths) >= maxPaths {
			return
		}
		at.found, at.numbered = make([][]any, w.messages), len(w.paths)
		p = &at
		w.byExpression[id] = p
		w.paths = append(w.paths, p)
	}
	p.found[w.at] = append(p.found[w.at], v)
}

func plainKey(key string) bool {
	words := []string{"in", "and", "or", "not", "let", "nil", "true", "false", "matches", "contains", "startsWith",
		"endsWith", "if", "else"}
	return values.IsIdentifier(key) && !slices.Contains(words, key)
}

func quoteExpression(s string) string {
	quoted, _ := json.Marshal(s) // a string never fails
	return string(quoted)
}

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }
