package bus

import "time"

// Drops of one reason are logged when they begin, once a minute while they go on, and once in each of these minutes
// when there have been none for a while. So a flood of drops makes few lines, and the last one gives its true total.
const (
	dropsLogged = time.Minute
	dropsCalm   = 2 * time.Second
)

// drops are the drops of one reason.
type drops struct {
	total  uint64
	told   uint64    // the total that the log has given last
	looked uint64    // the total when it was looked at last
	minute time.Time // when the current minute began, with a line
	calmed bool      // a line has said that they are over, in this minute
}

// A dropLine is a line to be logged.
type dropLine struct {
	reason string
	total  uint64
}

// Dropped counts a frame that is not handed over, and logs it now or later.
func (m *Meter) Dropped(reason string) {
	m.mu.Lock()
	d := m.drops[reason]
	if d == nil {
		d = &drops{}
		m.drops[reason] = d
	}
	d.total++
	var lines []dropLine
	if now := m.now(); now.Sub(d.minute) >= dropsLogged {
		lines = append(lines, d.begin(reason, now))
	}
	if m.look == nil && d.told < d.total && !m.ended {
		m.look = time.AfterFunc(dropsCalm, m.lookAtDrops)
	}
	m.mu.Unlock()
	m.logDrops(lines)
}

// begin begins a minute with a line.
func (d *drops) begin(reason string, now time.Time) dropLine {
	d.minute, d.calmed = now, false
	return d.tell(reason)
}

func (d *drops) tell(reason string) dropLine {
	d.told = d.total
	return dropLine{reason, d.total}
}

// lookAtDrops logs the totals that are due, and comes again while some are not logged.
func (m *Meter) lookAtDrops() {
	m.mu.Lock()
	if m.ended {
		m.mu.Unlock()
		return
	}
	now := m.now()
	var lines []dropLine
	m.look = nil
	for reason, d := range m.drops {
		calm := d.looked == d.total
		d.looked = d.total
		switch {
		case d.told == d.total:
		case now.Sub(d.minute) >= dropsLogged:
			lines = append(lines, d.begin(reason, now))
		case calm && !d.calmed:
			d.calmed = true
			lines = append(lines, d.tell(reason))
		case m.look == nil:
			m.look = time.AfterFunc(dropsCalm, m.lookAtDrops)
		}
	}
	m.mu.Unlock()
	m.logDrops(lines)
}

// Ended says that Run returns: no frames can come, and every total that the log lacks is logged.
func (m *Meter) Ended() {
	m.mu.Lock()
	m.traffic.Connected, m.ended = false, true
	if m.look != nil {
		m.look.Stop()
		m.look = nil
	}
	var lines []dropLine
	for reason, d := range m.drops {
		if d.told < d.total {
			lines = append(lines, d.tell(reason))
		}
	}
	m.mu.Unlock()
	m.logDrops(lines)
}

func (m *Meter) logDrops(lines []dropLine) {
	for _, l := range lines {
		m.log.Warn("messages dropped", "reason", l.reason, "total", l.total)
	}
}
