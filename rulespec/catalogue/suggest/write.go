package suggest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/internal/yamltext"
	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// writeApp writes the file of an application.
func writeApp(app, keyword, doubt string, shared []*candidate, entries []*draftEntry) string {
	var b strings.Builder
	messages := 0
	for _, d := range entries {
		messages += d.seen.count
	}
	fmt.Fprintf(&b, "# Drafted from %s. The fields are guesses: read each line, say the sentences better, then run\n",
		text.Plural(messages, "message", "messages"))
	b.WriteString("# notifyd catalogue check on the folder. kind is the name that filters use: settle it first and " +
		"keep it.\n# What was guessed with little reason is marked \"unsure\".\n")
	if doubt != "" {
		fmt.Fprintf(&b, "# unsure: %s\n", doubt)
	}
	fmt.Fprintf(&b, "app: %s\ntitle: %s\n", quoteYAML(app), quoteYAML(titleOf(app)))
	if keyword == "" {
		keyword = "other"
	}
	fmt.Fprintf(&b, "keyword: %s\n", keyword)
	if vars := whoAndBy(shared, shared); len(vars) > 0 && slices.ContainsFunc(entries, (*draftEntry).usesShared) {
		fmt.Fprintf(&b, "\nvars:\n  who: %s # for sentences\n  by: %s # for filters: an account\n", quoteYAML(vars[0][1]),
			quoteYAML(vars[1][1]))
	}
	writeHarm(&b, entries)
	b.WriteString("\nentries:\n")
	for _, d := range entries {
		d.write(&b, keyword)
	}
	return b.String()
}

// writeHarm writes the table of the words of results, where an entry needs it: the words that were seen, and the others
// of the same sort, for the messages to come.
func writeHarm(b *strings.Builder, entries []*draftEntry) {
	if !slices.ContainsFunc(entries, func(d *draftEntry) bool { return strings.HasPrefix(d.severity(), "harm") }) {
		return
	}
	b.WriteString("\ntables:\n  # What a result means to the reader; error: it is theirs, and broken.\n  harm:\n    {\n")
	var nouns []string
	for _, d := range entries {
		nouns = append(nouns, d.nouns...)
	}
	words, broken := convention.LevelWords(), convention.Broken(nouns)
	words[broken] = append(words[broken], words["broken"]...)
	for _, level := range levels {
		for i, word := range words[level] {
			if i%4 == 0 {
				b.WriteString("      ")
			}
			fmt.Fprintf(b, "%s: %s,", quoteYAML(word), level)
			if i%4 == 3 || i == len(words[level])-1 {
				b.WriteByte('\n')
			} else {
				b.WriteByte(' ')
			}
		}
	}
	b.WriteString("    }\n")
}

func (d *draftEntry) write(b *strings.Builder, usual string) {
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(b, "    %s: %s\n", key, quoteYAML(value))
		}
	}
	fmt.Fprintf(b, "\n  # %s\n", d.seenTimes())
	for _, doubt := range d.unsure {
		fmt.Fprintf(b, "  # unsure: %s\n", values.Line(doubt, 200))
	}
	fmt.Fprintf(b, "  - topic: %s\n", quoteYAML(d.topic()))
	line("kind", d.kind)
	line("name", d.name())
	if word := d.keywordOrOther(); word != usual {
		line("keyword", word)
	}
	d.variables(b)
	line("summary", d.word().write(d))
	var links []string
	for _, c := range d.link {
		links = append(links, "{{"+c.path.inSentence(c.f)+"}}")
	}
	list(b, "link", links)
	if len(d.actor) > 0 {
		line("actor", "by")
	}
	var users []string
	for _, c := range d.users {
		users = append(users, c.expression())
	}
	list(b, "users", users)
	if len(d.packages) > 0 {
		line("packages", "pkgs")
	}
	var objects []string
	for _, k := range d.keys {
		objects = append(objects, k.expression)
	}
	list(b, "objects", objects)
	line("severity", d.severity())
	d.writeUnused(b)
	head := "    examples:\n"
	for _, example := range d.examples() {
		fmt.Fprintf(b, "%s      - %s\n", head, quoteYAML(example))
		head = ""
	}
}

func (d *draftEntry) keywordOrOther() string {
	if d.keyword == "" {
		return "other"
	}
	return d.keyword
}

// list writes one value as it is, several as a list.
func list(b *strings.Builder, key string, all []string) {
	switch len(all) {
	case 0:
	case 1:
		fmt.Fprintf(b, "    %s: %s\n", key, quoteYAML(all[0]))
	default:
		fmt.Fprintf(b, "    %s:\n", key)
		for _, v := range all {
			fmt.Fprintf(b, "      - %s\n", quoteYAML(v))
		}
	}
}

// variables writes what the sentence mentions.
func (d *draftEntry) variables(b *strings.Builder) {
	var vars [][2]string
	if len(d.actor) > 0 && !d.shares {
		vars = whoAndBy(d.who, d.actor)
	} else if len(d.actor) == 0 && len(d.who) > 0 {
		vars = whoAndBy(d.who, nil)
	}
	if len(d.packages) > 0 {
		pkgs := d.packages[0].expression()
		if len(d.packages) > 1 {
			pkgs = "flatten(" + strings.TrimPrefix(alternatives(d.packages, (*candidate).expression), "default(")
		}
		vars = append(vars, [2]string{"pkgs", pkgs})
	}
	head := "    vars:\n"
	for _, v := range vars {
		fmt.Fprintf(b, "%s      %s: %s\n", head, v[0], quoteYAML(v[1]))
		head = ""
	}
}

// usesShared says whether the entry needs who and by of the application.
func (d *draftEntry) usesShared() bool { return d.shares && len(d.actor) > 0 }

// whoAndBy gives the variables for who did it: the person that a sentence names, and the account.
func whoAndBy(who, by []*candidate) [][2]string {
	var vars [][2]string
	if len(who) == 0 {
		who = by
	}
	if len(who) > 0 {
		vars = append(vars, [2]string{"who",
			alternatives(who, func(c *candidate) string { return c.path.with("person") })})
	}
	if len(by) > 0 {
		vars = append(vars, [2]string{"by", alternatives(by, (*candidate).expression)})
	}
	return vars
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
