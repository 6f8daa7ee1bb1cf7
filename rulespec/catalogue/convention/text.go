package convention

import (
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// titleKeys hold a line that says what the thing is about, and textKeys what somebody wrote.
var (
	titleKeys = []string{"title", "subject", "summary", "synopsis", "display_title", "headline", "message_title"}
	textKeys  = []string{"error_msg", "error_message", "state_reason", "reason", "message", "text", "comment", "content",
		"note", "description", "body", "announcement", "log", "details", "error"}
)

// title gives the title of the thing, "" where it has none.
func (r *Reading) title() string {
	for _, object := range r.about() {
		if s := oneLine(object, titleKeys); s != "" {
			return s
		}
	}
	for _, t := range r.things {
		if s := oneLine(t.object, []string{"title", "subject", "summary"}); s != "" {
			return s
		}
	}
	return ""
}

// text gives what somebody wrote, or what a service says itself.
func (r *Reading) text(objects []map[string]any) string {
	for _, object := range objects {
		if s := oneLine(object, textKeys); s != "" {
			return s
		}
	}
	return ""
}

// maxLook is how many bytes of a text are looked at for its first line.
const maxLook = 4 << 10

// oneLine gives the first line of the first of these fields with a text.
func oneLine(object map[string]any, keys []string) string {
	for _, key := range keys {
		v := object[key]
		if inner, ok := v.(map[string]any); ok {
			if v = nil; isText(inner) {
				v = first(inner, "text", "raw", "markdown")
			}
		}
		s, _ := v.(string)
		s, _, _ = strings.Cut(strings.TrimSpace(text.CutBytes(s, maxLook)), "\n")
		if strings.HasPrefix(s, "<") || strings.HasPrefix(s, "{") || strings.Contains(s, "<nil>") {
			continue
		}
		if s = values.Line(values.Shown(s), maxTitle); s != "" && !values.IsPlaceholder(s) && values.Link(s) == "" &&
			!strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "<") {
			return s
		}
	}
	return ""
}
