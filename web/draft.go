package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// A draft is a filter while it is edited: what the form holds, valid or not.
type draft struct {
	filter     prefs.Filter
	everywhere bool   // goes to all destinations
	asText     bool   // edited as YAML
	text       string // the YAML as typed
	hold       string // minutes to hold what has begun, as typed
	ends       string // when it ends, as typed
	endProblem string
	spare      string         // the field that gets one more empty value
	added      bool           // the last rule was just added
	before     history.Cursor // the preview goes on from here
}

// newDraft makes a draft of a filter.
func newDraft(f prefs.Filter) draft {
	return draft{filter: f, everywhere: len(f.Destinations) == 0}
}

// readDraft reads the posted form. It trims values and drops empty ones, but checks nothing yet. It keeps a row of an
// unknown kind, which the page shows as broken.
func (s *site) readDraft(v url.Values) draft {
	d := draft{
		everywhere: v.Get("where") != "some",
		asText:     v.Get("mode") == "text",
		text:       strings.ReplaceAll(v.Get("text"), "\r\n", "\n"),
	}
	if cursor, ok := strings.CutPrefix(v.Get("do"), "preview:"); ok {
		d.before = cursorOf(cursor)
	}
	d.filter.Name = text.OneLine(v.Get("name"))
	d.filter.On = v.Get("on") != ""
	d.filter.OneShot = v.Get("once") != ""
	d.hold = strings.TrimSpace(v.Get("hold"))
	d.filter.HoldStarted = readHold(d.hold)
	d.ends = strings.TrimSpace(v.Get("ends"))
	for _, id := range v["to"] {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil && !d.everywhere {
			d.filter.Destinations = append(d.filter.Destinations, uint(n))
		}
	}
	for i := range rulespec.MaxRules {
		kind := v.Get(fmt.Sprintf("r%d.kind", i))
		if kind == "" {
			break
		}
		d.filter.Rules = append(d.filter.Rules, s.readRule(v, i, kind))
	}
	return d
}

func (s *site) readRule(v url.Values, i int, kind string) rulespec.Rule {
	r := rulespec.Rule{Kind: kind, Not: v.Get(fmt.Sprintf("r%d.not", i)) != "", Args: rulespec.Args{}}
	known := s.kind(kind)
	if known == nil {
		return r
	}
	for _, p := range known.Params {
		for _, value := range v[fieldName(i, p.Name)] {
			if value = strings.TrimSpace(value); value != "" && !slices.Contains(r.Args[p.Name], value) {
				r.Args[p.Name] = append(r.Args[p.Name], value)
			}
		}
	}
	return r
}

// fieldName is the name of the form field of a parameter of the rule in row i.
func fieldName(i int, param string) string { return fmt.Sprintf("r%d.%s", i, param) }

// kind returns the rule kind of that name; nil when there is none.
func (s *site) kind(name string) *rulespec.RuleKind {
	for _, k := range s.RuleKinds {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// change carries out a button inside the form: it adds a row, drops one, or adds an empty value to a field. It returns
// false for any other button.
func (s *site) change(d *draft, do string, v url.Values) bool {
	verb, arg, _ := strings.Cut(do, ":")
	switch verb {
	case "add":
		if k := s.kind(v.Get("add")); k != nil && len(d.filter.Rules) < rulespec.MaxRules {
			d.filter.Rules = append(d.filter.Rules, rulespec.Rule{Kind: k.Name, Args: rulespec.Args{}})
			d.added = true
		}
	case "drop":
		if i, err := strconv.Atoi(arg); err == nil && i >= 0 && i < len(d.filter.Rules) {
			d.filter.Rules = slices.Delete(d.filter.Rules, i, i+1)
		}
	case "more":
		d.spare = arg
	default:
		return false
	}
	return true
}

// readHold reads how long what has begun is held: minutes, or a length such as 90s. What is neither is below all
// bounds, so that saving refuses it.
func readHold(typed string) time.Duration {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return 0
	}
	if n, err := strconv.ParseUint(typed, 10, 16); err == nil {
		return time.Duration(n) * time.Minute
	}
	if d, err := time.ParseDuration(typed); err == nil && d > 0 {
		return d
	}
	return -1
}

// holdProblem says that what was typed is no such length.
func holdProblem(d draft) string {
	if h := d.filter.HoldStarted; h != 0 && (h < prefs.MinHoldStarted || h > prefs.MaxHoldStarted) {
		return "Minutes to wait: expected a whole number from 1 to 1440."
	}
	return ""
}

// holdText is what readHold reads.
func holdText(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d%time.Minute == 0:
		return strconv.Itoa(int(d / time.Minute))
	}
	return d.String()
}
