package amqp

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/internal/exectest"
)

const contractConfig = `
brokers:
  test: {url: %q, queue: %q, exchange: %q, retry_min: 5ms, retry_max: 50ms, timeout: 10s, prefetch: 16}
`

// TestContract: the broker is a real one. What dies is a proxy before it: a kill of RabbitMQ itself is a test apart.
func TestContract(t *testing.T) {
	bustest.Run(t, func(t testing.TB) bustest.Fixture {
		broker := rabbittest.Get(t)
		proxy := rabbittest.NewProxy(t, broker)
		publisher := broker.Connect(t, rabbittest.Admin)
		exchange, queue := makeQueue(t, broker.Channel(t), nil)
		url := broker.At(proxy.Addr, rabbittest.Admin, rabbittest.Vhost)
		var published atomic.Int64
		one := func(keys string) string { return fmt.Sprintf("brokers: {x: {url: %q, %s}}", url, keys) }
		f := bustest.Fixture{
			Driver: Driver(), Config: fmt.Sprintf(contractConfig, url, queue, exchange), Waits: true, Redelivers: true,
			Composes: true, Acked: proxy.Acked, Patience: time.Minute,
			Secrets: []string{"sesame"},
			Publish: func(t testing.TB, messages ...bus.Frame) int {
				sent := publishOver(t, publisher, exchange, messages...)
				published.Add(int64(sent))
				return sent
			},
			Down: func(testing.TB) { proxy.Down() },
			Up:   proxy.Up,
			Mistakes: map[string]string{
				"brokers":     "{}",
				"url":         "brokers: {x: {url: 'amqps:/sesame@/'}}",
				"exchange":    one("exchange: '" + fmt.Sprintf("%0300d", 1) + "'"),
				"topics":      one("topics: ['']"),
				"queue":       one("queue: amq.gen-1"),
				"passive":     one("passive: true"),
				"queue_type":  one("queue_type: lazy"),
				"arguments":   one("arguments: {x-queue-type: quorum}"),
				"dead_letter": one("dead_letter: amq.fanout"),
				"prefetch":    one("prefetch: -1"),
				"heartbeat":   one("heartbeat: 1ns"),
				"silence":     one("silence: 1ns"),
				"timeout":     one("timeout: 1ns"),
				"retry_min":   one("retry_min: 1ns"),
				"cert_file":   one("cert_file: /dev/null"),
				"ca_file":     "brokers: {x: {url: 'amqps://u:sesame@h/', ca_file: /dev/null}}",
			},
		}
		for name, attack := range attacks {
			f.Attacks = append(f.Attacks, bustest.Attack{
				Name: name, Alone: true, Start: func(t testing.TB) func() {
					// What is not acknowledged when the connection ends comes again, and not by the attack.
					exectest.Eventually(t, time.Minute, "all are acknowledged", func() bool {
						return proxy.Acked() == int(published.Load())
					})
					return proxy.Attack(attack)
				},
			})
		}
		return f
	})
}

// attacks are what a hostile broker can do to who has just connected.
var attacks = map[string]func(net.Conn){
	"hangs up": func(net.Conn) {},
	"garbage": func(c net.Conn) {
		c.Write([]byte("\x00\xff\x01garbage that is no frame, and more of it\r\n"))
		io.Copy(io.Discard, c)
	},
	"another version": func(c net.Conn) {
		c.Write([]byte("AMQP\x00\x01\x00\x00"))
	},
	"half a frame": func(c net.Conn) {
		c.Write([]byte{1, 0, 0, 0, 0, 1, 0, 0, 10})
	},
	"a frame of four gigabytes": func(c net.Conn) {
		c.Write([]byte{1, 0, 0, 0xff, 0xff, 0xff, 0xff})
		for range 64 {
			if _, err := c.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	},
	"a body that nobody wants": func(c net.Conn) {
		header := make([]byte, 7+14+1)
		header[0] = typeHeader
		binary.BigEndian.PutUint32(header[3:], 14)
		binary.BigEndian.PutUint64(header[sizeAt:], 1<<62)
		header[len(header)-1] = 0xCE
		c.Write(header)
		io.Copy(io.Discard, c)
	},
}
