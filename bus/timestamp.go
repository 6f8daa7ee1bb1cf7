package bus

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// fillTime takes the time at which the sender says that it sent: fedmsg's timestamp, else the header sent-at. Where
// neither says one that can be, it takes now.
func (e jsonObject) fillTime(m *Message, now time.Time) {
	var fault string
	for _, f := range [...]struct {
		name   string
		v      any
		normal func(any) bool
	}{{"timestamp", e["timestamp"], isNumber}, {"sent-at", m.Headers["sent-at"], isInternetTime}} {
		if f.v == nil {
			continue
		}
		t, unit := readTime(f.v, now)
		if !t.IsZero() {
			m.Time = t
			if fault != "" {
				m.mend("%s; the header sent-at was taken", fault)
			}
			if unit != "" || !f.normal(f.v) {
				m.mend("%s %s was taken for %s", f.name, show(f.v), meaning(t, unit))
			}
			return
		}
		if fault == "" {
			fault = f.name + " " + show(f.v) + " is no time between 1970 and now"
		}
	}
	m.Time, m.undated = now.UTC(), true
	if fault == "" {
		if e.isAMQP() {
			return
		}
		fault = "timestamp " + e.fault("timestamp")
	}
	m.mend("%s; the time of reception was taken", fault)
}

func isNumber(v any) bool { _, ok := v.(json.Number); return ok }

// isInternetTime reports whether v is a time as RFC 3339 writes it, with T and Z in capitals.
func isInternetTime(v any) bool {
	s, _ := v.(string)
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

func meaning(t time.Time, unit string) string {
	if unit != "" {
		return unit
	}
	return t.Format(time.RFC3339Nano)
}

// readTime reads a time in any of the forms that senders use: a number, a number in a text, or a date. It gives the
// zero time for what is none, or lies before 1970 or more than aheadMost after now. unit names the unit of a number
// that is not in seconds.
func readTime(v any, now time.Time) (t time.Time, unit string) {
	switch v := v.(type) {
	case json.Number:
		return readEpoch(string(v), now)
	case string:
		if len(v) > maxDate {
			break
		}
		v = strings.TrimSpace(v)
		if t, unit = readEpoch(v, now); !t.IsZero() {
			return t, unit
		}
		return within(readDate(v), epochStart, now), ""
	}
	return time.Time{}, ""
}

// aheadMost is how far a sender's clock may be ahead before its time is not believed.
const aheadMost = 24 * time.Hour

var (
	epochStart = time.Unix(0, 0)
	busesStart = time.Unix(946684800, 0) // the year 2000: no bus is older
)

// within gives t in UTC if it lies after first and at most aheadMost after now; else the zero time.
func within(t, first, now time.Time) time.Time {
	if !t.After(first) || t.After(now.Add(aheadMost)) {
		return time.Time{}
	}
	return t.UTC()
}

// epochUnits are the units of numbers, each with the digits that it has after the second.
var epochUnits = [...]struct {
	name   string
	digits int
}{{"milliseconds", 3}, {"microseconds", 6}, {"nanoseconds", 9}}

// readEpoch reads a number of seconds since 1970. One so large that it lies in the future is taken for a smaller unit,
// where that gives a time since buses exist: the ranges of the units are far apart.
func readEpoch(text string, now time.Time) (t time.Time, unit string) {
	whole, fraction, ok := decimal(text)
	if !ok {
		return time.Time{}, ""
	}
	if t = within(unixTime(whole, fraction), epochStart, now); !t.IsZero() {
		return t, ""
	}
	for _, u := range epochUnits {
		if cut := len(whole) - u.digits; cut > 0 {
			if t = within(unixTime(whole[:cut], whole[cut:]+fraction), busesStart, now); !t.IsZero() {
				return t, u.name
			}
		}
	}
	return time.Time{}, ""
}

// decimal splits a number of JSON, not below 0, into its digits before and after the point. No digit is rounded, so
// that one text always gives one time.
func decimal(text string) (whole, fraction string, ok bool) {
	if strings.ContainsAny(text, "eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f > 1e30 {
			return "", "", false
		}
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	whole, fraction, _ = strings.Cut(text, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", "", false
	}
	whole = strings.TrimLeft(whole, "0")
	return whole, fraction, len(whole) <= 20
}

// unixTime is the time of seconds since 1970, cut off after the nanosecond; the zero time where they are too many.
func unixTime(whole, fraction string) time.Time {
	if whole == "" {
		whole = "0"
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds >= maxEpoch {
		return time.Time{}
	}
	nanos, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, nanos)
}

// maxEpoch is the end of the year 9999, beyond which times have no RFC 3339 form.
const maxEpoch = 253402300800
