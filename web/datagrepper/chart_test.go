package datagrepper_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestChartsAreSVG draws every kind, of much and of nothing, with texts that are markup: each is well-formed XML in
// which nothing runs.
func TestChartsAreSVG(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		store := load(t, d, small())
		for _, kind := range strings.Fields("line stackedline xy bar horizontalbar stackedbar horizontalstackedbar funnel " +
			"pyramid verticalpyramid dot gauge pie") {
			for _, query := range []string{
				"", "delta=99&category=git&category=wiki&user=alice&user=bob&split_on=categories&split_on=users",
				"delta=99&user=" + url.QueryEscape("<script>") + "&user=x&split_on=users&title=" +
					url.QueryEscape(`"><script>`),
				"delta=0", "start=20&end=10", "delta=99&fill=yes&interpolation=cubic&logarithmic=1&style=dark&width=1&height=9",
				"delta=99&category=git&contains=fix",
			} {
				a := ask(t, store, question{target: "/charts/" + kind + "?" + query})
				if a.status != http.StatusOK || strings.Contains(a.body, "<script") || strings.Contains(a.body, "NaN") ||
					strings.Contains(a.body, "Inf") {
					t.Errorf("%s %s: %d %s", kind, query, a.status, a.body)
				}
				wellFormed(t, a.body)
			}
		}
	})
}

// TestPie: each series is a slice, as large as its share of all messages of the window.
func TestPie(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		store := load(t, d, small())
		for query, slices := range map[string]int{
			"category=git&category=wiki&split_on=categories": 2,
			"category=git&category=none&split_on=categories": 1, // the whole
			"category=none": 0,
		} {
			a := ask(t, store, question{target: "/charts/pie?delta=99&" + query})
			if n := strings.Count(a.body, `class="slice"`); n != slices || a.status != http.StatusOK {
				t.Errorf("%s: %d slices, want %d; %d %s", query, n, slices, a.status, a.body)
			}
		}
	})
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Errorf("%v: %s", err, text)
			return
		}
	}
}
