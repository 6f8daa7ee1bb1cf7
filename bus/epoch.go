package bus

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// sentAt is fedora-messaging's header of that name, RFC 3339; the zero time where there is none that can be read.
func sentAt(headers map[string]any) time.Time {
	text, _ := headers["sent-at"].(string)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}
	}
	return t.UTC()
}

// maxEpoch is the end of the year 9999, beyond which times have no RFC 3339 form.
const maxEpoch = 253402300800

// epoch reads seconds since 1970, exact to the nanosecond: two readings of one text give the same time.
func epoch(text string) (time.Time, error) {
	if strings.ContainsAny(text, "eE") {
		f, _ := strconv.ParseFloat(text, 64) // out of range is ±Inf, which the range below refuses
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || text[0] == '-' || seconds >= maxEpoch {
		return time.Time{}, errors.New("not within the years 1970 to 9999")
	}
	nanos, err := strconv.Atoi((fraction + "000000000")[:9])
	if err != nil {
		return time.Time{}, errors.New("not a number")
	}
	return time.Unix(seconds, int64(nanos)).UTC(), nil
}
