package desktop

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// The bounds on what a server may send.
const (
	maxLine  = 1 << 20 // bytes
	maxEvent = 2 << 20 // bytes of data in one event
	maxError = 300     // bytes of an error's text that are logged
)

// read makes one connection and hands its events on, until it breaks or ctx ends. got says that it carried something,
// a heartbeat at least. The error is never nil.
func (a *Agent) read(ctx context.Context, events chan<- Event) (got bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := a.open(ctx)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	a.cfg.Log.Info("connected", "server", a.stream.Host)
	silent := fmt.Errorf("nothing came for %v", a.cfg.Silence)
	watchdog := time.AfterFunc(a.cfg.Silence, func() { cancel(silent) })
	defer watchdog.Stop()
	p := parser{in: bufio.NewReaderSize(resp.Body, 16<<10), alive: func() { watchdog.Reset(a.cfg.Silence); got = true }}
	for {
		e, err := p.next()
		if err != nil {
			return got, first(context.Cause(ctx), err)
		}
		if len(e.ID) > maxState || !eventID(e.ID) {
			return got, errors.New("the server sent an event without a usable id")
		}
		watchdog.Stop() // while the person's screen is slow, that is no fault of the server
		select {
		case events <- e:
			watchdog.Reset(a.cfg.Silence)
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// open asks for the stream and checks that it is one.
func (a *Agent) open(ctx context.Context) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.stream.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+a.cfg.Token)
	req.Header.Set("User-Agent", "notifyd-desktop")
	if a.last != "" {
		req.Header.Set("Last-Event-ID", a.last)
	}
	resp, err := a.cfg.Client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the URL
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err := check(resp); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// check says what is wrong with an answer that is no stream.
func check(resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return ErrToken
	case resp.StatusCode/100 == 3:
		return fmt.Errorf("the server answered %d and another address, which is not followed: "+
			"give the right one with --server", resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxError)) // more words for the same error
		return fmt.Errorf("the server answered %d: %q", resp.StatusCode, bytes.TrimSpace(text))
	case kind != "text/event-stream":
		return fmt.Errorf("the server answered with %q, not with a stream of events", text.ElideBytes(kind, 80))
	}
	return nil
}

// A parser reads server-sent events (WHATWG HTML Living Standard, 9.2.6), within bounds. Events without data are
// skipped, as the standard says. The retry field is not used: the delay is the agent's own.
type parser struct {
	in    *bufio.Reader
	alive func() // called for each line
	id    string // the last one seen stays
	skip  bool   // the line feed of a line that ended in CR LF
}

// next gives the next event. The error is io.EOF, or says what is wrong with the stream.
func (p *parser) next() (Event, error) {
	e := Event{Type: "message"}
	var data []byte
	for {
		line, err := p.line()
		if err != nil {
			return Event{}, err
		}
		p.alive()
		if len(line) == 0 {
			if data == nil {
				e.Type = "message"
				continue
			}
			e.ID, e.Data = p.id, data[:len(data)-1]
			return e, nil
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			e.Type = string(value)
		case "id":
			if !bytes.ContainsRune(value, 0) {
				p.id = string(value)
			}
		case "data":
			data = append(append(data, value...), '\n')
		}
		if len(data) > maxEvent {
			return Event{}, fmt.Errorf("an event is longer than %d bytes", maxEvent)
		}
	}
}

// line gives the next line without its end, which is CR, LF or CR LF.
func (p *parser) line() ([]byte, error) {
	var line []byte
	for {
		c, err := p.in.ReadByte()
		if err != nil {
			return nil, err
		}
		skip := p.skip
		p.skip = false
		switch {
		case c == '\n' && skip:
		case c == '\n' || c == '\r':
			p.skip = c == '\r'
			return line, nil
		default:
			line = append(line, c)
		}
		if len(line) > maxLine {
			return nil, fmt.Errorf("a line is longer than %d bytes", maxLine)
		}
	}
}
