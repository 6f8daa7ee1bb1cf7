package catalogue

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

// TestUnknownMessagesAreBounded describes what nobody would send, by convention. It counts the bytes allocated, because
// time depends on the computer: without bounds these took 10 to 18 MB.
func TestUnknownMessagesAreBounded(t *testing.T) {
	c := embeddedCatalogue(t)
	for _, word := range []string{"a@b.org ", "a.b@", "<a@b.org>", "<x@b.org ", "[", `{"a":`, "http://a "} {
		body, flat := map[string]any{}, map[string]any{}
		for i := range 200 {
			thing := map[string]any{}
			for _, key := range []string{"title", "subject", "summary", "message", "text"} {
				thing[key] = strings.Repeat(word, 1000/len(word))
				thing[fmt.Sprint(key, i, "_url")] = "http://example.org/"
			}
			body[fmt.Sprint("thing", i)] = thing
			flat[fmt.Sprint("text", i)] = strings.Repeat(word, 5000/len(word))
		}
		for i := range 40_000 {
			flat[fmt.Sprint("key", i, "_url")] = "http://example.org/"
		}
		for _, body := range []any{body, flat} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c.Describe(&bus.Message{Topic: "org.example.prod.kettle.issue.comment.added", Body: body}).Prose()
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 2<<20 {
				t.Errorf("%s: %d bytes", word, n)
			}
		}
	}
}
