package say

import (
	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/internal/metric"
)

// The names of metrics that `notifyd status` reads.
const (
	ServiceSilent = "notifyd_service_silent"
	ServiceLast   = "notifyd_service_last_message_timestamp_seconds"
	ServiceUsual  = "notifyd_service_usual_messages"
	ServiceWeeks  = "notifyd_service_usual_weeks"
	SourceQuiet   = "notifyd_source_silent"
	ServicesFull  = "notifyd_services_full"
)

func serviceDesc(name, help string) *metric.Desc {
	return &metric.Desc{Name: name, Help: help, Type: metric.Gauge, Labels: []string{"service", "under"}}
}

var (
	silentDesc = serviceDesc(ServiceSilent, "1 while the service has said nothing for much longer than it usually does.")
	lastDesc   = serviceDesc(ServiceLast, "Time of the last message of the service.")
	usualDesc  = serviceDesc(ServiceUsual, "Messages that the service usually has in this hour of the week.")
	weeksDesc  = serviceDesc(ServiceWeeks, "Weeks that this is known from.")
	quietDesc  = &metric.Desc{Name: SourceQuiet, Type: metric.Gauge, Labels: []string{"source"},
		Help: "1 while nothing has come from the endpoint for much longer than usual, or it lost its connection."}
	fullDesc = &metric.Desc{Name: ServicesFull, Type: metric.Gauge,
		Help: "1 while there are more services than are followed."}
)

// Collect emits what is known of services and endpoints.
func (s *Silences) Collect(emit metric.Emit) {
	states, full := s.States()
	emit(fullDesc, metric.Bool(full))
	for _, state := range states {
		silent := metric.Bool(state.State == pace.Silent)
		if state.What == pace.Endpoint {
			emit(quietDesc, silent, state.Name)
			continue
		}
		emit(silentDesc, silent, state.Name, state.Under)
		emit(lastDesc, float64(state.Last.UnixMilli())/1000, state.Name, state.Under)
		emit(usualDesc, round(state.PerHour), state.Name, state.Under)
		emit(weeksDesc, float64(state.Weeks), state.Name, state.Under)
	}
}
