package exectest

import (
	"bytes"
	"sync"
)

// A Log collects what goroutines and programs write, while a test reads it. The zero Log is empty.
type Log struct {
	most int // bytes; what came before more of them is forgotten. 0: no bound
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && l.text.Len() > l.most {
		l.text.Reset()
	}
	return l.text.Write(p)
}

// String gives what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
