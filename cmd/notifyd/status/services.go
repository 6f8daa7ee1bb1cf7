package status

import (
	"cmp"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/cmd/notifyd/say"
)

// A Service is what publishes under the first words of a topic: of fedmsg's, two of the community, the environment, and
// the service; of openSUSE's, the scope and the service.
type Service struct {
	Name  string    `json:"service"` // the last of these words
	Under string    `json:"under"`   // the words before it
	Last  time.Time `json:"last_seen"`
	Usual Usual     `json:"usual"`
	State string    `json:"state"` // pace.Normal, pace.Silent or pace.Unknown
}

// Usual is what a service usually says in this hour of the week.
type Usual struct {
	PerHour float64 `json:"per_hour"` // messages
	Weeks   int     `json:"weeks"`    // that this is known from
}

// readServices takes the services from the metrics, and which endpoints are silent.
func (r *Report) readServices(families map[string]*dto.MetricFamily) {
	services := map[[2]string]*Service{}
	each := func(name string, note func(s *Service, v float64)) {
		for _, m := range families[name].GetMetric() {
			at := [2]string{label(m, "under"), label(m, "service")}
			if services[at] == nil {
				services[at] = &Service{Name: at[1], Under: at[0], State: pace.Normal}
			}
			note(services[at], value(m))
		}
	}
	each(say.ServiceLast, func(s *Service, v float64) { s.Last = time.UnixMilli(int64(v * 1000)).UTC() })
	each(say.ServiceUsual, func(s *Service, v float64) { s.Usual.PerHour = v })
	each(say.ServiceWeeks, func(s *Service, v float64) { s.Usual.Weeks = int(v) })
	each(say.ServiceSilent, func(s *Service, v float64) {
		switch {
		case v == 1:
			s.State = pace.Silent
		case s.Usual.Weeks < 2:
			s.State = pace.Unknown
		}
	})
	for _, s := range services {
		r.Services = append(r.Services, *s)
	}
	slices.SortFunc(r.Services, func(a, b Service) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Under, b.Under))
	})
	for _, m := range families[say.ServicesFull].GetMetric() {
		if value(m) == 1 {
			r.Warnings = append(r.Warnings, "not all services are shown: there are more than are followed")
		}
	}
	silent := map[string]bool{}
	for _, m := range families[say.SourceQuiet].GetMetric() {
		silent[label(m, "source")] = value(m) == 1
	}
	for i, e := range r.Endpoints {
		r.Endpoints[i].Silent = silent[e.Name]
	}
}
