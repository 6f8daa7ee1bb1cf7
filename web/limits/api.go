package limits

import (
	"errors"
	"net/http"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/rescue"
	"github.com/notifyd/notifyd/web/visit"
)

// api.go is the same for programs, as JSON, by the session of the pages: doc/api.md.

func (o Options) api() []visit.Page {
	return []visit.Page{
		visit.ForPrograms("GET /api/v1/destinations/{id}/limits", o.getLimits, refuse),
		visit.ForPrograms("PUT /api/v1/destinations/{id}/limits", o.putLimits, refuse),
		visit.ForPrograms("GET /api/v1/critical", o.getCritical, refuse),
		visit.ForPrograms("PUT /api/v1/critical", o.putCritical, refuse),
	}
}

// limitsBody is what holds for one destination. Lengths are in seconds; 0 is none.
type limitsBody struct {
	CapCount         int   `json:"cap_count"`
	CapWindow        int64 `json:"cap_window"`
	FallbackTo       uint  `json:"fallback_to"`
	FallbackAttempts int   `json:"fallback_attempts"`
	FallbackAfter    int64 `json:"fallback_after"`
}

// criticalBody is where critical notices go.
type criticalBody struct {
	To         uint  `json:"to"`
	After      int64 `json:"after"`
	Everywhere bool  `json:"everywhere"`
}

// seconds makes a length of a number of seconds, within what a length holds.
func seconds(n int64) time.Duration { return time.Duration(max(min(n, 1<<31), -1)) * time.Second }

func (o Options) getLimits(v *visit.Visit) (any, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	d, err := o.Destinations.Get(v.Context(), v.User.ID, id)
	if err != nil {
		return nil, err
	}
	f, _, err := o.Rescue.Fallback(v.Context(), v.User.ID, id)
	return limitsBody{d.Cap.Count, int64(d.Cap.Window / time.Second), f.To, f.Attempts, int64(f.After / time.Second)}, err
}

func (o Options) putLimits(v *visit.Visit) (any, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	var b limitsBody
	if err := v.ReadJSON(&b); err != nil {
		return nil, err
	}
	err = o.set(v, id, outbox.Cap{Count: b.CapCount, Window: seconds(b.CapWindow)},
		rescue.Fallback{From: id, To: b.FallbackTo, Attempts: b.FallbackAttempts, After: seconds(b.FallbackAfter)})
	if err != nil {
		return nil, err
	}
	return o.getLimits(v)
}

func (o Options) getCritical(v *visit.Visit) (any, error) {
	e, err := o.Rescue.Escalation(v.Context(), v.User.ID)
	return criticalBody{e.To, int64(e.After / time.Second), e.Everywhere}, err
}

func (o Options) putCritical(v *visit.Visit) (any, error) {
	var b criticalBody
	if err := v.ReadJSON(&b); err != nil {
		return nil, err
	}
	err := o.Rescue.SetEscalation(v.Context(), v.User.ID,
		rescue.Escalation{To: b.To, After: seconds(b.After), Everywhere: b.Everywhere})
	if err != nil {
		return nil, err
	}
	return o.getCritical(v)
}

// refuse says what is wrong with a request.
func refuse(err error) *visit.Fault {
	if said := mistake(err); said != "" {
		return &visit.Fault{Error: said}
	}
	if errors.Is(err, rescue.ErrNotFound) {
		return &visit.Fault{Status: http.StatusNotFound, Error: "not found"}
	}
	return nil
}
