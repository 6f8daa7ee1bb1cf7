package zmq

import "time"

// pause says that nothing will be read until resume is called, because we wait ourselves. Meanwhile PINGs tell the peer
// that we are there: libzmq takes whatever it receives for a sign of life. The time does not count as the peer's
// silence.
func (c *zmtpConn) pause() (resume func()) {
	began := c.now()
	stop := func() {}
	if every := c.limits.heartbeat; every > 0 {
		stop = c.beat(every)
	}
	return func() {
		stop()
		c.excuse(c.now().Sub(began))
	}
}

// stopped is the lateness by which Read knows that this process was stopped or suspended, not the peer silent. What the
// peer has sent meanwhile may lie in the socket, and Read looks for as long again.
const stopped = time.Second

// excuse moves all that the deadlines count from.
func (c *zmtpConn) excuse(d time.Duration) {
	for _, t := range []*time.Time{&c.lastByte, &c.lastPing, &c.lastMessage, &c.messageBegan, &c.handshakeBy} {
		if !t.IsZero() {
			*t = t.Add(d)
		}
	}
}

// beat sends a PING after each interval until stop is called. If the peer is gone, reading will show it.
func (c *zmtpConn) beat(every time.Duration) (stop func()) {
	stopped, ended := make(chan struct{}), make(chan struct{})
	timer := time.AfterFunc(every, func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			_, _ = c.writeWhole(ping)
			select {
			case <-tick.C:
			case <-stopped:
				return
			}
		}
	})
	return func() {
		if !timer.Stop() {
			close(stopped)
			<-ended
		}
	}
}
