package relay

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
)

// An Output is how `notifyd serve` hands on to one outlet what it receives: as it came, or, to peers that know fedmsg's
// form alone, in that form. Then it is half of a bridge from AMQP; the other half is whatever received the message.
// One goroutine uses it.
type Output struct {
	config OutputConfig
	bridge bool  // only what did not come over ZeroMQ, and what notifyd itself says
	forms  bool  // the peers know fedmsg's form alone
	signs  bool  // what was not in that form is signed
	i      int64 // of the last message that was written in fedmsg's form
}

// OutputConfig says what an Output works with.
type OutputConfig struct {
	Outlet    bus.Outlet
	May       func(source string) bool // whether messages of a source may be handed on; nil: they may
	Elsewhere func(source string) bool // whether a source is not one of fedmsg's
	Signer    func() *trust.Signer     // may give nil: nothing is signed
	// Odd is told of a message that cannot be written in fedmsg's form, by any goroutine.
	Odd func(m *bus.Message, err error)
}

// NewOutput makes an Output.
func NewOutput(c OutputConfig) *Output {
	o := &Output{config: c}
	if f, ok := c.Outlet.(bus.FedmsgOutlet); ok {
		o.forms, o.bridge, o.signs = true, f.Bridges(), f.Signs()
	}
	return o
}

// An Item is a message, and the frame in which it came.
type Item struct {
	Frame   bus.Frame
	Message *bus.Message
}

// HandOn gives items to the outlet, in their order. Signatures are made on all processors.
func (o *Output) HandOn(items []Item) {
	items = slices.DeleteFunc(slices.Clone(items), func(i Item) bool { return !o.wants(i) })
	if o.forms {
		o.form(items)
	}
	for _, i := range items {
		o.config.Outlet.Publish(i.Frame)
	}
}

func (o *Output) wants(i Item) bool {
	if o.config.May != nil && !o.config.May(i.Frame.Source) {
		return false
	}
	if choosy, ok := o.config.Outlet.(bus.Choosy); ok && !choosy.Wants(i.Frame) {
		return false
	}
	return !o.bridge || i.Frame.Own || o.config.Elsewhere(i.Frame.Source) && !i.Message.FromFedmsg()
}

// form writes what is foreign in fedmsg's form. The numbers are given in the order in which subscribers get them, so
// that they show a loss.
func (o *Output) form(items []Item) {
	numbers := make([]int64, len(items))
	foreign := 0
	for i := range items {
		if items[i].Message.Foreign() {
			o.i++
			foreign++
			numbers[i] = o.i
		}
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), foreign) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(items); i = int(next.Add(1)) - 1 {
				if numbers[i] > 0 {
					o.formOne(&items[i], numbers[i])
				}
			}
		})
	}
	all.Wait()
}

// formOne writes one message in fedmsg's form. Where there is no such form, since the message is too large, it stays as
// it came.
func (o *Output) formOne(i *Item, number int64) {
	payload, err := bus.ToFedmsg(i.Message, number)
	if err == nil && o.signs && !i.Message.Standing.Marked {
		if signer := o.config.Signer(); signer != nil {
			payload, err = signer.Sign(payload)
		}
	}
	if err != nil {
		o.config.Odd(i.Message, err)
		return
	}
	i.Frame.Payload = payload
}
