package datagrepper

import (
	"fmt"
	"strconv"
	"strings"
)

// series draws one series, with its values as descriptions.
func (d *drawing) series(at int) {
	color := colors[at%len(colors)]
	d.print(`<g class="series serie-%d" fill="%s" stroke="%s">`+"\n", at, color, color)
	switch d.kind {
	case "line", "stackedline", "xy", "gauge", "dot":
		d.line(at)
	default:
		d.bars(at)
	}
	d.print("</g>\n")
}

// below sums what the series before this one have at a place, in a stacked chart.
func (d *drawing) below(at, i int) int64 {
	sum := int64(0)
	if d.stacked() {
		for _, s := range d.chart.series[:at] {
			sum += s.counts[i]
		}
	}
	return sum
}

// value writes a count as pygal does for the kind of chart.
func (d *drawing) value(at, i int) {
	n := d.chart.series[at].counts[i]
	text := strconv.FormatInt(n, 10)
	switch {
	case d.kind == "xy":
		text += ": 0"
	case d.kind == "stackedline" && at > 0:
		text = fmt.Sprintf("%d (+%d)", d.below(at, i)+n, n)
	}
	d.print(`<desc class="value">%s</desc>`+"\n", text)
}

// line draws a line with dots. A chart of dots has no line, and larger dots for larger counts.
func (d *drawing) line(at int) {
	var path strings.Builder
	var xs, ys []float64
	for i, n := range d.chart.series[at].counts {
		xs = append(xs, d.left+d.place(i)*(d.right-d.left))
		ys = append(ys, d.bottom-d.share(d.below(at, i)+n)*(d.bottom-d.top))
		switch {
		case i == 0:
			fmt.Fprintf(&path, "M%.1f %.1f", xs[i], ys[i])
		case d.smooth:
			middle := (xs[i-1] + xs[i]) / 2
			fmt.Fprintf(&path, "C%.1f %.1f %.1f %.1f %.1f %.1f", middle, ys[i-1], middle, ys[i], xs[i], ys[i])
		default:
			fmt.Fprintf(&path, "L%.1f %.1f", xs[i], ys[i])
		}
	}
	if d.kind != "dot" && len(xs) > 0 {
		fill := "none"
		if d.fill {
			fill = colors[at%len(colors)] + `" fill-opacity="0.4`
			fmt.Fprintf(&path, "V%.1fH%.1fZ", d.bottom, xs[0])
		}
		d.print(`<path class="line" d="%s" fill="%s" stroke-width="2"/>`+"\n", path.String(), fill)
	}
	if !d.dots {
		return
	}
	for i := range xs {
		y, r := ys[i], 3.0
		if d.kind == "dot" {
			y = d.top + (float64(at)+0.5)*(d.bottom-d.top)/float64(len(d.chart.series))
			r = 2 + 18*d.share(d.chart.series[at].counts[i])
		}
		d.print(`<g class="dots"><circle class="dot" cx="%.1f" cy="%.1f" r="%.1f"/>`, xs[i], y, r)
		d.value(at, i)
		d.print("</g>\n")
	}
}

// bars draws bars: upright, lying, beside each other, on each other, or with their middle on a line.
func (d *drawing) bars(at int) {
	along, across := d.right-d.left, d.bottom-d.top
	if d.horizontal() {
		along, across = across, along
	}
	counts := d.chart.series[at].counts
	room := along / float64(max(len(counts), 1)) * 0.8
	broad, shift := room, 0.0
	if !d.stacked() {
		broad = room / float64(len(d.chart.series))
		shift = broad * float64(at)
	}
	for i, n := range counts {
		from := d.share(d.below(at, i)) * across
		length := d.share(d.below(at, i)+n)*across - from
		if d.kind == "funnel" || strings.HasSuffix(d.kind, "pyramid") {
			from = (across - length) / 2
		}
		begin := d.place(i)*along - room/2 + shift
		x, y, w, h := d.left+begin, d.bottom-from-length, broad, length
		if d.horizontal() {
			x, y, w, h = d.left+from, d.bottom-begin-broad, length, broad
		}
		d.print(`<g class="bar"><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" stroke="none"/>`, x, y, w, h)
		d.value(at, i)
		d.print("</g>\n")
	}
}
