package suggest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// maxDraftDepth is how many objects deep fields are looked for.
const maxDraftDepth = 3

// A guess is what the fields of one message look like: expressions by what they may stand for.
type guess struct {
	actor    string
	users    []string
	packages []string
	link     string
	object   string
	subject  string
	other    []string // the fields that nothing was guessed of

	ranks map[string]int // how good the guess is that stands: lower is better
}

// guessFields looks through a message's body.
func guessFields(body any) *guess {
	g := &guess{ranks: map[string]int{}}
	g.walk(body, trail{expression: "msg"})
	g.users = slices.DeleteFunc(g.users, func(u string) bool { return u == g.actor })
	return g
}

// worth says how much was found.
func (g *guess) worth() int {
	n := len(g.users) + len(g.packages)
	for _, s := range []string{g.actor, g.link, g.object, g.subject} {
		if s != "" {
			n++
		}
	}
	return n
}

// A trail leads to a value in the body.
type trail struct {
	expression string
	list       string // the expression of the list whose elements expression goes through; "" outside of lists
	parent     string // the key before
	depth      int
}

func (p trail) to(key string) trail {
	next := trail{list: p.list, parent: key, depth: p.depth + 1}
	if plainKey(key) {
		next.expression = strings.TrimSuffix(p.expression, "#") + "." + key
	} else {
		next.expression = "get(" + p.expression + ", " + quoteExpression(key) + ")"
	}
	return next
}

// with gives the expression of f(value), or of the values where the trail goes through a list; "" for no f.
func (p trail) with(f string) string {
	inner := p.expression
	if f != "" {
		inner = f + "(" + inner + ")"
	}
	if p.list != "" {
		return "map(" + p.list + ", " + inner + ")"
	}
	return inner
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

func (g *guess) walk(v any, at trail) {
	m, _ := v.(map[string]any)
	for _, key := range values.Keys(m)[:min(len(m), 200)] {
		g.field(key, m[key], at.to(key))
	}
}

func (g *guess) field(key string, v any, at trail) {
	if g.classify(strings.ToLower(key), v, at) || at.depth >= maxDraftDepth {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		g.walk(v, at)
	case []any:
		if len(v) > 0 && isObject(v[0]) && at.list == "" {
			g.walk(v[0], trail{expression: "#", list: at.expression, parent: key, depth: at.depth})
		}
	case string, json.Number, bool:
		if len(g.other) < 12 {
			g.other = append(g.other, at.with(""))
		}
	}
}

// classify guesses what a field is; false where its name and value say nothing.
func (g *guess) classify(key string, v any, at trail) bool {
	one, _ := v.(string)
	switch {
	case slices.Contains(convention.LinkFields, key) && values.Link(one) != "" && at.list == "":
		g.better("link", &g.link, at.with(""), 10*at.depth+slices.Index(convention.LinkFields, key))
		return true
	case slices.Contains(convention.UserFields, key):
		return g.people(key, v, at)
	case slices.Contains(convention.PackageFields, key) || key == "nvr":
		return g.packageName(key, v, at)
	case (key == "id" || key == "number" || key == "uuid" || strings.HasSuffix(key, "_id")) && isScalar(v) &&
		at.list == "":
		what := strings.TrimSuffix(key, "_id")
		if what == key {
			what = lastName(strings.TrimSuffix(at.expression, "."+key))
		}
		g.better("object", &g.object, quoteExpression(what+"/")+" + "+at.with(""), 10*at.depth)
		return true
	case at.list == "" && isPage(key, one) && g.better("link", &g.link, at.with(""), rankByValue+10*at.depth):
		return true
	case slices.Contains(convention.SubjectFields, key) && one != "" && at.list == "":
		g.better("subject", &g.subject, at.with(""), 10*at.depth+slices.Index(convention.SubjectFields, key))
		return true
	}
	return false
}

// rankByValue is how good a guess is that only the value supports: worse than any by a name.
const rankByValue = 1000

// isPage says whether a text is the whole URL of a page, as far as anybody can say who does not look there.
func isPage(key, text string) bool {
	for _, picture := range []string{"avatar", "icon", "image", "logo", "picture"} {
		if strings.Contains(key, picture) {
			return false
		}
	}
	return values.Link(text) != "" && !strings.ContainsAny(strings.TrimSpace(text), " \t\n")
}

// better takes an expression where it is a better guess than the one before, and says whether it did.
func (g *guess) better(what string, field *string, expression string, rank int) bool {
	old, found := g.ranks[what]
	if found && rank >= old {
		return false
	}
	g.ranks[what], *field = rank, expression
	return true
}

// people takes a field that names somebody: a text, an object with a name, or a list of either.
func (g *guess) people(key string, v any, at trail) bool {
	at, sample := leadToName(v, at)
	if sample == "" || strings.ContainsAny(sample, " \n\t") || len(sample) > 100 {
		return false
	}
	f := ""
	if strings.ContainsAny(sample, "@:") {
		f = "account"
	}
	expression := at.with(f)
	if rank := slices.Index(convention.ActorFields, key); rank >= 0 && at.list == "" {
		g.better("actor", &g.actor, expression, 100*at.depth+rank)
	}
	if len(g.users) < 6 {
		g.users = append(g.users, expression)
	}
	return true
}

func (g *guess) packageName(key string, v any, at trail) bool {
	at, sample := leadToName(v, at)
	if sample == "" || strings.ContainsAny(sample, " \n\t/") || len(sample) > 100 {
		return false
	}
	f := ""
	if key == "nvr" {
		f = "nvr_name"
	}
	if len(g.packages) < 6 {
		g.packages = append(g.packages, at.with(f))
	}
	return true
}

// leadToName leads a trail on to the name in a value and gives the first name as a sample, or "".
func leadToName(v any, at trail) (trail, string) {
	if list, ok := v.([]any); ok {
		if len(list) == 0 || at.list != "" {
			return at, ""
		}
		v, at = list[0], trail{expression: "#", list: at.expression, depth: at.depth}
	}
	switch v := v.(type) {
	case string:
		return at, v
	case map[string]any:
		for _, key := range []string{"username", "name", "login", "nick"} {
			if s, ok := v[key].(string); ok && s != "" {
				return at.to(key), s
			}
		}
	}
	return at, ""
}

func isScalar(v any) bool {
	switch v := v.(type) {
	case string:
		return v != ""
	case json.Number:
		return true
	}
	return false
}

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }

// lastName gives the last name in an expression: "job" of msg.job.
func lastName(expression string) string {
	name, _, _ := strings.Cut(expression[strings.LastIndexByte(expression, '.')+1:], "(")
	return name
}
