package carrier

import (
	"context"
	"time"
)

// bookmark.go holds the bookmark of a Carrier, moves it, and gives it up.

// Prepare makes the bookmark of a bridge that is new. It is called before anything is stored.
func (c *Carrier) Prepare(ctx context.Context) error {
	if c.While != nil {
		return c.History.BeginBookmark(ctx, c.Name) // and another node may be working
	}
	_, err := c.claim(ctx)
	return err
}

// claim holds the bookmark, or finds that another process does.
func (c *Carrier) claim(ctx context.Context) (bool, error) {
	now := c.Now()
	if now.Before(c.held.Add(renewed - lease)) {
		return true, nil
	}
	b, held, err := c.History.Claim(ctx, c.Name, c.Holder, c.until(now))
	if err != nil {
		return false, err
	}
	if lost := c.counts.setLost(b.Lost); lost > 0 && c.asked {
		c.Log.Warn("messages were deleted from the history before they were handed on", "lost", lost, "in_all", b.Lost)
	}
	c.asked = true
	if !held {
		c.held = time.Time{}
		return false, nil
	}
	if c.held.IsZero() {
		c.position, c.saved, c.savedAt = b.Position, b.Position, now
	}
	c.held = now.Add(lease)
	return true, nil
}

// until gives the time until which nobody else may take the bookmark. Where one of several nodes works at a time by
// other means (Config.While) it may be taken at once: clocks of nodes differ. Who has lost it learns so when it wants
// to move it.
func (c *Carrier) until(now time.Time) time.Time {
	if c.While != nil {
		return time.UnixMicro(0)
	}
	return now.Add(lease)
}

// saveSeldom saves the bookmark at once where something was handed on, and otherwise now and then.
func (c *Carrier) saveSeldom(ctx context.Context, carried bool) error {
	if !carried && c.Now().Sub(c.savedAt) < look {
		return nil
	}
	return c.save(ctx)
}

func (c *Carrier) save(ctx context.Context) error {
	if c.position == c.saved {
		return nil
	}
	now := c.Now()
	ours, err := c.History.Move(ctx, c.Name, c.Holder, c.position, c.until(now))
	if err != nil {
		return err
	}
	if !ours { // another process has begun where we had saved it
		c.held = time.Time{}
		return nil
	}
	c.saved, c.savedAt, c.held = c.position, now, now.Add(lease)
	return nil
}

// end saves the bookmark and gives it up.
func (c *Carrier) end(ctx context.Context) {
	if c.held.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := c.save(ctx); err != nil {
		c.Log.Warn("the bookmark is not saved; some messages will be handed on twice", "error", err)
	} else if err := c.History.Release(ctx, c.Name, c.Holder); err != nil {
		c.Log.Warn("the bookmark is not released", "error", err)
	}
	c.held = time.Time{}
}
