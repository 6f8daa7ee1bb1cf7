package loading

import (
	"fmt"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A maker makes messages ready to be stored.
type maker struct {
	source    string
	store     *history.Store
	verifier  *trust.Verifier
	catalogue *catalogue.Catalogue
	now       func() time.Time
}

// A made is what has become of a block.
type made struct {
	ready   []*history.Ready
	bad     []fault
	dropped int // by the policy
	texts   int
}

// A fault is why a text, or one message of it, is left out.
type fault struct {
	where, why string
}

// make reads a block.
func (m *maker) make(b block) (out made) {
	for _, f := range b.frames {
		m.frame(&out, f, b.file)
	}
	for _, t := range b.texts {
		out.texts++
		where := fmt.Sprintf("%s, %s %d", b.file, b.unit, t.number)
		if t.bytes == nil {
			out.bad = append(out.bad, fault{where, fmt.Sprintf("longer than %d bytes", maxText)})
			continue
		}
		frames, broken, archived := bus.ReadArchived(t.bytes)
		for range broken {
			out.bad = append(out.bad, fault{where, "a message of the page is none"})
		}
		if !archived {
			topic := bus.PeekEnvelope(t.bytes).Topic
			if topic == "" {
				out.bad = append(out.bad, fault{where, "no JSON object, or one without a topic"})
				continue
			}
			frames = []bus.Frame{{Topic: topic, Payload: t.bytes}}
		}
		for _, f := range frames {
			m.frame(&out, f, where)
		}
	}
	return out
}

// frame reads one message. Whatever the site believes of a source, an archive is somebody else: what is proved of the
// sender is what the signature says, at its own time.
func (m *maker) frame(out *made, f bus.Frame, where string) {
	now := m.now()
	f.Source, f.Late, f.ThirdParty = m.source, true, true
	message, err := bus.Decode(f, now)
	if err != nil {
		out.bad = append(out.bad, fault{where, err.Error()})
		return
	}
	standing, action := m.verifier.Judge(message, now)
	if action == trust.Drop {
		out.dropped++
		return
	}
	message.Standing = standing
	out.ready = append(out.ready, m.store.MakeReady(m.catalogue.Describe(message)))
}
