package web

import "net/http"

// HandlerWithin is Handler with a bound on the messages that a preview looks at.
func HandlerWithin(o Options, most int) (http.Handler, error) { return handlerWithin(o, most) }

// Patterns gives the pattern of every route, and whether it is open to those who are not signed in.
func Patterns() map[string]bool {
	patterns := make(map[string]bool)
	for _, r := range (&site{}).routes() {
		patterns[r.pattern] = r.open
	}
	return patterns
}
