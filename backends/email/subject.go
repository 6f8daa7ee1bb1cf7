package email

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// maxSubject is what a list of mails shows at most, and far below what a header may have.
const maxSubject = 150

// subject is short and the same for the same happening: "[package] error: what happened". The package is left out
// where the title says it; the severity is said from warning on.
func (b *Backend) subject(p backends.Parcel) string {
	top := worst(p.Notices)
	s := title(top)
	if len(p.Notices) > 1 {
		s = fmt.Sprintf("%d notices: %s", len(p.Notices), groupTitle(backends.Merge(p.Notices)[0]))
	} else if !isAccount(p) {
		s = packageTag(top, s) + severityTag(top) + s
	}
	if b.config.SubjectPrefix != "" {
		s = b.config.SubjectPrefix + " " + s
	}
	return headerValue(s, maxSubject)
}

func packageTag(n backends.Notice, title string) string {
	if len(n.Packages) != 1 {
		return ""
	}
	name := cleanLine(n.Packages[0], 40)
	if name == "" || strings.Contains(strings.ToLower(title), strings.ToLower(name)) {
		return ""
	}
	return "[" + name + "] "
}

func severityTag(n backends.Notice) string {
	if s := severity(n); s >= warning {
		return s.word() + ": "
	}
	return ""
}

// title is the notice's title or what comes nearest to one.
func title(n backends.Notice) string {
	first, _, _ := strings.Cut(strings.TrimLeft(text.CutBytes(n.Text, 4096), " \r\n"), "\n")
	for _, s := range []string{n.Title, first, n.KindName, n.Kind, n.Topic} {
		if s = cleanLine(s, maxSubject); s != "" {
			return s
		}
	}
	return "Notice"
}
