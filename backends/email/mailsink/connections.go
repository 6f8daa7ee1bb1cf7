package mailsink

import "net"

// countingListener numbers connections and holds back those over the bound until one ends.
type countingListener struct {
	net.Listener
	sink *Sink
}

// numbered is a connection that knows its ordinal and tells the sink when it is closed.
type numbered struct {
	net.Conn
	ordinal int
	sink    *Sink
}

func (l *countingListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if n := l.sink.register(c); n != nil {
			return n, nil
		}
		c.Close() // over the bound: a client retries, a flood gets nothing
	}
}

func (s *Sink) register(c net.Conn) *numbered {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= maxConnections {
		return nil
	}
	s.connections++
	n := &numbered{Conn: c, ordinal: s.connections, sink: s}
	s.open[n] = true
	return n
}

// Close closes the connection and forgets it.
func (n *numbered) Close() error {
	n.sink.mu.Lock()
	delete(n.sink.open, n)
	n.sink.mu.Unlock()
	return n.Conn.Close()
}

// CutConnections closes every open connection without a word, as a crashing server does. The sink goes on listening.
func (s *Sink) CutConnections() {
	s.mu.Lock()
	var open []net.Conn
	for c := range s.open {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}

// OpenConnections is how many connections are open now.
func (s *Sink) OpenConnections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}
