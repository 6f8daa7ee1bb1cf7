// Package operators gives the operators' pages what the daemon knows of its sources: what `notifyd status` shows, from
// the metrics of the process itself.
package operators

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/notifyd/notifyd/cmd/notifyd/daemon/directories"
	"github.com/notifyd/notifyd/cmd/notifyd/status"
	"github.com/notifyd/notifyd/web/operators"
)

// Sources returns the sources of messages, as the metrics say them. What cannot be gathered is left out.
func Sources(g prometheus.Gatherer) []operators.Source {
	families, _ := g.Gather() // what could be gathered comes with an error about the rest
	missing := perSource(families, "notifyd_source_missing_total")
	for name, n := range perSource(families, "notifyd_source_filled_total") {
		missing[name] = max(0, missing[name]-n)
	}
	var all []operators.Source
	for _, e := range status.Endpoints(families) {
		s := operators.Source{Name: e.Name, Address: e.Address, State: e.State(), Received: int64(e.Received),
			Holes: int64(missing[e.Name])}
		if e.LastMessage != nil {
			s.Last = *e.LastMessage
		}
		all = append(all, s)
	}
	return all
}

// Directories returns how the sources of groups, owners and people are.
func Directories(list []directories.Status) []operators.Directory {
	all := make([]operators.Directory, len(list))
	for i, s := range list {
		all[i] = operators.Directory{Name: s.Name, Loaded: s.Fetched, Tried: s.Tried, Error: s.Problem}
	}
	return all
}

// perSource adds up a counter by the label source.
func perSource(families []*dto.MetricFamily, name string) map[string]float64 {
	sums := map[string]float64{}
	at := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name })
	if at < 0 {
		return sums
	}
	for _, m := range families[at].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "source" {
				sums[l.GetValue()] += m.GetCounter().GetValue()
			}
		}
	}
	return sums
}
