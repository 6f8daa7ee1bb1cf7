package rulespec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Format writes filters in their text form. Parse reads the same filters from it. Keys with their default (on, not
// once) are left out; the others are in the order of the manual.
func Format(file File) []byte {
	var b strings.Builder
	formatDestinations(&b, "", "destinations", file.Destinations)
	if len(file.Filters) == 0 {
		b.WriteString("filters: []\n")
		return []byte(b.String())
	}
	b.WriteString("filters:\n")
	for _, f := range file.Filters {
		formatFilter(&b, f)
	}
	return []byte(b.String())
}

func formatFilter(b *strings.Builder, f FileFilter) {
	fmt.Fprintf(b, "  - name: %s\n", scalar(f.Name))
	if !f.On {
		b.WriteString("    on: false\n")
	}
	if f.Once {
		b.WriteString("    once: true\n")
	}
	if f.HoldStarted > 0 {
		fmt.Fprintf(b, "    hold_started: %s\n", duration(f.HoldStarted))
	}
	if f.Ends != "" {
		fmt.Fprintf(b, "    ends: %s\n", scalar(f.Ends))
	}
	if len(f.To) > 0 {
		fmt.Fprintf(b, "    to: %s\n", list(f.To))
	}
	formatDestinations(b, "    ", "when", f.When)
	if f.Owner != "" {
		fmt.Fprintf(b, "    owner: %s\n", scalar(f.Owner))
	}
	if len(f.Rules) == 0 {
		b.WriteString("    rules: []\n")
		return
	}
	b.WriteString("    rules:\n")
	for _, r := range f.Rules {
		fmt.Fprintf(b, "      - %s\n", r)
	}
}

// String returns the rule in its text form, on one line: `not: {package: [bash, zsh]}`.
func (r Rule) String() string {
	text := scalar(r.Kind) + ": " + formatArgs(r)
	if r.Not {
		return "not: {" + text + "}"
	}
	return text
}

// formatArgs writes the arguments: in the short form where only the first parameter is set, else as a mapping.
func formatArgs(r Rule) string {
	kind := LookupRuleKind(r.Kind)
	if kind != nil && (kind.Bare || len(kind.Params) == 0) && len(r.Args) == 0 {
		return "true"
	}
	if kind != nil && len(r.Args) == 1 && len(kind.Params) > 0 {
		if values, ok := r.Args[kind.Params[0].Name]; ok {
			return oneOrList(values)
		}
	}
	pairs := make([]string, 0, len(r.Args))
	for _, name := range paramOrder(kind, r.Args) {
		pairs = append(pairs, scalar(name)+": "+oneOrList(r.Args[name]))
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

// paramOrder returns the names in args: the parameters of the kind in its order, then all others by name.
func paramOrder(kind *RuleKind, args Args) []string {
	var names []string
	if kind != nil {
		for _, p := range kind.Params {
			if _, ok := args[p.Name]; ok {
				names = append(names, p.Name)
			}
		}
	}
	for _, name := range sortedNames(args) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func oneOrList(values []string) string {
	if len(values) == 1 {
		return scalar(values[0])
	}
	return list(values)
}

func list(values []string) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = scalar(v)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// plain are the texts that need no quotes anywhere in YAML, unless they are one of reserved.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./+-]*( [A-Za-z0-9_./+]+)*$`)

// reserved are the words that some version of YAML reads as something other than a text.
var reserved = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// scalar writes s so that every reader of YAML reads that text.
func scalar(s string) string {
	if plain.MatchString(s) && !slices.Contains(reserved, strings.ToLower(s)) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
