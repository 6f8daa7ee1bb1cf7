package datagrepper

import (
	"bytes"
	"net/http"
	"time"
)

// A written is an answer that waits until the request has given back its place among those that read the database: a
// client that reads slowly must not keep others from asking.
type written struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (a *written) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *written) Write(text []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(text)
}

// The bounds on answers on their way to clients. Those that fit into the buffers of a connection need no place.
const (
	smallAnswer = 64 << 10 // bytes
	mostAnswers = 24       // larger ones
)

// send sends the answer. It is false where too many large ones are on their way.
func (a *written) send(places chan struct{}) bool {
	if a.body.Len() > smallAnswer {
		wait := time.NewTimer(mostWait)
		defer wait.Stop()
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		case <-wait.C:
			return false
		}
	}
	if a.status != 0 {
		a.ResponseWriter.WriteHeader(a.status)
		_, _ = a.ResponseWriter.Write(a.body.Bytes()) // an error means that the client has left
	}
	return true
}
