package mutes

import (
	"cmp"
	"errors"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/mutes"
	"github.com/notifyd/notifyd/web/visit"
)

// api.go is the same for programs, as JSON, by the session of the pages: doc/api.md.

func (o Options) api() []visit.Page {
	page := func(pattern string, serve func(*visit.Visit) (any, error)) visit.Page {
		return visit.ForPrograms(pattern, serve, refuse)
	}
	return []visit.Page{
		page("GET /api/v1/mutes", o.getMutes), page("POST /api/v1/mutes", o.postMute),
		page("POST /api/v1/mutes/preview", o.previewMute), page("DELETE /api/v1/mutes/{id}", o.deleteMute),
		page("GET /api/v1/destinations/{id}/waiting", o.getWaiting),
		page("POST /api/v1/destinations/{id}/waiting/send", o.sendWaiting),
		page("DELETE /api/v1/destinations/{id}/waiting", o.deleteWaiting),
		page("POST /api/v1/destinations/{id}/waiting/keep", o.keepWaiting),
	}
}

// refuse says what is wrong with a request.
func refuse(err error) *visit.Fault {
	var mistake *mute.Error
	switch {
	case errors.As(err, &mistake):
		return &visit.Fault{Error: mistake.Problem, Field: mistake.Field}
	case errors.Is(err, prefs.ErrTooMany):
		return &visit.Fault{Error: "there are too many mutes"}
	}
	return nil
}

// A muteJSON is a mute as programs read and write it.
type muteJSON struct {
	ID          uint       `json:"id,omitempty"`
	Kind        mute.Kind  `json:"kind"`
	Value       string     `json:"value"`
	Label       string     `json:"label,omitempty"`
	Made        *time.Time `json:"made,omitempty"`
	Ends        time.Time  `json:"ends,omitzero"`
	UntilSolved bool       `json:"until_solved"`
	Errors      *bool      `json:"errors"` // come through; nil: they do
	By          string     `json:"by,omitempty"`
	Ended       *time.Time `json:"ended,omitempty"`
	EndedBy     string     `json:"ended_by,omitempty"`
	Silenced    int        `json:"silenced"`
	On          bool       `json:"on"`
	Says        string     `json:"says,omitempty"`
}

func toJSON(r mutes.Record, v *visit.Visit) muteJSON {
	made, errs := r.Made, r.Errors
	m := muteJSON{ID: r.ID, Kind: r.Kind, Value: r.Value, Label: r.Label, Made: &made, Ends: r.Ends,
		UntilSolved: r.UntilSolved, Errors: &errs, By: r.By, EndedBy: r.EndedBy, Silenced: r.Silenced, On: r.On(v.Now),
		Says: r.Of() + ", " + r.Until(v.Zone) + "; " + r.Through()}
	if end := r.End(); !m.On {
		m.Ended = &end
	}
	return m
}

func (o Options) getMutes(v *visit.Visit) (any, error) {
	all, err := o.Mutes.List(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	list := make([]muteJSON, len(all))
	for i, r := range all {
		list[i] = toJSON(r, v)
	}
	return map[string]any{"mutes": list}, nil
}

func readMute(v *visit.Visit) (m mute.Mute, err error) {
	var said muteJSON
	if err := v.ReadJSON(&said); err != nil {
		return m, err
	}
	m = mute.Mute{Kind: said.Kind, Value: said.Value, Label: said.Label, Made: v.Now, Ends: said.Ends,
		UntilSolved: said.UntilSolved, Errors: said.Errors == nil || *said.Errors}
	if m.UntilSolved && m.Ends.IsZero() {
		m.Ends = v.Now.Add(mute.Longest)
	}
	return m, m.Check()
}

func (o Options) postMute(v *visit.Visit) (any, error) {
	m, err := readMute(v)
	if err != nil {
		return nil, err
	}
	r, waiting, err := o.Mutes.Make(v.Context(), v.User.ID, m, "api")
	if err != nil {
		return nil, err
	}
	return map[string]any{"mute": toJSON(r, v), "silenced_waiting": waiting}, nil
}

func (o Options) previewMute(v *visit.Visit) (any, error) {
	m, err := readMute(v)
	if err != nil {
		return nil, err
	}
	s, err := o.Guard.Look(v.Context(), v.User, m)
	return map[string]any{"silenced": s.Silenced, "errors": s.Errors, "since": s.Since.UTC(), "whole": s.Whole,
		"broad": s.Loud, "known": !s.Busy, "says": s.Words(v.Zone)}, err
}

// deleteMute ends a mute; with ?undo=yes what it has silenced while it waited waits again.
func (o Options) deleteMute(v *visit.Visit) (any, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	end := o.Mutes.End
	if v.Request.URL.Query().Get("undo") == "yes" {
		end = o.Mutes.Undo
	}
	if err := end(v.Context(), v.User.ID, id); err != nil {
		return nil, err
	}
	r, err := o.Mutes.Get(v.Context(), v.User.ID, id)
	return map[string]any{"mute": toJSON(r, v)}, err
}

func (o Options) getWaiting(v *visit.Visit) (any, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	to, err := o.Destinations.Get(v.Context(), v.User.ID, id)
	if err != nil {
		return nil, err
	}
	waits, err := o.waits(v, id)
	if err != nil {
		return nil, err
	}
	h := heapOf(to, waits, v)
	lines := []map[string]string{}
	for _, l := range h.Lines {
		lines = append(lines, map[string]string{"title": l.Title, "severity": l.Severity, "of": cmp.Or(l.Count, "1 notice")})
	}
	return map[string]any{"waiting": len(waits), "why": h.Why, "digest": lines}, nil
}

func (o Options) sendWaiting(v *visit.Visit) (any, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	return map[string]bool{"sent": true}, o.Destinations.SendNow(v.Context(), o.Outbox, v.User.ID, id)
}

func (o Options) deleteWaiting(v *visit.Visit) (any, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	n, mark, err := o.Destinations.ThrowAway(v.Context(), o.Outbox, v.User.ID, id)
	return map[string]any{"thrown_away": n, "mark": strconv.FormatInt(mark, 10)}, err
}

func (o Options) keepWaiting(v *visit.Visit) (any, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	mark, err := strconv.ParseInt(v.Request.URL.Query().Get("mark"), 10, 64)
	if err != nil || v.Now.Sub(time.UnixMicro(mark)) > keepFor {
		return nil, prefs.ErrNotFound
	}
	n, err := o.Destinations.KeepAll(v.Context(), o.Outbox, v.User.ID, id, mark)
	return map[string]any{"kept": n}, err
}
