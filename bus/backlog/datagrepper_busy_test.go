package backlog_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/backlog"
)

func busy(w http.ResponseWriter, after string) {
	w.Header().Set("Retry-After", after)
	w.WriteHeader(http.StatusTooManyRequests)
}

// TestDatagrepperWaitsWhenItIsTold: a server that is asked too often says when to come again, as ours does.
func TestDatagrepperWaitsWhenItIsTold(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		g := &grepper{messages: []stored{message(1, noon.Add(-90*time.Minute))}}
		var refused []time.Time
		var waited time.Duration
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(refused) < 2 {
				w.Header().Set("Retry-After", strconv.Itoa(len(refused)))
				refused = append(refused, time.Now())
				w.WriteHeader(status)
				return
			}
			if waited == 0 {
				waited = time.Since(refused[1])
			}
			g.ServeHTTP(w, r)
		}))
		archive := backlog.NewDatagrepper(config(server.URL+"/datagrepper"), func() time.Time { return noon })
		got, _, err := fetched(t, archive, bus.Hole{Since: noon.Add(-2 * time.Hour), Until: noon.Add(-time.Hour)})
		server.Close()
		if got = slices.Compact(got); err != nil || !slices.Equal(got, []int64{1}) || waited < time.Second {
			t.Errorf("%d: got %v, %v after %s", status, got, err, waited)
		}
	}
}
