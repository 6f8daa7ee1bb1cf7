package limits

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/rescue"
	"github.com/notifyd/notifyd/web/visit"
)

// api.go is the same for programs, as JSON, by the session of the pages: doc/api.md.

func (o Options) api() []visit.Page {
	page := func(pattern string, changes bool, serve func(*visit.Visit) (any, error)) visit.Page {
		return visit.Page{Pattern: pattern, For: visit.Everybody,
			Serve: func(v *visit.Visit) (*visit.View, error) { return answer(v, serve, changes) }}
	}
	return []visit.Page{
		page("GET /api/v1/destinations/{id}/limits", false, o.getLimits),
		page("PUT /api/v1/destinations/{id}/limits", true, o.putLimits),
		page("GET /api/v1/critical", false, o.getCritical),
		page("PUT /api/v1/critical", true, o.putCritical),
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
	if err := read(v, &b); err != nil {
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
	if err := read(v, &b); err != nil {
		return nil, err
	}
	err := o.Rescue.SetEscalation(v.Context(), v.User.ID,
		rescue.Escalation{To: b.To, After: seconds(b.After), Everywhere: b.Everywhere})
	if err != nil {
		return nil, err
	}
	return o.getCritical(v)
}

// A fault is the answer to a request that cannot be done.
type fault struct {
	Error string `json:"error"`
}

var errBody = errors.New("the body is no JSON of this form")

// answer makes the view of what serve says, also of its errors that the caller can act on.
func answer(v *visit.Visit, serve func(*visit.Visit) (any, error), changes bool) (*visit.View, error) {
	if v.User.ID == 0 {
		return &visit.View{Status: http.StatusUnauthorized, JSON: fault{"sign in on the pages first"}}, nil
	}
	done, err := serve(v)
	switch {
	case mistake(err) != "":
		return &visit.View{Status: http.StatusUnprocessableEntity, JSON: fault{mistake(err)}}, nil
	case errors.Is(err, errBody):
		return &visit.View{Status: http.StatusBadRequest, JSON: fault{err.Error()}}, nil
	case errors.Is(err, prefs.ErrNotFound), errors.Is(err, rescue.ErrNotFound):
		return &visit.View{Status: http.StatusNotFound, JSON: fault{"not found"}}, nil
	case err != nil:
		return nil, err
	}
	return &visit.View{JSON: done, Changed: changes}, nil
}

// read reads the body of a request.
func read(v *visit.Visit, into any) error {
	d := json.NewDecoder(io.LimitReader(v.Request.Body, 16<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errors.Join(errBody, err)
	}
	return nil
}
