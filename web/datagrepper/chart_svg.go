package datagrepper

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// draw writes the chart as SVG, with the classes of pygal's charts: programs that read those find the values. Nothing
// in it runs, and it loads nothing.
func (c *chart) draw() []byte {
	d := &drawing{chart: c, left: 60, top: 50, right: float64(c.width) - 140, bottom: float64(c.height) - 90}
	d.most = 1
	for i := range c.labels {
		sum := int64(0)
		for _, s := range c.series {
			sum += s.counts[i]
			if !c.stacked() {
				d.most = max(d.most, s.counts[i])
			}
		}
		if c.stacked() {
			d.most = max(d.most, sum)
		}
	}
	ink, paper := "#333", "#fff"
	if c.dark {
		ink, paper = "#ddd", "#222"
	}
	d.print(`<?xml version="1.0" encoding="utf-8"?>`+"\n"+
		`<svg xmlns="http://www.w3.org/2000/svg" class="pygal-chart" viewBox="0 0 %d %d" font-family="sans-serif">`+"\n",
		c.width, c.height)
	d.print(`<g class="graph %s-graph"><rect class="background" width="%d" height="%d" fill="%s"/>`+"\n", c.kind,
		c.width, c.height, paper)
	d.print(`<g class="plot" fill="%s" font-size="11">`+"\n", ink)
	if c.kind == "pie" {
		d.pie(paper)
	} else {
		d.axes(ink)
		for i := range c.series {
			d.series(i)
		}
	}
	d.print("</g>\n")
	d.legend(ink)
	d.print("</g>\n</svg>\n")
	return d.out.Bytes()
}

func (c *chart) stacked() bool { return strings.Contains(c.kind, "stacked") }

func (c *chart) horizontal() bool { return strings.HasPrefix(c.kind, "horizontal") }

// A drawing is a chart under way. The plot lies between its sides.
type drawing struct {
	*chart
	out                      bytes.Buffer
	left, top, right, bottom float64
	most                     int64
}

func (d *drawing) print(format string, values ...any) { fmt.Fprintf(&d.out, format, values...) }

// text writes a text, escaped.
func (d *drawing) text(x, y float64, class, more, s string) {
	d.print(`<text x="%.1f" y="%.1f"`, x, y)
	if class != "" {
		d.print(` class="%s"`, class)
	}
	d.print(`%s>`, more)
	_ = xml.EscapeText(&d.out, []byte(s)) // a buffer takes all
	d.print("</text>\n")
}

// share gives how high a count stands, from 0 to 1.
func (d *drawing) share(n int64) float64 {
	if d.logarithmic {
		return math.Log1p(float64(n)) / math.Log1p(float64(d.most))
	}
	return float64(n) / float64(d.most)
}

// place gives where the middle of a part of the window lies on its axis, from 0 to 1.
func (d *drawing) place(i int) float64 { return (float64(i) + 0.5) / float64(max(len(d.labels), 1)) }

// axes writes the labels: the times below and the counts at the left, or the other way round.
func (d *drawing) axes(ink string) {
	d.print(`<path d="M%.1f %.1fV%.1fH%.1f" stroke="%s" fill="none"/>`+"\n", d.left, d.top, d.bottom, d.right, ink)
	times, counts := d.labels, scale(d.most)
	if d.kind == "funnel" {
		times = times[:min(1, len(times))]
	}
	if d.xLabels {
		d.print("<g class=\"axis x\">\n")
		if d.horizontal() {
			for _, n := range counts {
				d.text(d.left+d.share(n)*(d.right-d.left), d.bottom+16, "", ` text-anchor="middle"`, strconv.FormatInt(n, 10))
			}
		} else {
			for i, label := range times {
				x, y := d.left+d.place(i)*(d.right-d.left), d.bottom+14
				d.text(x, y, "", fmt.Sprintf(` transform="rotate(45 %.1f %.1f)"`, x, y), label)
			}
		}
		d.print("</g>\n")
	}
	if d.yLabels {
		d.print("<g class=\"axis y\">\n")
		if d.horizontal() {
			for i, label := range times {
				d.text(d.left-4, d.bottom-d.place(i)*(d.bottom-d.top), "", ` text-anchor="end"`, label)
			}
		} else {
			for _, n := range counts {
				d.text(d.left-4, d.bottom-d.share(n)*(d.bottom-d.top), "", ` text-anchor="end"`, strconv.FormatInt(n, 10))
			}
		}
		d.print("</g>\n")
	}
}

// scale gives round numbers from 0 to most: at most 17 of them.
func scale(most int64) []int64 {
	order := math.Round(math.Log10(float64(most))) - 1
	for order > 0 && float64(most)/math.Pow(10, order) < 4 {
		order--
	}
	step := int64(math.Pow(10, max(order, 0)))
	for most/step > 16 {
		step *= 2
	}
	var all []int64
	for n := int64(0); n <= most; n += step {
		all = append(all, n)
	}
	return all
}

// colors are those of the series, told apart also by people who do not see all colours (Okabe and Ito, 2008).
var colors = []string{"#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#f0e442", "#999999"}

// legend writes the title and the names of the series.
func (d *drawing) legend(ink string) {
	if d.title != "" {
		d.print(`<g class="titles" fill="%s" font-size="16">`+"\n", ink)
		d.text(float64(d.width)/2, 26, "title plot_title", ` text-anchor="middle"`, d.title)
		d.print("</g>\n")
	}
	d.print(`<g class="legends" fill="%s" font-size="12">`+"\n", ink)
	for i, s := range d.chart.series {
		y := d.top + 18*float64(i)
		d.print(`<g class="legend"><rect x="%.1f" y="%.1f" width="11" height="11" fill="%s"/>`+"\n", d.right+10, y,
			colors[i%len(colors)])
		d.text(d.right+26, y+10, "", "", s.name)
		d.print("</g>\n")
	}
	d.print("</g>\n")
}
