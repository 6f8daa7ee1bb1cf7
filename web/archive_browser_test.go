package web_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/notifyd/notifyd/web"
	"github.com/notifyd/notifyd/web/datagrepper"
)

// TestBrowserShowsWidgetAndChart: a page of another site shows messages with the widget, as text and never as markup,
// and a chart as a picture.
func TestBrowserShowsWidgetAndChart(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "/notify")
	s.publish("2026-1", "org.example.prod.odd.thing", map[string]any{"text": "nothing"})
	s.publish("2026-2", "org.example.prod.odd.<img/src=x/onerror=document.title='run'>", map[string]any{})
	s.publish("2026-3", "org.example.prod.left.out", map[string]any{})
	options := s.options()
	handler, err := datagrepper.Handler(datagrepper.Options{History: s.history, Describe: s.meaning.Describe, Now: s.now,
		Log: slog.New(slog.DiscardHandler), URL: s.base + "/datagrepper", Origins: []string{".*"}})
	if err != nil {
		t.Fatal(err)
	}
	options.Archive = &web.Archive{Handler: handler, Public: true}
	if s.pages, err = web.Handler(options); err != nil {
		t.Fatal(err)
	}
	blog := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>blog</title><h1>My messages</h1>
<script id="datagrepper-widget" src="%[1]s/datagrepper/widget.js?css=true" data-rows_per_page="40"
    data-not_category="left"></script>
<img id="chart" src="%[1]s/datagrepper/charts/line?delta=86400&amp;N=4" alt=""
    onload="document.body.append('a chart, ' + (this.naturalWidth > 0) + ' wide')">`, s.base)
	}))
	t.Cleanup(blog.Close)
	do(t, tab, chromedp.Navigate(blog.URL))
	shows(t, tab, "odd thing")
	shows(t, tab, "a chart, true wide")
	said, err := chromedp.Run(tab, chromedp.Evaluate[string](
		`document.querySelectorAll('div#datagrepper-widget .message-card').length + ' cards, ' + document.title`))
	if err != nil || said != "2 cards, blog" {
		t.Errorf("%q, %v", said, err)
	}
}
