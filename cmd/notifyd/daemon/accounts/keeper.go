package accounts

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
)

// A Keeper brings accounts to what the directory says, and counts those whose name nobody has proved.
type Keeper struct {
	Accounts  *prefs.Accounts
	Directory func() *directory.Snapshot
	Claimed   bool // everybody may choose a name, and is believed
	Log       *slog.Logger

	refused atomic.Int64 // of the last review
}

// The times of a Keeper: how often it looks whether the directory has changed, and after how long it looks at all
// accounts in any case, since people add addresses and stay missing.
const (
	looked   = 5 * time.Second
	reviewed = 10 * time.Minute
)

// Run reviews the accounts at once, whenever the directory has changed, and now and then, until ctx ends. One node does
// so.
func (k *Keeper) Run(ctx context.Context) error {
	var seen *directory.Snapshot
	for last := time.Duration(0); ; last -= looked {
		if now := k.Directory(); now != seen || last <= 0 {
			again, err := k.review(ctx)
			if err == nil && again {
				_, err = k.review(ctx)
			}
			if err != nil {
				k.Log.Error("accounts could not be compared with the directory", "error", err)
			} else {
				seen, last = now, reviewed
			}
		}
		if !backoff.Sleep(ctx, looked) {
			k.refused.Store(0)
			return nil
		}
	}
}

// review reviews the accounts once. again asks for another look: whose name was proved just now may be disabled under
// that name.
func (k *Keeper) review(ctx context.Context) (again bool, err error) {
	done, err := k.Accounts.Review(ctx)
	if ctx.Err() != nil {
		return false, nil
	}
	if done.Proved+done.Unproved+done.Disabled+done.Enabled+done.Doubted > 0 {
		k.Log.Info("accounts follow the directory", "proved", done.Proved, "unproved", done.Unproved,
			"disabled", done.Disabled, "enabled", done.Enabled, "doubted_destinations", done.Doubted)
	}
	if k.refused.Swap(int64(done.Refused)) == 0 && done.Refused > 0 {
		k.Log.Error("the directory would take the name, the account or an address of very many people at once: "+
			"nothing is done",
			"accounts", done.Refused)
	}
	return done.Proved > 0, err
}

// Warn logs at the start how many accounts have a name that nobody has proved, where names must be.
func (k *Keeper) Warn(ctx context.Context) error {
	text, err := k.unproved(ctx)
	if text != "" {
		k.Log.Warn(text)
	}
	return err
}

// Warnings are what operators should look at, in words.
func (k *Keeper) Warnings(ctx context.Context) []string {
	var all []string
	text, err := k.unproved(ctx)
	if err != nil {
		k.Log.Debug("cannot count claimed names", "error", err)
	}
	if text != "" {
		all = append(all, text)
	}
	if n := k.refused.Load(); n > 0 {
		all = append(all, fmt.Sprintf("the directory would take the name, the account or an address of %d people at once, "+
			"so nothing was done: look at the directory", n))
	}
	return all
}

func (k *Keeper) unproved(ctx context.Context) (string, error) {
	claimed, _, err := k.Accounts.Unproved(ctx)
	if err != nil || claimed == 0 || k.Claimed {
		return "", err
	}
	return text.Plural(int(claimed), "account has", "accounts have") + " a name that is only claimed, so @me in their " +
		"filters matches nothing (notifyd user list --claimed)", nil
}
