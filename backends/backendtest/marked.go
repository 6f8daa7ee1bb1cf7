package backendtest

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// stranger is a name of the marked notices as a program would make a link of it.
var stranger = regexp.MustCompile(`(?i)[^\s"'<>]*evil\.example[^\s"'<>]*`)

// testMarked sends notices whose sender is not proved, alone and in a digest with others. People see that, and no name
// of the sender's becomes a link by itself.
func testMarked(t *testing.T, b *bench) {
	marked := Marked()
	for i, n := range marked {
		b.deliver(b.parcel(fmt.Sprintf("marked-%d", i), n))
		b.expect(warns, n.Standing)
	}
	several := backends.Parcel{ID: "marked-digest", To: b.To, Manage: manage}
	for i := range 2 {
		for _, n := range marked {
			n.ID, n.Time = fmt.Sprintf("%s-%d", n.ID, i), n.Time.Add(time.Duration(i)*time.Hour)
			n.Provenance.Standing += " indeed" // not to be taken for those above
			several.Notices = append(several.Notices, n)
		}
	}
	several.Notices = append(several.Notices, Samples()[2])
	b.deliver(several)
	got := b.expect(warns, marked[0].Standing+" indeed", marked[1].Standing+" indeed")
	for _, r := range got {
		for _, seen := range []string{r.Text, r.Page} {
			if links := slices.Compact(stranger.FindAllString(seen, -1)); len(links) > 0 {
				b.broken(warns, "programs make links of %q in %.300q", links, seen)
			}
		}
	}
}
