package back

import (
	"maps"

	"github.com/notifyd/notifyd/internal/metric"
)

var cameBack = &metric.Desc{Name: "notifyd_email_came_back_total",
	Help: "Messages that came back of mails, by kind and by what became of them.", Type: metric.Counter,
	Labels: []string{"kind", "outcome"}}

// Collect emits how many messages of which kind came back. outcome is done; again: it came before; forged: its token is
// not ours; stray: it has none; later: it could not be taken yet.
func (r *Receiver) Collect(emit metric.Emit) {
	r.counts.mu.Lock()
	all := maps.Clone(r.counts.all)
	r.counts.mu.Unlock()
	for key, count := range all {
		emit(cameBack, float64(count), key[0], key[1])
	}
}
