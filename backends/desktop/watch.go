package desktop

import "sync"

// watchers are the readers that wait for something new.
type watchers struct {
	mu        sync.Mutex
	byAddress map[string]map[chan struct{}]bool
	closed    bool
}

// Watch gives a channel that gets a value after something was added to a feed by this process; several additions may
// be one value. It is closed when Run has ended. Call stop when done. Another process that adds to the same database
// is not noticed: ask After from time to time.
func (f *Feed) Watch(address string) (poke <-chan struct{}, stop func()) {
	w := &f.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	c := make(chan struct{}, 1)
	if w.closed {
		close(c)
		return c, func() {}
	}
	if w.byAddress[address] == nil {
		w.byAddress[address] = map[chan struct{}]bool{}
	}
	w.byAddress[address][c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.byAddress[address], c)
		if len(w.byAddress[address]) == 0 {
			delete(w.byAddress, address)
		}
	}
}

func (w *watchers) poke(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	for c := range w.byAddress[address] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (w *watchers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	for _, readers := range w.byAddress {
		for c := range readers {
			close(c)
		}
	}
}
