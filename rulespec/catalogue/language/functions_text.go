package language

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

func before(s, mark string) string {
	head, _, _ := strings.Cut(s, mark)
	return head
}

func after(s, mark string) string {
	_, rest, _ := strings.Cut(s, mark)
	return rest
}

func beforeLast(s, mark string) string {
	if i := strings.LastIndex(s, mark); i >= 0 && mark != "" {
		return s[:i]
	}
	return s
}

func afterLast(s, mark string) string {
	if i := strings.LastIndex(s, mark); i >= 0 && mark != "" {
		return s[i+len(mark):]
	}
	return s
}

func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

func capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

func quote(s string) string { return `"` + s + `"` }

func truncateFunction(args ...any) (any, error) {
	s := values.Text(args[0])
	limit := max(optional(args, 1, len(s)), 1)
	return text.ElideRunes(s, limit), nil
}

func trimFunction(args ...any) (any, error) {
	if len(args) > 1 {
		return strings.Trim(values.Text(args[0]), values.Text(args[1])), nil
	}
	return strings.TrimSpace(values.Text(args[0])), nil
}

func replaceFunction(args ...any) (any, error) {
	s, old, replacement := values.Text(args[0]), values.Text(args[1]), values.Text(args[2])
	if old == "" || len(replacement) > 256 {
		return s, nil
	}
	return text.CutBytes(strings.ReplaceAll(s, old, replacement), values.MaxText), nil
}

func splitFunction(args ...any) (any, error) {
	separators := values.Text(args[1])
	parts := strings.FieldsFunc(values.Text(args[0]), func(r rune) bool { return strings.ContainsRune(separators, r) })
	out := make([]any, 0, len(parts))
	for _, p := range parts[:min(len(parts), values.MaxList)] {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out, nil
}

func partFunction(args ...any) (any, error) {
	separator := values.Text(args[1])
	if separator == "" {
		return "", nil
	}
	parts := strings.Split(values.Text(args[0]), separator)
	i := optional(args, 2, 0)
	if i < 0 {
		i += len(parts)
	}
	if i < 0 || i >= len(parts) {
		return "", nil
	}
	return parts[i], nil
}

func sliceFunction(args ...any) (any, error) {
	var runes []rune
	list, isList := args[0].([]any)
	n := len(list)
	if !isList {
		runes = []rune(values.Text(args[0]))
		n = len(runes)
	}
	from, to := within(optional(args, 1, 0), n), within(optional(args, 2, n), n)
	if from > to {
		from = to
	}
	if isList {
		return list[from:to], nil
	}
	return string(runes[from:to]), nil
}

func within(i, n int) int {
	if i < 0 {
		i += n
	}
	return min(max(i, 0), n)
}

func matchesFunction(args ...any) (any, error) {
	pattern, ok := args[1].(*regexp.Regexp)
	return ok && pattern.MatchString(values.Text(args[0])), nil
}

func captureFunction(args ...any) (any, error) {
	if pattern, ok := args[1].(*regexp.Regexp); ok {
		if groups := pattern.FindStringSubmatch(values.Text(args[0])); groups != nil {
			return groups[min(1, len(groups)-1)], nil
		}
	}
	return "", nil
}

func capturesFunction(args ...any) (any, error) {
	var out []any
	if pattern, ok := args[1].(*regexp.Regexp); ok {
		for _, groups := range pattern.FindAllStringSubmatch(values.Text(args[0]), values.MaxList) {
			out = append(out, groups[min(1, len(groups)-1)])
		}
	}
	return out, nil
}
