package bus

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// An Intake stands between the sources and the one that takes their frames, the router. Sources Put frames in, the
// router takes batches out by Next and is Done with each frame.
//
// Each source (Frame.Source) has a queue of its own, and one for its late frames. So a full queue delays nobody else,
// and the order of one source's frames is kept.
//
//   - Room. A queue is full when it has Frames, or when what the source has handed over and the router is not done with
//     would pass MaxHeld. All sources share maxHeldAll: none may hold more than what is still free (dynamic thresholds,
//     Choudhury and Hahne 1998), so room is left for those that hold little. A source that holds nothing is let in.
//   - Share. Next serves the queues by deficit round robin (Shreedhar and Varghese 1995): see Next.
//
// It is safe for concurrent use, but one goroutine calls Next.
type Intake struct {
	config IntakeConfig
	more   chan struct{} // has room for one: there may be a batch, or the end

	mu     sync.Mutex
	queues map[flow]*queue
	order  []*queue // in which Next serves them
	at     int      // the first in order that it serves
	frames int      // in all queues
	held   int64    // bytes of the frames that are not done with
	closed bool
}

// IntakeConfig bounds an Intake. The zero value of a field means its default.
type IntakeConfig struct {
	Frames int // of one source that wait in the Intake, at most. Default 8192
	Batch  int // frames of one batch, at most. Default 256
}

// A flow is what has a queue of its own.
type flow struct {
	source string
	late   bool
}

type queue struct {
	of     flow
	gone   bool // see Forget
	frames []Frame
	held   int64 // bytes of its frames that are not done with
	credit int64 // what it may cost until its next turn; below 0: it has cost too much
	puts   []*put
	last   tally // of the last batch
	extra  int64 // what a frame is expected to cost beyond its bytes and frameCost
}

// A put is a frame that waits for room.
type put struct {
	frame Frame
	in    chan struct{} // closed when it is in the queue, or when the Intake is closed
}

const (
	// maxHeldAll is MaxHeld for all sources together. Only first frames of sources can pass it.
	maxHeldAll = 2 * MaxHeld
	// maxFlows bounds the number of queues. Sources have configured names; should one make up names, they share one.
	maxFlows = 1024
	// frameOverhead is what a frame holds beside its bytes.
	frameOverhead = 512
)

// ErrClosed is the error of a Put into an Intake that is closed.
var ErrClosed = errors.New("the intake is closed")

// NewIntake makes an Intake.
func NewIntake(c IntakeConfig) *Intake {
	if c.Frames <= 0 {
		c.Frames = 8192
	}
	if c.Batch <= 0 {
		c.Batch = 256
	}
	return &Intake{config: c, more: make(chan struct{}, 1), queues: map[flow]*queue{}}
}

// Put hands f over, which must be within the bounds, and waits while its queue is full. Frames that wait for one queue
// are let in in the order in which they came. The error is ctx's, or ErrClosed; then f was not handed over.
func (in *Intake) Put(ctx context.Context, f Frame) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	in.mu.Lock()
	if in.closed {
		in.mu.Unlock()
		return ErrClosed
	}
	q := in.queue(f)
	if in.tryPut(q, f) {
		in.mu.Unlock()
		return nil
	}
	p := &put{f, make(chan struct{})}
	q.puts = append(q.puts, p)
	in.mu.Unlock()
	select {
	case <-p.in:
	case <-ctx.Done():
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	i := slices.Index(q.puts, p)
	if i < 0 {
		return nil
	}
	q.puts = slices.Delete(q.puts, i, i+1)
	in.letIn() // what comes after it may be smaller
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrClosed
}

// TryPut is Put where there is no time to wait: false says that f was not handed over.
func (in *Intake) TryPut(f Frame) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.closed && in.tryPut(in.queue(f), f)
}

// Close says that no more frames come. A Put that waits ends; Next gives what is left.
func (in *Intake) Close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return
	}
	in.closed = true
	for _, q := range in.order {
		for _, p := range q.puts {
			close(p.in)
		}
	}
	in.wake()
}

// Forget says that a source has ended, and that nobody may come again under its name. What it has handed over is given
// out; then its queues go. A frame that comes all the same begins anew.
func (in *Intake) Forget(source string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, late := range []bool{false, true} {
		if q := in.queues[flow{source, late}]; q != nil {
			q.gone = true
			in.remove(q)
		}
	}
}

// remove removes a queue whose source is gone, when all of its frames are done with.
func (in *Intake) remove(q *queue) {
	if !q.gone || q.held > 0 || len(q.puts) > 0 {
		return
	}
	i := slices.Index(in.order, q)
	if i < 0 {
		return
	}
	delete(in.queues, q.of)
	in.order = slices.Delete(in.order, i, i+1)
	if in.at > i {
		in.at--
	}
	if in.at >= len(in.order) {
		in.at = 0
	}
}

// Len is the number of frames that wait for Next.
func (in *Intake) Len() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.frames
}

// queue gives the queue of f, and makes it where there is none.
func (in *Intake) queue(f Frame) *queue {
	of := flow{f.Source, f.Late}
	if in.queues[of] == nil && len(in.queues) >= maxFlows-1 {
		of = flow{}
	}
	q := in.queues[of]
	if q == nil {
		q = &queue{of: of}
		in.queues[of] = q
		in.order = append(in.order, q)
	}
	q.gone = q.gone && f.Late
	return q
}

// tryPut puts f into q if there is room, and nobody waits for it.
func (in *Intake) tryPut(q *queue, f Frame) bool {
	if len(q.puts) > 0 || !in.fits(q, f) {
		return false
	}
	in.enter(q, f)
	return true
}

func (in *Intake) fits(q *queue, f Frame) bool {
	held := q.held + f.size()
	return len(q.frames) < in.config.Frames && (q.held == 0 || held <= min(MaxHeld, maxHeldAll-in.held))
}

// enter puts f into q. Its Ack then releases its room first, both once even where Done is called twice.
func (in *Intake) enter(q *queue, f Frame) {
	received := f
	f.Ack = sync.OnceFunc(func() {
		in.release(q, received.size())
		received.Done()
	})
	q.held += f.size()
	in.held += f.size()
	q.frames = append(q.frames, f)
	in.frames++
	in.wake()
}

func (in *Intake) release(q *queue, size int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	q.held -= size
	in.held -= size
	in.letIn()
	in.remove(q)
}

// letIn lets in the frames that wait and that there is room for now.
func (in *Intake) letIn() {
	if in.closed {
		return
	}
	for _, q := range in.order {
		for len(q.puts) > 0 && in.fits(q, q.puts[0].frame) {
			p := q.puts[0]
			q.puts = slices.Delete(q.puts, 0, 1)
			in.enter(q, p.frame)
			close(p.in)
		}
	}
}

// wake lets Next look again.
func (in *Intake) wake() {
	select {
	case in.more <- struct{}{}:
	default:
	}
}

// size is what f counts in the bounds on bytes.
func (f *Frame) size() int64 { return f.bytes() + frameOverhead }
