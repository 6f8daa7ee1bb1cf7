package datagrepper

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/history"
)

// A chart is a query of /charts, and what it counted.
type chart struct {
	kind, title   string
	width, height int
	labels        []string
	series        []series
	xLabels       bool
	yLabels       bool
	dots, fill    bool
	logarithmic   bool
	dark          bool
	smooth        bool
}

// A series is a line of the chart.
type series struct {
	name   string
	counts []int64
}

var chartKinds = []string{"line", "stackedline", "xy", "bar", "horizontalbar", "stackedbar", "horizontalstackedbar",
	"funnel", "pyramid", "verticalpyramid", "dot", "gauge", "pie"}

// chartStyles are the names of pygal's styles, and whether their background is dark.
var chartStyles = map[string]bool{"default": false, "light": false, "clean": false, "red_blue": false,
	"light_solarized": false, "light_colorized": false, "light_green": false, "solid_color": false, "blue": false,
	"dark": true, "neon": true, "dark_solarized": true, "dark_colorized": true, "dark_green": true,
	"dark_green_blue": true, "turquoise": true}

// The bounds of a chart. Those of points are datagrepper's own.
const (
	leastPoints, mostPoints = 3, 15
	mostSeries              = 50
	leastSide, mostSide     = 50, 5000
	mostTitle               = 200
)

// chart answers /charts/KIND with an SVG.
func (req *request) chart(kind string) error {
	interpolation, given := req.first("interpolation")
	style, styled := req.first("style")
	dark, known := chartStyles[style]
	if !slices.Contains(chartKinds, kind) || styled && !known ||
		given && interpolation != "cubic" && interpolation != "quadratic" {
		req.notFound()
		return nil
	}
	c := &chart{kind: kind, title: "fedmsg events", width: req.side("width"), height: req.side("height"), dark: dark,
		xLabels: req.truth("show_x_labels", true), yLabels: req.truth("show_y_labels", true), smooth: given,
		dots: req.truth("show_dots", true), fill: req.truth("fill", false), logarithmic: req.truth("logarithmic", false)}
	if title, given := req.first("title"); given {
		c.title = string([]rune(title)[:min(len([]rune(title)), mostTitle)])
	}
	points, err := req.number("N", 10)
	if err != nil {
		return err
	}
	if points < leastPoints || points > mostPoints {
		return req.json(http.StatusInternalServerError, map[string]any{"error": "internal_error", "traceback": "",
			"detail": fmt.Sprintf("N must be between %d and %d", leastPoints, mostPoints)})
	}
	if err := req.count(c, int(points)); err != nil {
		return err
	}
	req.w.Header().Set("Content-Type", "image/svg+xml; charset=utf-8")
	_, _ = req.w.Write(c.draw()) // an error means that the client has left
	return nil
}

// side reads a width or height; what is no number is the default.
func (req *request) side(name string) int {
	value, _ := req.first(name)
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil {
		return 800
	}
	return max(leastSide, min(n, mostSide))
}

// chartWindow gives the beginnings of the parts of the window, and the length of each, to a microsecond.
func (req *request) chartWindow(points int) (starts []time.Time, step time.Duration, err error) {
	w, err := req.window()
	if err != nil {
		return nil, 0, err
	}
	end, start := req.Now(), time.Time{}
	if w.end != nil {
		end = at(w.end)
	}
	if w.start != nil && *w.start != 0 {
		start = at(w.start)
	} else {
		start = end.AddDate(0, 0, -365)
	}
	whole := end.UnixMicro() - start.UnixMicro()
	each := int64(math.RoundToEven(float64(whole) / float64(points)))
	for from := start.UnixMicro(); from+each <= end.UnixMicro() && len(starts) < points+1; from += each {
		starts = append(starts, time.UnixMicro(from).UTC())
	}
	return starts, time.Duration(each) * time.Microsecond, nil
}

// count counts the messages of each part of the window, for each combination of the values that split_on names.
func (req *request) count(c *chart, points int) error {
	starts, step, err := req.chartWindow(points)
	if err != nil {
		return err
	}
	for _, start := range starts {
		if req.truth("human_readable", true) {
			c.labels = append(c.labels, humanize(start, req.Now()))
		} else {
			c.labels = append(c.labels, start.Format(time.DateOnly))
		}
	}
	combinations, err := req.combinations()
	if err != nil {
		return err
	}
	for _, one := range combinations {
		counts := make([]int64, len(starts))
		for i, start := range starts {
			sel := one.selection
			sel.Since, sel.Until = start, start.Add(step)
			if len(one.contains) == 0 {
				counts[i], err = req.History.CountSelected(req.ctx, sel)
			} else {
				_, counts[i], err = req.search(query{selection: sel, contains: one.contains}, 0)
			}
			if err != nil {
				return err
			}
		}
		c.series = append(c.series, series{one.name, counts})
	}
	return nil
}

// A combination is what a series counts.
type combination struct {
	name      string
	selection history.Selection
	contains  []string
}

// parameterOf are the parameters that split_on names.
var parameterOf = map[string]string{"users": "user", "packages": "package", "categories": "category",
	"topics": "topic", "agents": "agent", "contains": "contains"}

// cutPrefix is left out of names.
const cutPrefix = "org.fedoraproject.prod."

// combinations splits the query by split_on.
func (req *request) combinations() ([]combination, error) {
	factors := []values{{}}
	names := []string{""}
	for _, on := range req.all("split_on") {
		parameter, known := parameterOf[on]
		if !known || req.Old && on == "agents" {
			return nil, badRequest("split_on must be one of users, packages, categories, topics, agents, contains")
		}
		if len(req.values[parameter]) == 0 {
			continue
		}
		var more []values
		var moreNames []string
		for i, f := range factors {
			for _, value := range req.values[parameter] {
				next := values{parameter: {value}}
				for name, list := range f {
					if name != parameter {
						next[name] = list
					}
				}
				more, moreNames = append(more, next), append(moreNames, strings.TrimPrefix(names[i]+" & "+value, " & "))
			}
		}
		if factors, names = more, moreNames; len(factors) > mostSeries {
			return nil, badRequest(fmt.Sprintf("split_on makes more than %d series", mostSeries))
		}
	}
	all := make([]combination, len(factors))
	for i, f := range factors {
		own := req.withValues(f)
		all[i] = combination{name: strings.TrimPrefix(names[i], cutPrefix), selection: own.selection(),
			contains: own.all("contains")}
		if len(f) == 0 {
			all[i].name = "events"
		}
	}
	return all, nil
}

// withValues gives the request with some parameters replaced.
func (req *request) withValues(f values) *request {
	own := *req
	own.values = make(values, len(req.values))
	for name, list := range req.values {
		own.values[name] = list
	}
	for name, list := range f {
		own.values[name] = list
	}
	return &own
}
