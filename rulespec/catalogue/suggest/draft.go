package suggest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/notifyd/notifyd/internal/yamltext"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/text"
)

// draftApp writes the file of an application. kinds are those that are there already.
func draftApp(app string, seen []*seenTopic, kinds map[string]bool) string {
	var b strings.Builder
	messages := 0
	for _, t := range seen {
		messages += t.count
	}
	fmt.Fprintf(&b, "# Drafted from %s. The fields are guesses: read each line, say the sentences better, then run\n",
		text.Plural(messages, "message", "messages"))
	b.WriteString("# notifyd catalogue check on the folder. kind is the name that filters use: settle it first and " +
		"keep it.\n")
	fmt.Fprintf(&b, "app: %s\n\nentries:\n", quoteYAML(app))
	for _, t := range seen {
		d := draftEntry{seenTopic: t, app: app}
		for _, m := range t.messages {
			if g := guessFields(m.Body); d.fields == nil || g.worth() > d.fields.worth() {
				d.fields, d.example = g, m
			}
		}
		d.write(&b, d.kind(kinds))
	}
	return b.String()
}

// A draftEntry is an entry in the making.
type draftEntry struct {
	*seenTopic
	app     string
	fields  *guess
	example *bus.Message // the message with most to guess from
}

// kind gives a name that no other entry has, made of the words that stay the same.
func (d *draftEntry) kind(taken map[string]bool) string {
	name := strings.Join(d.literals(), ".")
	if name == d.app {
		name += ".message"
	}
	kind := name
	for i := 2; taken[kind]; i++ {
		kind = name + "." + strconv.Itoa(i)
	}
	taken[kind] = true
	return kind
}

func (d *draftEntry) literals() []string {
	var words []string
	for _, w := range d.words {
		if w != "" {
			words = append(words, w)
		}
	}
	return words
}

func (d *draftEntry) topic() string {
	words := make([]string, len(d.words))
	for i, w := range d.words {
		if words[i] = w; w == "" {
			words[i] = "{word" + strconv.Itoa(i+1) + "}"
		}
	}
	return strings.Join(words, ".")
}

func (d *draftEntry) write(b *strings.Builder, kind string) {
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(b, "    %s: %s\n", key, quoteYAML(value))
		}
	}
	list := func(key string, values []string) {
		if len(values) == 0 {
			return
		}
		for i, v := range values {
			values[i] = quoteYAML(v)
		}
		fmt.Fprintf(b, "    %s: [%s]\n", key, strings.Join(values, ", "))
	}
	f := d.fields
	fmt.Fprintf(b, "\n  # seen %s\n  - topic: %s\n", text.Plural(d.count, "time", "times"), quoteYAML(d.topic()))
	line("kind", kind)
	line("name", d.name())
	d.variables(b)
	line("summary", d.summary())
	if f.link != "" {
		line("link", "{{.page}}")
	}
	if f.actor != "" {
		line("actor", "who")
	}
	list("users", f.users)
	if len(f.packages) > 0 {
		line("packages", "pkgs")
	}
	line("objects", f.object)
	line("severity", d.severity())
	if len(f.other) > 0 {
		fmt.Fprintf(b, "    # not used: %s\n", quoteYAML(strings.Join(f.other, ", ")))
	}
	if example := oneLineJSON(d.example.Payload); example != "" {
		fmt.Fprintf(b, "    examples:\n      - %s\n", quoteYAML(example))
	}
}

// variables writes what the sentence mentions.
func (d *draftEntry) variables(b *strings.Builder) {
	f := d.fields
	vars := [][2]string{{"who", f.actor}, {"subject", f.subject}, {"page", f.link}}
	if len(f.packages) > 0 {
		pkgs := f.packages[0]
		if len(f.packages) > 1 {
			pkgs = "flatten(" + strings.Join(f.packages, ", ") + ")"
		}
		vars = append(vars, [2]string{"pkgs", pkgs})
	}
	head := "    vars:\n"
	for _, v := range vars {
		if v[1] != "" {
			fmt.Fprintf(b, "%s      %s: %s\n", head, v[0], quoteYAML(v[1]))
			head = ""
		}
	}
}

func (d *draftEntry) summary() string {
	var b strings.Builder
	f := d.fields
	if f.actor != "" {
		b.WriteString("{{if .who}}{{.who}}: {{end}}")
	}
	for i, w := range d.words {
		if i > 0 {
			b.WriteByte(' ')
		}
		if w == "" {
			w = "{{.word" + strconv.Itoa(i+1) + "}}"
		}
		b.WriteString(w)
	}
	if len(f.packages) > 0 {
		b.WriteString("{{if .pkgs}} for {{series .pkgs 3}}{{end}}")
	}
	if f.subject != "" {
		b.WriteString("{{if .subject}} ({{truncate .subject 60}}){{end}}")
	}
	return b.String()
}

// name gives the words of the topic, the first letter large.
func (d *draftEntry) name() string {
	name := strings.Join(d.literals(), " ")
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(first)) + name[size:]
}

// severity guesses from the words of the topic; "" where they say nothing of the kind.
func (d *draftEntry) severity() string {
	for _, w := range d.literals() {
		for _, bad := range []string{"fail", "error", "broken", "denied", "crash"} {
			if strings.Contains(strings.ToLower(w), bad) {
				return "warning"
			}
		}
	}
	return ""
}

// quoteYAML writes a text as YAML that means that text: as it is where that is plain, otherwise in single quotes.
func quoteYAML(s string) string {
	word := strings.NewReplacer(".", "_", "-", "_").Replace(s)
	if values.IsIdentifier(word) && s[0] != '-' && s[0] != '.' &&
		!slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(s)) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// The bounds on the message that a draft has as its example; the catalogue takes a little more.
const (
	maxExampleLine    = 16 << 10 // bytes
	maxExampleNesting = 30
)

// oneLineJSON gives a message as one line of JSON that can stand in YAML, or "" where the reader of catalogues would
// not take it.
func oneLineJSON(payload []byte) string {
	var out bytes.Buffer
	if json.Compact(&out, payload) != nil {
		return ""
	}
	var b strings.Builder
	for _, r := range out.String() {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == unicode.ReplacementChar {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	line := b.String()
	bounds := yamltext.Bounds{Bytes: maxExampleLine, Nesting: maxExampleNesting}
	if _, err := yamltext.Parse([]byte(line), bounds); err != nil {
		return ""
	}
	return line
}
