package http

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/internal/exectest"
)

const testToken = "sesame-sesame-sesame"

const contractConfig = `
listen: %q
senders: {ferry: {token: sesame-sesame-sesame, topics: ['#'], rate: 100000, burst: 100000}}
read_timeout: 20s
commit_timeout: 60s
`

func TestContract(t *testing.T) {
	bustest.Run(t, func(t testing.TB) bustest.Fixture {
		address := fmt.Sprintf("127.0.0.1:%d", exectest.FreePort(t))
		p := &poster{url: "http://" + address + messagesPath}
		wrong := func(more string) string { return fmt.Sprintf(contractConfig, address) + more }
		f := bustest.Fixture{
			Driver: Driver(), Config: fmt.Sprintf(contractConfig, address), Secrets: []string{testToken},
			Publish: p.publish, Waits: true, Redelivers: true, Composes: true, TopicInside: true,
			Acked: func() int { return int(p.acked.Load()) },
			Ready: func(t testing.TB) { listening(t, address) },
			Mistakes: map[string]string{
				"listen": "listen: nowhere", "cert_file": wrong("cert_file: /nowhere"), "max_body": wrong("max_body: 1"),
				"max_lines": wrong("max_lines: -1"), "max_requests": wrong("max_requests: -1"),
				"senders":      "listen: ':0'",
				"token":        "listen: ':0'\nsenders: {a: {topics: ['#']}}",
				"token_sha256": "listen: ':0'\nsenders: {a: {topics: ['#'], token_sha256: sesame-sesame-sesame}}",
				"hmac_key":     "listen: ':0'\nsenders: {a: {topics: ['#'], hmac_key: short}}",
				"topics":       "listen: ':0'\nsenders: {a: {token: sesame-sesame-sesame}}",
				"rate":         "listen: ':0'\nsenders: {a: {token: sesame-sesame-sesame, topics: [a], rate: -1}}",
				"name":         "listen: ':0'\nsenders: {'a b': {token: sesame-sesame-sesame, topics: [a]}}",
			},
		}
		for name, text := range hostileClients() {
			f.Attacks = append(f.Attacks, bustest.Attack{Name: name, Start: attack(address, text)})
		}
		return f
	})
}

func listening(t testing.TB, address string) {
	exectest.Eventually(t, 20*time.Second, "the source listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// A poster is an honest sender: it sends again until it knows.
type poster struct {
	url   string
	acked atomic.Int64
}

func (p *poster) publish(t testing.TB, messages ...bus.Frame) (carried int) {
	for _, m := range messages {
		if p.post(t.Context(), m.Payload) {
			carried++
		}
	}
	return carried
}

// post reports whether the message was taken, in the end.
func (p *poster) post(ctx context.Context, payload []byte) bool {
	for ctx.Err() == nil {
		q, err := nethttp.NewRequestWithContext(ctx, nethttp.MethodPost, p.url, bytes.NewReader(payload))
		if err != nil {
			return false
		}
		q.Header.Set("Authorization", "Bearer "+testToken)
		q.Header.Set("Content-Type", "application/json")
		r, err := nethttp.DefaultClient.Do(q)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
		switch {
		case r.StatusCode == nethttp.StatusAccepted:
			p.acked.Add(1)
			return true
		case r.StatusCode < 500:
			return false
		}
	}
	return false
}

// hostileClients are the beginnings of requests, after which nothing comes.
func hostileClients() map[string]string {
	head := "POST " + messagesPath + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	good := head + "Authorization: Bearer " + testToken + "\r\n"
	signed := head + "Webhook-Signature: v1,x\r\n"
	return map[string]string{
		"silence":                     "",
		"garbage":                     "\x00\xff\x16\x03\x01garbage\r\n\r\n",
		"half a head":                 "POST " + messagesPath + " HT",
		"an endless head":             "GET / HTTP/1.1\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 2000),
		"no body":                     good + "Content-Length: 1000000\r\n\r\n",
		"a body of eight exabytes":    good + "Content-Length: 9000000000000000000\r\n\r\n{",
		"a negative length":           good + "Content-Length: -1\r\n\r\n{",
		"half a chunk":                good + "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n{",
		"length and chunks":           good + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"half a body of a stranger":   signed + "Content-Length: 1000000\r\n\r\n{",
		"a large body of a stranger":  signed + "Content-Length: 8000000\r\n\r\n" + strings.Repeat(" ", 7_000_000),
		"a wrong token":               head + "Authorization: Bearer wrong-wrong-wrong\r\nContent-Length: 2\r\n\r\n{}",
		"compression":                 good + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
		"a wait for leave to send":    good + "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
		"another protocol on the way": good + "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n",
	}
}

// attack opens connections, sends text on each, and reads what comes.
func attack(address, text string) func(testing.TB) func() {
	return func(t testing.TB) func() {
		var all sync.WaitGroup
		var conns []net.Conn
		for range 20 {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				break
			}
			conns = append(conns, c)
			all.Go(func() { _, _ = io.Copy(io.Discard, c) })
			all.Go(func() { _, _ = io.WriteString(c, text) })
		}
		return func() {
			for _, c := range conns {
				c.Close()
			}
			all.Wait()
		}
	}
}
