package http

import (
	"strconv"
	"sync"

	"github.com/notifyd/notifyd/internal/metric"
)

var answersDesc = &metric.Desc{
	Name: "notifyd_http_answers_total", Type: metric.Counter, Labels: []string{"path", "status"},
	Help: "Requests that the source http has answered, by what they were for and how they were answered.",
}

// answers counts answers. Paths and statuses are few, and ours.
type answers struct {
	mu     sync.Mutex
	counts map[[2]string]int
}

func (a *answers) count(path string, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts == nil {
		a.counts = map[[2]string]int{}
	}
	a.counts[[2]string{path, strconv.Itoa(status)}]++
}

func (a *answers) collect(emit metric.Emit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, n := range a.counts {
		emit(answersDesc, float64(n), key[0], key[1])
	}
}
