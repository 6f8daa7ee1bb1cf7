package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

// settled is how long after its deletion nothing that was under way can store anything any more: a send has two minutes
// (outbox.Config.SendTimeout), and then a few seconds.
const settled = 5 * time.Minute

// look is how often Run looks for what is owed.
const look = 30 * time.Second

// most bounds how long AtOnce lets its caller wait.
const most = 5 * time.Second

// AtOnce does what can be done right after the commit of an Erase. What it cannot do is left to Run. It is for
// prefs.Config.AfterErase.
func (e *Eraser) AtOnce(ctx context.Context) {
	if e.Lasting {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	if err := e.Finish(ctx); err != nil {
		e.Log.Info("what was deleted is wiped to the end in a moment", "error", err)
	}
}

// Run finishes what is owed, at once and then again and again, until ctx ends. Of several nodes one is enough.
func (e *Eraser) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := e.Finish(ctx); err != nil && ctx.Err() == nil {
			e.Log.Warn("what people have deleted is not wiped to the end yet; it is tried again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Finish does what is owed and can be done now. What is not due yet stays for Run.
func (e *Eraser) Finish(ctx context.Context) error {
	var owed []row
	if err := e.Writer.WithContext(ctx).Order("id").Find(&owed).Error; err != nil {
		return fmt.Errorf("read what is to be wiped: %w", err)
	}
	due := e.Now().Add(-settled).UnixMicro()
	var again, fresh []uint
	for _, r := range owed {
		if r.ErasedAt <= due {
			again = append(again, r.ID)
		} else if !r.Scrubbed {
			fresh = append(fresh, r.ID)
		}
	}
	if len(again)+len(fresh) == 0 {
		return nil
	}
	for _, r := range owed {
		if !slices.Contains(again, r.ID) {
			continue
		}
		err := e.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			return errors.Join(e.deleteKept(tx, r), e.Outbox.Forget(tx, []string{r.Destination}))
		})
		if err != nil {
			return err
		}
	}
	if err := e.Scrub(ctx, e.tables()...); err != nil {
		return err
	}
	return e.note(ctx, again, fresh)
}

// note writes down what is done. Rows hold nothing that would have to be scrubbed again.
func (e *Eraser) note(ctx context.Context, again, fresh []uint) error {
	return e.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for part := range slices.Chunk(again, 400) {
			if err := tx.Where("id IN ?", part).Delete(&row{}).Error; err != nil {
				return fmt.Errorf("note what is wiped: %w", err)
			}
		}
		for part := range slices.Chunk(fresh, 400) {
			if err := tx.Model(&row{}).Where("id IN ?", part).Update("scrubbed", true).Error; err != nil {
				return fmt.Errorf("note what is wiped: %w", err)
			}
		}
		return nil
	})
}
