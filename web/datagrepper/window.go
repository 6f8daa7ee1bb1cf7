package datagrepper

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// A window is the time that a query is about, in seconds since 1970; nil: not given and not filled in. Both ends
// belong to it.
type window struct{ start, end, delta *float64 }

// oldDelta is the window of datagrepper 0.9 where only the end is given, in seconds.
const oldDelta = 600

// window reads start, end and delta, and fills in what is not given, as assemble_timerange of datagrepper does.
func (req *request) window() (w window, err error) {
	for name, into := range map[string]**float64{"start": &w.start, "end": &w.end, "delta": &w.delta} {
		value, given := req.first(name)
		if !given || req.Old && value == "" {
			continue
		}
		if *into, err = req.seconds(name, value); err != nil {
			return window{}, err
		}
	}
	otherwise := req.DefaultDelta.Seconds()
	if req.Old && strings.HasPrefix(req.r.URL.Path, "/charts/") {
		otherwise = 0 // charts of 0.9 have a default of their own
	}
	w.fill(float64(req.Now().UnixMicro())/1e6, otherwise, req.Old)
	return w, w.check()
}

// fill sets what is not given.
func (w *window) fill(now, otherwise float64, old bool) {
	set := func(start, end, delta float64) { w.start, w.end, w.delta = &start, &end, &delta }
	switch start, end, delta := w.start, w.end, w.delta; {
	case start != nil && end != nil:
		set(*start, *end, *end-*start)
	case start != nil && delta != nil:
		set(*start, *start+*delta, *delta)
	case start != nil:
		set(*start, now, now-*start)
	case end != nil && delta != nil:
		set(*end-*delta, *end, *delta)
	case end != nil && old:
		set(*end-oldDelta, *end, oldDelta)
	case end != nil && otherwise >= 1:
		set(*end-otherwise, *end, otherwise)
	case end != nil:
		w.start = new(float64)
	case delta != nil:
		set(now-*delta, now, *delta)
	case otherwise >= 1:
		set(now-otherwise, now, otherwise)
	}
}

// The times that a timestamp of both databases and a date of four digits can be.
var earliest, latest = float64(time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC).Unix()),
	float64(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix())

func (w *window) check() error {
	for name, at := range map[string]*float64{"start": w.start, "end": w.end} {
		if at != nil && (*at < earliest || *at > latest) {
			return badRequest(name + " is out of range: it is in seconds since 1970")
		}
	}
	return nil
}

// seconds reads a number, or for start and end in datagrepper 1 a date.
func (req *request) seconds(name, value string) (*float64, error) {
	trimmed := strings.TrimSpace(value)
	n, err := strconv.ParseFloat(trimmed, 64)
	if err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) && !strings.ContainsAny(trimmed, "xXpP") {
		return &n, nil
	}
	if name == "delta" || req.Old {
		return nil, badRequest(name + " must be a number of seconds")
	}
	t, ok := parseDate(trimmed, req.Now())
	if !ok {
		return nil, badRequest(name + " is neither a number of seconds since 1970 nor a date that can be read: " +
			strconv.Quote(text.CutBytes(trimmed, 64)))
	}
	n = float64(t.UnixMicro()) / 1e6
	return &n, nil
}

// at gives a time of the window.
func at(seconds *float64) time.Time {
	if seconds == nil {
		return time.Time{}
	}
	whole, rest := math.Floor(*seconds), *seconds-math.Floor(*seconds)
	return time.Unix(int64(whole), int64(math.Round(rest*1e6))*1000)
}
