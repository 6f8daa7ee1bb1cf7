package backlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/backoff"
)

const (
	rowsPerPage = 100       // the most that datagrepper gives
	maxAnswer   = 32 << 20  // bytes
	maxPages    = 10_000    // of one slice
	slice       = time.Hour // what is asked for at once: deep pages of long times are slow
	overlap     = time.Second
	maxPause    = 10 * time.Second // of those that the server asks for
	maxRefused  = 5                // times in succession that it asks for one
)

// A Datagrepper asks datagrepper for messages by time: GET /raw?start=…&end=…&order=asc&rows_per_page=100&page=1.
type Datagrepper struct {
	base   string
	config Config
	now    func() time.Time
	client *http.Client
}

// NewDatagrepper makes one for a Config that has been checked.
func NewDatagrepper(c Config, now func() time.Time) *Datagrepper {
	base := strings.TrimSuffix(c.Datagrepper, "/")
	if !strings.HasSuffix(base, "/raw") {
		base += "/raw"
	}
	return &Datagrepper{
		base: base, config: c, now: now, client: &http.Client{Timeout: c.Timeout, CheckRedirect: noDowngrade},
	}
}

// noDowngrade follows few redirects, and none from https to http.
func noDowngrade(to *http.Request, via []*http.Request) error {
	if len(via) > 3 || via[0].URL.Scheme == "https" && to.URL.Scheme != "https" {
		return errors.New("a redirect that is not followed")
	}
	return nil
}

// Name is "datagrepper".
func (d *Datagrepper) Name() string { return "datagrepper" }

// Fetch asks for the time of h and a margin on both sides, in slices. It is too early while the margin is not over.
func (d *Datagrepper) Fetch(ctx context.Context, h bus.Hole, page func(bus.Page) error) error {
	since, until := h.Since.Add(-d.config.Margin), h.Until.Add(d.config.Margin)
	if oldest := d.now().Add(-d.config.Window); since.Before(oldest) {
		since = oldest
	}
	for from := since; from.Before(until); from = from.Add(slice) {
		to := from.Add(slice)
		if to.After(until) {
			to = until
		}
		if err := d.fetchSlice(ctx, from.Add(-overlap), to, page); err != nil {
			return fmt.Errorf("datagrepper: %w", err)
		}
		if to.Before(until) && to.Before(d.now().Add(-2*d.config.Margin)) {
			if err := page(bus.Page{Reached: to.Add(d.config.Margin)}); err != nil {
				return err
			}
		}
	}
	if d.now().Before(until) {
		return bus.ErrTooEarly
	}
	return nil
}

// fetchSlice asks for all pages of a time. When an answer is too large it begins again with smaller pages.
func (d *Datagrepper) fetchSlice(ctx context.Context, from, to time.Time, page func(bus.Page) error) error {
	for rows := rowsPerPage; ; rows /= 10 {
		err := d.fetchPages(ctx, from, to, rows, page)
		if !errors.Is(err, errTooLarge) || rows == 1 {
			return err
		}
	}
}

func (d *Datagrepper) fetchPages(ctx context.Context, from, to time.Time, rows int, page func(bus.Page) error) error {
	for n := 1; n <= maxPages*rowsPerPage/rows; n++ {
		answer, err := d.get(ctx, from, to, rows, n)
		if err != nil {
			return err
		}
		got, err := bus.ReadDatagrepper(answer)
		if err != nil {
			return err
		}
		if len(got.Frames) > 0 {
			if err := page(bus.Page{Frames: got.Frames}); err != nil {
				return err
			}
		}
		if n >= got.Pages || len(got.Frames)+got.Broken == 0 {
			return nil
		}
	}
	return errors.New("pages without end")
}

// errTooLarge is for an answer over maxAnswer.
var errTooLarge = errors.New("an answer over the size limit")

// get asks for one page. Where the server says that it is asked too much, and when to come again, it does so.
func (d *Datagrepper) get(ctx context.Context, from, to time.Time, rows, n int) ([]byte, error) {
	for refused := 0; ; refused++ {
		answer, err := d.ask(ctx, from, to, rows, n)
		var busy errBusy
		if refused == maxRefused || !errors.As(err, &busy) || busy.pause > maxPause {
			return answer, err
		}
		if !backoff.Sleep(ctx, busy.pause) {
			return nil, ctx.Err()
		}
	}
}

// errBusy is for an answer that says when to ask again.
type errBusy struct {
	status string
	pause  time.Duration
}

func (e errBusy) Error() string { return "it answers " + e.status }

// failure makes an error of an answer that is no page.
func failure(response *http.Response) error {
	busy := response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable
	seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 16)
	if !busy || err != nil {
		return fmt.Errorf("it answers %s", response.Status)
	}
	return errBusy{response.Status, time.Duration(seconds) * time.Second}
}

// ask asks for one page, once.
func (d *Datagrepper) ask(ctx context.Context, from, to time.Time, rows, n int) ([]byte, error) {
	query := url.Values{
		"start": {strconv.FormatInt(from.Unix(), 10)}, "end": {strconv.FormatInt(to.Unix()+1, 10)}, "order": {"asc"},
		"rows_per_page": {strconv.Itoa(rows)}, "page": {strconv.Itoa(n)},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "notifyd")
	response, err := d.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, failure(response)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(answer) > maxAnswer:
		return nil, errTooLarge
	}
	return answer, nil
}
