package status

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/carrier"
)

// The bounds on what a listener may answer, in bytes.
const (
	maxReady   = 1 << 20
	maxMetrics = 64 << 20
)

// Ask asks the operator listener at a URL such as http://127.0.0.1:8081, until ctx ends.
func Ask(ctx context.Context, base string) (Report, error) {
	client := &http.Client{
		Transport:     &http.Transport{Proxy: nil}, // the listener is near
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("it redirects; notifyd does not") },
	}
	defer client.CloseIdleConnections()
	r := Report{
		Warnings: []string{}, Endpoints: []Endpoint{}, Backends: []Backend{}, Bridges: []Bridge{}, Services: []Service{},
		Nodes: []Node{},
	}
	text, err := get(ctx, client, base+"/readyz", maxReady, http.StatusOK, http.StatusServiceUnavailable)
	if err != nil {
		return r, err
	}
	var ready struct {
		Ready    *bool
		Problem  string
		Warnings []string
		Nodes    []Node
	}
	if err := json.Unmarshal(text, &ready); err != nil || ready.Ready == nil {
		return r, fmt.Errorf("%s/readyz gives no answer of notifyd's", base)
	}
	r.Ready, r.Problem, r.Warnings = *ready.Ready, ready.Problem, append(r.Warnings, ready.Warnings...)
	for _, n := range ready.Nodes {
		n.Holds = append([]string{}, n.Holds...)
		r.Nodes = append(r.Nodes, n)
	}
	text, err = get(ctx, client, base+"/metrics", maxMetrics, http.StatusOK)
	if err != nil {
		return r, err
	}
	return r, r.readMetrics(text)
}

// get fetches a page, with one of the statuses.
func get(ctx context.Context, client *http.Client, url string, most int64, statuses ...int) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if !slices.Contains(statuses, answer.StatusCode) {
		return nil, fmt.Errorf("%s answers %s", url, answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", url, err)
	case int64(len(text)) > most:
		return nil, fmt.Errorf("%s answers with more than %d bytes", url, most)
	}
	return text, nil
}

// readMetrics takes what it needs from the text of /metrics.
func (r *Report) readMetrics(text []byte) error {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("read metrics: %w", err)
	}
	if families["notifyd_build_info"] == nil {
		return errors.New("/metrics has no metrics of notifyd's")
	}
	r.readEndpoints(families)
	for _, m := range families["notifyd_backend_down"].GetMetric() {
		r.Backends = append(r.Backends, Backend{label(m, "backend"), value(m) == 1})
	}
	slices.SortFunc(r.Backends, func(a, b Backend) int { return cmp.Compare(a.Name, b.Name) })
	r.readBridges(families)
	r.readServices(families)
	return nil
}

// Endpoints returns the endpoints that metrics tell of, gathered in this process.
func Endpoints(gathered []*dto.MetricFamily) []Endpoint {
	families := map[string]*dto.MetricFamily{}
	for _, f := range gathered {
		families[f.GetName()] = f
	}
	var r Report
	r.readEndpoints(families)
	r.readServices(families) // which says who is silent
	return r.Endpoints
}

func (r *Report) readEndpoints(families map[string]*dto.MetricFamily) {
	endpoints := map[[2]string]*Endpoint{}
	of := func(m *dto.Metric) *Endpoint {
		at := [2]string{label(m, "source"), label(m, "address")}
		if endpoints[at] == nil {
			endpoints[at] = &Endpoint{Name: at[0], Address: at[1], Ended: true}
		}
		return endpoints[at]
	}
	for _, m := range families[bus.ConnectedMetric].GetMetric() {
		of(m).Connected, of(m).Ended = value(m) == 1, false
	}
	for _, m := range families[bus.StandbyMetric].GetMetric() {
		of(m).Standby, of(m).Ended = value(m) == 1, false
	}
	for _, m := range families[bus.ReceivedMetric].GetMetric() {
		of(m).Received = value(m)
	}
	for _, m := range families[bus.LastMessageMetric].GetMetric() {
		last := time.UnixMilli(int64(value(m) * 1000)).UTC()
		of(m).LastMessage = &last
	}
	for _, e := range endpoints {
		r.Endpoints = append(r.Endpoints, *e)
	}
	slices.SortFunc(r.Endpoints, func(a, b Endpoint) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Address, b.Address))
	})
}

func (r *Report) readBridges(families map[string]*dto.MetricFamily) {
	of := map[string]map[string]float64{}
	for _, name := range []string{carrier.BehindMetric, carrier.BehindSecondsMetric, carrier.SentMetric,
		carrier.LostMetric} {
		of[name] = map[string]float64{}
		for _, m := range families[name].GetMetric() {
			of[name][label(m, "bridge")] = value(m)
		}
	}
	for _, m := range families[carrier.UpMetric].GetMetric() {
		name := label(m, "bridge")
		r.Bridges = append(r.Bridges, Bridge{
			Name: name, To: label(m, "to"), Up: value(m) == 1, Behind: of[carrier.BehindMetric][name],
			BehindSeconds: of[carrier.BehindSecondsMetric][name], Sent: of[carrier.SentMetric][name],
			Lost: of[carrier.LostMetric][name],
		})
	}
	slices.SortFunc(r.Bridges, func(a, b Bridge) int { return cmp.Compare(a.Name, b.Name) })
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// mostValue is beyond every count, and every time that can be written.
const mostValue = 1e11

// value gives that of a gauge or a counter; one of a family without a type is in neither. What no daemon says is 0.
func value(m *dto.Metric) float64 {
	v := m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
	if v >= 0 && v < mostValue {
		return v
	}
	return 0
}
