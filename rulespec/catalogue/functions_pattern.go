package catalogue

import "regexp"

func matchesFunction(args ...any) (any, error) {
	pattern, ok := args[1].(*regexp.Regexp)
	return ok && pattern.MatchString(textOf(args[0])), nil
}

func captureFunction(args ...any) (any, error) {
	if pattern, ok := args[1].(*regexp.Regexp); ok {
		if groups := pattern.FindStringSubmatch(textOf(args[0])); groups != nil {
			return groups[min(1, len(groups)-1)], nil
		}
	}
	return "", nil
}

func capturesFunction(args ...any) (any, error) {
	var out []any
	if pattern, ok := args[1].(*regexp.Regexp); ok {
		for _, groups := range pattern.FindAllStringSubmatch(textOf(args[0]), maxList) {
			out = append(out, groups[min(1, len(groups)-1)])
		}
	}
	return out, nil
}
