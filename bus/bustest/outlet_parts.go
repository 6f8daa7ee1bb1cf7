package bustest

import (
	"bytes"
	"context"
	"runtime"

	"github.com/notifyd/notifyd/bus"
)

// testOutletOrder has two peers get frames of every kind, which an outlet neither reads nor mends.
func testOutletOrder(b *outletBench) {
	r := b.start()
	one, two := r.subscribe(), r.subscribe()
	frames := Samples(1, many)
	for _, payload := range []string{
		"", "no JSON \x00\xff\x80", "{\"topic\": \"another\",\r\n \"n\" : 1.50}", "\xef\xbb\xbf{}",
	} {
		frames = append(frames, bus.Frame{Topic: "org.example.odd", Payload: []byte(payload)})
	}
	long := bus.Frame{Topic: "org.example." + string(bytes.Repeat([]byte("x"), 300))}
	frames = append(frames, large(many+1, 1<<20), long)
	r.publish(frames...)
	r.want(one, frames...)
	r.want(two, frames...)
	if f := r.figures(); f["peers"] != 2 || f["messages_total"] < float64(len(frames)) ||
		f["sent_total"] < float64(2*len(frames)) || f["dropped_total"] != 0 {
		r.broken(promiseOutMetrics, "after %d frames to two peers: %v", len(frames), f)
	}
	r.stop()
}

// testOutletBounds publishes frames that must not be handed on.
func testOutletBounds(b *outletBench) {
	r := b.start()
	s := r.subscribe()
	r.publish(bus.Frame{Topic: "", Payload: []byte("{}")}, bus.Frame{Topic: "a\nb", Payload: []byte("{}")},
		bus.Frame{Topic: "t", Payload: make([]byte, bus.MaxPayload+1)}, Sample(1))
	r.want(s, Sample(1))
	if f := r.figures(); f[bus.DroppedTopic] != 2 || f[bus.DroppedLarge] != 1 {
		r.broken(promiseOutBounds, "the figures are %v", f)
	}
	r.stop()
}

// testOutletNobody publishes where nobody listens: before Run, and without peers.
func testOutletNobody(b *outletBench) {
	outlet, err := b.open(b.Config)
	if err != nil {
		b.fatal(promiseDriver, "Open = %v", err)
	}
	outlet.Publish(Sample(1))
	r := b.start()
	for range 10 {
		r.publish(Samples(1, many)...)
	}
	r.stop()
	if f := r.figures(); f["sent_total"] != 0 || f["held_bytes"] != 0 {
		r.broken(promiseOutMetrics, "without any peer the figures are %v", f)
	}
}

// testOutletLatePeer has a peer come while others get frames, and go again.
func testOutletLatePeer(b *outletBench) {
	r := b.start()
	first := r.subscribe()
	r.publish(Samples(1, many)...)
	r.want(first, Samples(1, many)...)
	second := r.subscribe()
	r.publish(Samples(many+1, many)...)
	r.want(second, Samples(many+1, many)...)
	second.Close()
	if !r.eventually(func(f map[string]float64) bool { return f["peers"] == 1 }) {
		r.broken(promiseOutMetrics, "a peer that is gone is still counted: %v", r.figures())
	}
	r.publish(Sample(2*many + 1))
	r.want(first, append(Samples(many+1, many), Sample(2*many+1))...)
	r.stop()
}

// idlePeers is how many peers do not read.
const idlePeers = 8

// testOutletIdlePeers has peers that never read beside one that does, and publishes more than may wait for them all.
func testOutletIdlePeers(b *outletBench) {
	r := b.start()
	for range idlePeers {
		b.t.Cleanup(b.Idle(b.t))
	}
	if !r.eventually(func(f map[string]float64) bool { return f["peers"] == idlePeers }) {
		r.fatal(promiseOutOrder, "%d peers did not come: %v", idlePeers, r.figures())
	}
	honest := r.subscribe()
	const size, batch = 8000, 20 // little enough for the least that an outlet leaves to one peer
	before := heap()
	for n := 0; int64(n) < b.Held*2/size || r.figures()[bus.DroppedFull] == 0; n += batch {
		frames := make([]bus.Frame, batch)
		for i := range frames {
			frames[i] = large(n+i, size)
		}
		r.publish(frames...)
		r.want(honest, frames...) // it keeps up, so that it must lose nothing
		if held := r.figures()["held_bytes"]; held > float64(b.Held)*1.1 {
			r.fatal(promiseOutHeld, "%v bytes wait, at most %d may", held, b.Held)
		}
		if int64(n) > 100*b.Held/size+1000 {
			r.fatal(promiseOutLoss, "peers that never read have lost nothing of %d bytes: %v", n*size, r.figures())
		}
	}
	if grown := heap() - before; grown > b.Held*3/2+64<<20 {
		r.broken(promiseOutHeld, "memory has grown by %d bytes; %d may wait", grown, b.Held)
	}
	r.stop()
	if b.log.loud() == 0 || !bytes.Contains([]byte(b.log.String()), []byte("lost=")) {
		r.broken(promiseOutLoss, "the log does not say who has lost frames:\n%s", b.log)
	}
	if lines := b.log.loud(); lines > 2*idlePeers+10 {
		r.broken(promiseLog, "%d lines after %v drops", lines, r.figures()["dropped_total"])
	}
}

// heap gives the bytes that are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// testOutletAttacks has honest peers get frames while hostile ones do their worst, and after it.
func testOutletAttacks(b *outletBench) {
	r := b.start()
	honest := r.subscribe()
	n := 1
	for _, attack := range b.Attacks {
		stop := attack.Start(b.t)
		for range 3 {
			r.publish(Samples(n, 50)...)
			r.want(honest, Samples(n, 50)...)
			n += 50
		}
		late := r.subscribe()
		late.Close()
		stop()
		select {
		case <-r.ended:
			r.fatal(promiseOutTough, "%s: Run returned %v", attack.Name, r.err)
		default:
		}
	}
	r.publish(Sample(n))
	r.want(honest, Sample(n))
	if lines := b.log.loud(); lines > 20 {
		r.broken(promiseLog, "%d lines:\n%s", lines, b.log)
	}
	r.stop()
}

func testOutletEndBefore(b *outletBench) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := b.run(ctx)
	r.join()
}

// testOutletEndFull ends an outlet for whose peers much waits that they will never take.
func testOutletEndFull(b *outletBench) {
	r := b.start()
	for range idlePeers {
		b.t.Cleanup(b.Idle(b.t))
	}
	n := 0
	if !r.eventually(func(f map[string]float64) bool {
		r.publish(large(n, 100_000))
		n++
		return f[bus.DroppedFull] > 0
	}) {
		r.fatal(promiseOutLoss, "peers that never read have lost nothing of %d frames: %v", n, r.figures())
	}
	r.stop()
	if f := r.figures(); f[bus.DroppedLost] == 0 || f["held_bytes"] != 0 {
		r.broken(promiseOutLoss, "after the end the figures are %v", f)
	}
}
