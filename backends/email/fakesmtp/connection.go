package fakesmtp

import "net"

// listener numbers connections and closes those over the bound.
type listener struct {
	net.Listener
	server *Server
}

// connection is one client's. It leaves the server's list when it is closed.
type connection struct {
	net.Conn
	number int
	server *Server
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if n := l.server.register(c); n != nil {
			return n, nil
		}
		c.Close() // over the bound: a client retries, a flood gets nothing
	}
}

func (s *Server) register(c net.Conn) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= maxConnections {
		return nil
	}
	s.connections++
	n := &connection{Conn: c, number: s.connections, server: s}
	s.open[n.number] = n
	return n
}

// Close closes the connection and takes it from the server's list.
func (c *connection) Close() error {
	c.server.mu.Lock()
	delete(c.server.open, c.number)
	c.server.mu.Unlock()
	return c.Conn.Close()
}

// CutConnections closes every open connection without a word, as a crashing server does. The server goes on listening.
func (s *Server) CutConnections() {
	s.mu.Lock()
	var open []net.Conn
	for _, c := range s.open {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}

// OpenConnections is how many connections are open now.
func (s *Server) OpenConnections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

func (s *Server) isOpen(number int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[number] != nil
}
