package fmn

import (
	"regexp/syntax"
	"strings"
	"unicode"

	"github.com/notifyd/notifyd/rulespec"
)

// bodyRegex searches the data of the message. FMN searched its own JSON of it, which had blanks after colons and
// commas, keys in the sender's order, and escapes for all that is not ASCII.
func bodyRegex(_ *translator, pattern string) ([]rulespec.Rule, string) {
	if strings.ContainsFunc(pattern, func(r rune) bool { return r > unicode.MaxASCII }) {
		return nil, "it never held: what is not ASCII was escaped in FMN's JSON. Here it is not"
	}
	if strings.Contains(pattern, `\u`) {
		return nil, `\u escapes stand in FMN's JSON only; write the characters themselves`
	}
	r := exactly(one("regex", "pattern", unspaced(pattern)))
	r.Args["in"] = []string{"body"}
	return []rulespec.Rule{r}, ""
}

// unspaced makes the blanks of FMN's JSON optional, since ours has none.
func unspaced(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		b.WriteByte(pattern[i])
		before, after := pattern[:i+1], pattern[i+1:]
		if !strings.HasSuffix(before, `":`) && !(strings.HasSuffix(before, ",") && strings.HasPrefix(after, ` "`)) {
			continue
		}
		blank := ""
		for _, form := range []string{" ", `\s`} {
			if strings.HasPrefix(after, form) {
				blank = form
			}
		}
		if blank == "" {
			continue
		}
		i += len(blank)
		switch rest := pattern[i+1:]; {
		case strings.HasPrefix(rest, "+"):
			b.WriteString(blank + "*")
			i++
		case rest != "" && strings.ContainsRune("*?{", rune(rest[0])):
			b.WriteString(blank)
		default:
			b.WriteString(blank + "?")
		}
	}
	return b.String()
}

// settled says whether a pattern finds the same in FMN's JSON and in ours, whatever the order of keys and the blanks
// between them: when it matches nothing but texts of a few characters that no JSON puts between values.
func settled(pattern string) bool {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	return err == nil && settledTree(tree)
}

func settledTree(tree *syntax.Regexp) bool {
	switch tree.Op {
	case syntax.OpLiteral:
		return tree.Rune[0] != ' ' && !strings.ContainsAny(string(tree.Rune), `":,{}[]`)
	case syntax.OpConcat, syntax.OpAlternate, syntax.OpCapture, syntax.OpQuest:
		for _, sub := range tree.Sub {
			if !settledTree(sub) {
				return false
			}
		}
		return true
	case syntax.OpCharClass:
		for i := 0; i < len(tree.Rune); i += 2 {
			if tree.Rune[i+1] > unicode.MaxASCII {
				return false // what is left out of a class, and so may be anything else
			}
			for _, c := range `":,{}[] ` {
				if tree.Rune[i] <= c && c <= tree.Rune[i+1] {
					return false
				}
			}
		}
		return true
	}
	return false
}
