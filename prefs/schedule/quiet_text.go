package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// week are the days in the order in which people read a week.
var week = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday,
	time.Sunday}

// ParseQuiet reads quiet hours as people write them: "mon-fri 22:00-07:00; sat,sun 23:00-09:00". Without days a window
// is on every day. One that ends before it begins goes over midnight, and its days are those on which it begins. A
// whole day is 00:00-24:00. The error is an *Error.
func ParseQuiet(text string) (Quiet, error) {
	q, err := readQuiet(text)
	if err != nil {
		return Quiet{}, err
	}
	return q, q.Check()
}

// StoredQuiet returns quiet hours from what String has written. What cannot be read is left out: a later version wrote
// it.
func StoredQuiet(text string) Quiet {
	if text == "" {
		return Quiet{}
	}
	q, _ := readQuiet(text)
	return q
}

func readQuiet(text string) (Quiet, error) {
	if len(text) > maxQuiet {
		return Quiet{}, problem("quiet", "are longer than %d characters", maxQuiet)
	}
	text = strings.NewReplacer("\r", "\n", "\u2013", "-", "\u2014", "-").Replace(text)
	var q Quiet
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '\n' }) {
		part = strings.ToLower(strings.Join(strings.Fields(part), " "))
		if part == "" {
			continue
		}
		w, err := parseWindow(part)
		if err != nil {
			return q, err
		}
		q.windows = append(q.windows, w)
	}
	if len(q.windows) > maxWindows {
		return Quiet{}, problem("quiet", "have more than %d parts", maxWindows)
	}
	return q, nil
}

// parseWindow reads "mon-fri 22:00-07:00" or "22:00-07:00".
func parseWindow(part string) (window, error) {
	w := window{days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}}
	digit := strings.IndexAny(part, "0123456789")
	if digit < 0 {
		return w, problem("quiet", "%q has no hours; write for example %q", part, part+" 22:00-07:00")
	}
	if days := strings.TrimRight(part[:digit], " :"); days != "" {
		var err error
		if w.days, err = parseDays(days); err != nil {
			return w, err
		}
	}
	hours := strings.ReplaceAll(strings.ReplaceAll(part[digit:], "to", "-"), " ", "")
	from, to, found := strings.Cut(hours, "-")
	if !found {
		return w, problem("quiet", "%q has no end; write for example %q", part, part+"-07:00")
	}
	var err error
	if w.from, err = parseMinute(from); err != nil {
		return w, err
	}
	if w.to, err = parseMinute(to); err != nil {
		return w, err
	}
	switch {
	case w.from == w.to:
		return w, problem("quiet", "%q begins when it ends; a whole day is 00:00-24:00", part)
	case w.from == 24*60:
		return w, problem("quiet", "%q begins at 24:00; write 00:00 of the next day", part)
	}
	return w, nil
}

// parseMinute reads a time of day: 22:00, 22.00, 22 or 24:00.
func parseMinute(text string) (int, error) {
	hours, minutes, more := strings.Cut(strings.ReplaceAll(text, ".", ":"), ":")
	h, err := strconv.Atoi(hours)
	m := 0
	if err == nil && more {
		m, err = strconv.Atoi(minutes)
	}
	if err != nil || len(hours) > 2 || more && len(minutes) != 2 || h < 0 || m < 0 || m > 59 || h*60+m > 24*60 {
		return 0, problem("quiet", "%q is no time of day; one is 22:00", text)
	}
	return h*60 + m, nil
}

// parseDays reads "mon-fri", "sat,sun", "mon-wed,fri", "weekend", "every day".
func parseDays(text string) ([]time.Weekday, error) {
	var days []time.Weekday
	switch text {
	case "daily", "every day":
		return []time.Weekday{0, 1, 2, 3, 4, 5, 6}, nil
	case "weekdays":
		return []time.Weekday{1, 2, 3, 4, 5}, nil
	case "weekend", "weekends":
		return []time.Weekday{0, 6}, nil
	}
	for _, part := range strings.Split(strings.ReplaceAll(text, " and ", ","), ",") {
		first, last, span := strings.Cut(strings.ReplaceAll(part, " to ", "-"), "-")
		from, err := parseDay(first)
		if err != nil {
			return nil, err
		}
		to := from
		if span {
			if to, err = parseDay(last); err != nil {
				return nil, err
			}
		}
		for d := from; ; d = (d + 1) % 7 {
			days = append(days, d)
			if d == to {
				break
			}
		}
	}
	slices.Sort(days)
	return slices.Compact(days), nil
}

// parseDay reads a day's name, of which three letters do.
func parseDay(text string) (time.Weekday, error) {
	text = strings.TrimSpace(text)
	for _, d := range week {
		if name := strings.ToLower(d.String()); len(text) >= 3 && strings.HasPrefix(name, text) {
			return d, nil
		}
	}
	return 0, problem("quiet", "%q is no day; write mon, tue, wed, thu, fri, sat or sun", text)
}

// String returns quiet hours in the form that ParseQuiet reads; "" for none.
func (q Quiet) String() string {
	parts := make([]string, len(q.windows))
	for i, w := range q.windows {
		parts[i] = fmt.Sprintf("%s-%s", minuteText(w.from), minuteText(w.to))
		if len(w.days) < 7 {
			parts[i] = dayNames(w.days) + " " + parts[i]
		}
	}
	return strings.Join(parts, "; ")
}

func minuteText(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }

// dayNames returns days as "mon-fri" or "sat,sun".
func dayNames(days []time.Weekday) string {
	var parts []string
	for i := 0; i < len(week); i++ {
		if !slices.Contains(days, week[i]) {
			continue
		}
		last := i
		for last+1 < len(week) && slices.Contains(days, week[last+1]) {
			last++
		}
		switch {
		case last > i+1:
			parts = append(parts, short(week[i])+"-"+short(week[last]))
			i = last
		default:
			parts = append(parts, short(week[i]))
		}
	}
	return strings.Join(parts, ",")
}

func short(d time.Weekday) string { return strings.ToLower(d.String()[:3]) }

func sortedDays(days []time.Weekday) []time.Weekday {
	return slices.Sorted(slices.Values(days))
}
