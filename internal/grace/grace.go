// Package grace bounds how long an end may take.
//
// A context says that work shall end. Two kinds of work cannot end at once, and must not take for ever either.
//
// Work in hand is cut off where it sees its context end: a statement that commits, a mail half sent. Extend gives it a
// context of its own, which ends a limit after the first one (a grace period):
//
//	sending, release := grace.Extend(ctx, 5*time.Second)
//	defer release()
//	for ctx.Err() == nil { // take up nothing new once ctx has ended
//		send(sending)
//	}
//
// A call may take no context, such as Close of a database that waits for its statements. Within waits for it up to a
// limit:
//
//	err := grace.Within(time.Second, "close database", db.Close)
//
// A limit counts from the end that it follows: the end of the context, the start of the call. Nothing here keeps a
// limit across several steps; a program that stops in steps derives each limit from one deadline.
package grace

import (
	"context"
	"fmt"
	"time"
)

// Extend gives a context that ends limit after ctx has ended, and has its values. The caller calls release when the
// work is done: it ends the context, whether ctx has ended or not, and frees what Extend needs. A limit of zero or less
// ends both contexts together.
func Extend(ctx context.Context, limit time.Duration) (extended context.Context, release context.CancelFunc) {
	extended, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-extended.Done():
		}
	})
	return extended, func() { stop(); cancel() }
}

// Within calls do and gives its error, or one that says what has not ended within limit. In that case do goes on in a
// goroutine that nobody waits for: the caller is about to end the process, or can live with that.
func Within(limit time.Duration, what string, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("%s: not within %s", what, limit)
	}
}
