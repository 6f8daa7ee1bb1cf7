package http

import (
	"encoding/json"
	"fmt"
	nethttp "net/http"
	"strconv"
	"time"
)

// A problem is an answer that is no success, as problem details (RFC 9457).
type problem struct {
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Errors []fault `json:"errors,omitempty"`
	// IDs are those of the messages, also of those that have no other: with them it is safe to send again.
	IDs []string `json:"ids,omitempty"`

	after time.Duration // Retry-After, where it is not 0
}

// A fault is what is wrong with one message.
type fault struct {
	Line   int    `json:"line"` // from 1 on
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return fmt.Sprintf("%d: %s", p.Status, p.Detail) }

func problemOf(status int, format string, args ...any) *problem {
	return &problem{Title: nethttp.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// unauthorized says nothing of what was wrong.
func unauthorized() *problem { return problemOf(nethttp.StatusUnauthorized, "") }

// later says that it is worth trying again after some time.
func later(status int, after time.Duration, detail string) *problem {
	p := problemOf(status, "%s", detail)
	p.after = max(after, time.Second)
	return p
}

// answer writes v as JSON.
func answer(w nethttp.ResponseWriter, status int, kind string, v any) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that is gone needs no answer
}

// refuse answers with a problem.
func refuse(w nethttp.ResponseWriter, p *problem) {
	if p.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.after+time.Second-1)/time.Second)))
	}
	if p.Status == nethttp.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="notifyd"`)
	}
	answer(w, p.Status, "application/problem+json", p)
}
