package irc

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
)

// Who is not there gets nothing, and a line to them is a waste: it costs the pace, and on some servers a penalty. So
// whoever was found missing is watched for, by MONITOR (IRCv3) where the server has it and has room, else by ISON now
// and then. What is owed stays in the outbox: this is only what we know, and it may be forgotten at any time.

const (
	maxWatched    = 1000
	isonEvery     = 45 * time.Second
	recountEvery  = 5 * time.Minute
	watchBytes    = 380             // of nicks in one line
	returnedAfter = 2 * time.Second // to log in to services
	maxReturned   = 1000
)

// presence is what is known of who is there. It outlives connections.
type presence struct {
	mu       sync.Mutex
	nicks    map[string]*watched // by folded nick
	monitor  int                 // how many nicks the server watches; 0: it cannot
	returned chan arrival
}

// An arrival is a nick that is there again, folded.
type arrival struct {
	nick string
	at   time.Time
}

// A watched is a nick that is watched for.
type watched struct {
	nick      string
	missing   bool // it is not there, as far as is known
	monitored bool
}

func newPresence() *presence {
	return &presence{nicks: map[string]*watched{}, returned: make(chan arrival, maxReturned)}
}

// away reports whether a nick is known not to be there.
func (p *presence) away(nick string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.nicks[nick]
	return w != nil && w.missing
}

// missing notes that a nick is not there. It reports whether the server is to be asked to watch for it.
func (p *presence) missing(folded, nick string) (monitor bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.nicks[folded]
	if w == nil {
		if len(p.nicks) >= maxWatched {
			return false
		}
		w = &watched{nick: nick}
		p.nicks[folded] = w
	}
	w.missing = true
	if w.monitored || p.watching() >= p.monitor {
		return false
	}
	w.monitored = true
	return true
}

// watching counts the nicks that the server watches. The caller holds the lock.
func (p *presence) watching() (count int) {
	for _, w := range p.nicks {
		if w.monitored {
			count++
		}
	}
	return count
}

// here notes that a nick is there: what waits for it may go.
func (p *presence) here(folded string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.nicks[folded]; w != nil {
		w.missing = false
		p.arrive(folded)
	}
}

// arrive has what waits for a nick go.
func (p *presence) arrive(folded string) {
	select {
	case p.returned <- arrival{nick: folded, at: time.Now()}:
	default: // it goes when its time has come
	}
}

// gone notes that a nick has left.
func (p *presence) gone(folded string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.nicks[folded]; w != nil {
		w.missing = true
	}
}

// unmonitored notes that the server does not watch a nick (734): ISON does.
func (p *presence) unmonitored(folded string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.nicks[folded]; w != nil {
		w.monitored = false
	}
}

// forget ends the watch for a nick. It reports whether the server is to be told.
func (p *presence) forget(folded string) (monitored bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.nicks[folded]
	delete(p.nicks, folded)
	return w != nil && w.monitored
}

// begin is for a new connection: nobody is known to be missing, and the server is to watch for the nicks that it gives.
func (p *presence) begin(monitor int) (nicks []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.monitor = monitor
	for _, w := range p.nicks {
		w.missing, w.monitored = false, len(nicks) < monitor
		if w.monitored {
			nicks = append(nicks, w.nick)
		}
	}
	return nicks
}

// others are the nicks that the server does not watch.
func (p *presence) others() (nicks []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.nicks {
		if !w.monitored {
			nicks = append(nicks, w.nick)
		}
	}
	return nicks
}

// linesOfNicks joins nicks to parameters that fit in a line.
func linesOfNicks(nicks []string, separator string) (lines []string) {
	line := ""
	for _, nick := range nicks {
		if line != "" && len(line)+len(nick) > watchBytes {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += separator
		}
		line += nick
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// watch keeps up what is known of who is there, until the connection ends. The server is to watch for some nicks.
func (n *network) watch(s *session, nicks []string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, line := range linesOfNicks(nicks, ",") {
		if n.pace(ctx) != nil || s.conn.Send("MONITOR", "+", line) != nil {
			return
		}
	}
	n.askWho(ctx, s)
	n.regain(ctx, s)
	tick := time.NewTicker(isonEvery)
	defer tick.Stop()
	counted := time.NewTicker(recountEvery)
	defer counted.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-tick.C:
			n.askWho(ctx, s)
			n.regain(ctx, s)
		case <-counted.C:
			n.recount(ctx, s)
		case who := <-n.presence.returned:
			n.tellReturned(s, who)
		}
	}
}

// askWho asks after those whom the server does not watch for.
func (n *network) askWho(ctx context.Context, s *session) {
	for _, line := range linesOfNicks(n.presence.others(), " ") {
		n.ask(ctx, s, strings.Fields(line)...)
	}
}

// ask asks which nicks are there, and notes it. Where there is no answer nothing is learned. It reports whether all of
// them are there, as far as is known.
func (n *network) ask(ctx context.Context, s *session, nicks ...string) (all bool) {
	if n.pace(ctx) != nil {
		return true
	}
	replies, err := s.exchange(ctx, "", "ISON", nicks...)
	if err != nil {
		return true
	}
	all = true
	casing, found, answered := n.casing(), map[string]bool{}, false
	for _, m := range replies {
		if m.Command == "303" && len(m.Params) > 1 {
			answered = true
			for nick := range strings.FieldsSeq(m.Params[len(m.Params)-1]) {
				found[casing.fold(nick)] = true
			}
		}
	}
	for _, nick := range nicks {
		if folded := casing.fold(nick); found[folded] || !answered {
			n.presence.here(folded)
		} else {
			n.presence.gone(folded)
			all = false
		}
	}
	return all
}

// tellReturned has the outbox send what waits for a nick. It gives the person a moment to log in to services.
func (n *network) tellReturned(s *session, who arrival) {
	late := time.NewTimer(time.Until(who.at.Add(returnedAfter)))
	defer late.Stop()
	select {
	case <-s.done:
		return
	case <-late.C:
	}
	if n.back == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	for _, address := range s.addressesOf(n.casing(), who.nick) {
		if err := n.back(ctx, address+"@"+n.config.Name); err != nil {
			n.log.Error("cannot send what waited for a nick that is back", "error", err)
		}
	}
}

// monitored reads 730 and 731, who is there and who is not, and 734, whom the server does not watch for.
func (n *network) monitored(m ircmsg.Message) {
	if len(m.Params) < 2 {
		return
	}
	casing, list := n.casing(), m.Params[1]
	if m.Command == "734" && len(m.Params) > 2 { // me, limit, nicks, text
		list = m.Params[2]
	}
	for who := range strings.SplitSeq(list, ",") {
		nick, _, _ := strings.Cut(who, "!")
		switch folded := casing.fold(nick); m.Command {
		case "730":
			n.presence.here(folded)
		case "731":
			n.presence.gone(folded)
		default:
			n.presence.unmonitored(folded)
		}
	}
}

// monitors is how many nicks the server watches for; 0: none.
func (s *session) monitors() int {
	value, has := s.feature("MONITOR")
	if !has {
		return 0
	}
	most, err := strconv.Atoi(value)
	if err != nil || most > maxWatched {
		return maxWatched // no value says that there is no limit
	}
	return max(most, 0)
}
