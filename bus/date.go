package bus

import (
	"net/mail"
	"strings"
	"time"
)

// maxDate bounds a text that is read as a date.
const maxDate = 64

// readDate reads a date as ISO 8601, RFC 3339, RFC 5322 and the C library write it. What states no zone is UTC. The
// zero time for anything else.
func readDate(s string) time.Time {
	iso := strings.ToUpper(s)
	for _, zone := range [...]string{" UTC", " GMT", "UTC", "GMT"} {
		if rest, ok := strings.CutSuffix(iso, zone); ok && rest != "" && isDigit(rest[len(rest)-1]) {
			iso = rest + "Z"
			break
		}
	}
	if len(iso) > 10 && iso[10] == ' ' {
		iso = iso[:10] + "T" + iso[11:]
	}
	iso = strings.Replace(iso, " ", "", 1) // before the zone
	for _, layout := range isoLayouts {
		if t, err := time.Parse(layout, iso); err == nil {
			return t
		}
	}
	if t, err := mail.ParseDate(s); err == nil {
		return t
	}
	for _, layout := range plainLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// isoLayouts are the forms of ISO 8601, in capitals. time.Parse also reads a fraction after the seconds.
var isoLayouts = [...]string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02T15:04Z0700", "2006-01-02T15:04Z07",
	"20060102T150405Z0700", "20060102T150405", "20060102T150405Z07:00", "20060102T150405Z07",
	"2006-01-02",
}

// plainLayouts are what ctime, date and git write.
var plainLayouts = [...]string{
	"Mon Jan _2 15:04:05 2006", "Mon Jan _2 15:04:05 UTC 2006", "Mon Jan _2 15:04:05 -0700 2006",
	"Mon Jan _2 15:04:05 2006 -0700",
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
