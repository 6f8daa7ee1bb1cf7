package web

// Patterns gives the pattern of every route, and whether it is open to those who are not signed in.
func Patterns() map[string]bool {
	patterns := make(map[string]bool)
	for _, r := range (&site{}).routes() {
		patterns[r.pattern] = r.open
	}
	return patterns
}
