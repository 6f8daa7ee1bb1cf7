package datagrepper

import "math"

// pie draws a slice for each series: its share of what all series count in the window. datagrepper has no such chart.
func (d *drawing) pie(paper string) {
	sums, all := make([]int64, len(d.chart.series)), int64(0)
	for i, s := range d.chart.series {
		for _, n := range s.counts {
			sums[i] += n
		}
		all += sums[i]
	}
	x, y := (d.left+d.right)/2, (d.top+d.bottom)/2
	r := max(1, min(d.right-d.left, d.bottom-d.top)/2)
	before := int64(0)
	for i, n := range sums {
		d.print(`<g class="series serie-%d" fill="%s" stroke="%s">`+"\n", i, colors[i%len(colors)], paper)
		switch n {
		case 0:
		case all: // an arc that ends where it begins is none
			d.print(`<circle class="slice" cx="%.1f" cy="%.1f" r="%.1f"/>`+"\n", x, y, r)
		default:
			d.slice(x, y, r, float64(before)/float64(all), float64(before+n)/float64(all))
		}
		d.print(`<desc class="value">%d</desc>`+"\n</g>\n", n)
		before += n
	}
}

// slice draws the part of a circle between two shares of it, clockwise from the top.
func (d *drawing) slice(x, y, r, from, to float64) {
	at := func(share float64) (float64, float64) {
		sin, cos := math.Sincos(2 * math.Pi * share)
		return x + r*sin, y - r*cos
	}
	large := 0
	if to-from > 0.5 {
		large = 1
	}
	fromX, fromY := at(from)
	toX, toY := at(to)
	d.print(`<path class="slice" d="M%.1f %.1fL%.1f %.1fA%.1f %.1f 0 %d 1 %.1f %.1fZ"/>`+"\n", x, y, fromX, fromY, r, r,
		large, toX, toY)
}
