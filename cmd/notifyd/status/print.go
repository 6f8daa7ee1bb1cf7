package status

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// Print writes a report for people.
func (r *Report) Print(out io.Writer, now time.Time) error {
	p := &printer{tabwriter.NewWriter(out, 0, 8, 2, ' ', 0), now}
	for _, w := range r.Warnings {
		p.line("warning: %s", text.OneLine(w))
	}
	p.endpoints(r.Endpoints)
	p.backends(r.Backends)
	p.bridges(r.Bridges)
	p.services(r.Services)
	p.nodes(r.Nodes)
	p.line("")
	for _, d := range r.Down {
		p.line("DOWN: %s", text.OneLine(d))
	}
	if len(r.Down) == 0 {
		p.line("nothing is down")
	}
	return p.Flush()
}

type printer struct {
	*tabwriter.Writer
	now time.Time
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *printer) endpoints(all []Endpoint) {
	if len(all) == 0 {
		p.line("no endpoints")
		return
	}
	p.line("\nENDPOINT\tADDRESS\tSTATE\tLAST MESSAGE\tSINCE START")
	for _, e := range all {
		last := "none"
		if e.LastMessage != nil {
			last = p.ago(*e.LastMessage)
		}
		p.line("%s\t%s\t%s\t%s\t%.0f", text.OneLine(e.Name), text.OneLine(e.Address), e.State(), last, e.Received)
	}
}

func (p *printer) backends(all []Backend) {
	if len(all) == 0 {
		return
	}
	p.line("\nBACKEND\tSTATE")
	for _, b := range all {
		state := "ok"
		if b.Down {
			state = "down"
		}
		p.line("%s\t%s", text.OneLine(b.Name), state)
	}
}

func (p *printer) bridges(all []Bridge) {
	if len(all) == 0 {
		return
	}
	p.line("\nBRIDGE\tTO\tSTATE\tBEHIND\tSINCE START\tLOST")
	for _, b := range all {
		state, behind := "ok", "0"
		if !b.Up {
			state = "down"
		}
		if b.Behind > 0 {
			behind = fmt.Sprintf("%.0f (%s)", b.Behind, time.Duration(b.BehindSeconds)*time.Second)
		}
		p.line("%s\t%s\t%s\t%s\t%.0f\t%.0f", text.OneLine(b.Name), text.OneLine(b.To), state, behind, b.Sent, b.Lost)
	}
}

func (p *printer) services(all []Service) {
	if len(all) == 0 {
		return
	}
	p.line("\nSERVICE\tOF\tLAST SEEN\tUSUAL THIS HOUR\tSTATE")
	for _, s := range all {
		usual := "not known"
		if s.Usual.Weeks > 0 {
			usual = fmt.Sprintf("%.4g", s.Usual.PerHour)
		}
		p.line("%s\t%s\t%s\t%s\t%s", text.OneLine(s.Name), text.OneLine(s.Under), p.ago(s.Last), usual, s.State)
	}
}

func (p *printer) nodes(all []Node) {
	if len(all) == 0 {
		return
	}
	p.line("\nNODE\tVERSION\tSEEN\tSTATE\tDOES ALONE")
	for _, n := range all {
		state := "ok"
		switch {
		case n.Gone:
			state = "gone"
		case n.This:
			state = "ok (this one)"
		}
		p.line("%s\t%s\t%s\t%s\t%s", text.OneLine(n.Name), text.OneLine(n.Version), p.ago(n.Seen), state,
			text.OneLine(strings.Join(n.Holds, ", ")))
	}
}

// ago says how long ago something was, in its two largest units.
func (p *printer) ago(t time.Time) string {
	d := max(0, p.now.Sub(t))
	switch day := 24 * time.Hour; {
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm %ds ago", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%dh %dm ago", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd %dh ago", d/day, d%day/time.Hour)
	}
}
