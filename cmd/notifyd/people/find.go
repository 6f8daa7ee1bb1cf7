package people

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/prefs"
)

// find returns the one person that a text names: by number (12, id:12), name on the bus (alice, name:alice), confirmed
// address (alice@example.org, irc:alice@libera) or identity (https://id.example.org:SUBJECT). A text that fits several
// people is none: what comes before the colon says which way is meant.
func (d *Desk) find(ctx context.Context, who string) (prefs.User, error) {
	found := map[uint]prefs.User{}
	for _, way := range []func(context.Context, string) (prefs.User, error){d.byID, d.byName, d.byAddress, d.byIdentity} {
		u, err := way(ctx, who)
		switch {
		case err == nil:
			found[u.ID] = u
		case !errors.Is(err, prefs.ErrNotFound):
			return prefs.User{}, err
		}
	}
	switch len(found) {
	case 0:
		return prefs.User{}, fault(NotThere, "there is nobody with the number, name, address or identity %q", who)
	case 1:
		for _, u := range found {
			return u, nil
		}
	}
	return prefs.User{}, fault(NotThere, "%q fits several people; say id:NUMBER, name:NAME, email:ADDRESS or the like", who)
}

func (d *Desk) byID(ctx context.Context, who string) (prefs.User, error) {
	id, err := strconv.ParseUint(strings.TrimPrefix(who, "id:"), 10, 32)
	if err != nil {
		return prefs.User{}, prefs.ErrNotFound
	}
	return d.Prefs.Accounts.User(ctx, uint(id))
}

func (d *Desk) byName(ctx context.Context, who string) (prefs.User, error) {
	name := strings.TrimPrefix(who, "name:")
	if name == "" {
		return prefs.User{}, prefs.ErrNotFound
	}
	return d.Prefs.Accounts.ByName(ctx, name)
}

// byAddress takes an address with its backend before it, or one that looks like an address on its own.
func (d *Desk) byAddress(ctx context.Context, who string) (prefs.User, error) {
	for _, info := range d.Backends {
		address, named := strings.CutPrefix(who, info.Name+":")
		if !named && !strings.Contains(who, "@") {
			continue
		}
		u, err := d.holder(ctx, info, address)
		if err == nil || !errors.Is(err, prefs.ErrNotFound) {
			return u, err
		}
	}
	return prefs.User{}, prefs.ErrNotFound
}

func (d *Desk) holder(ctx context.Context, info backends.Info, address string) (prefs.User, error) {
	canonical, err := info.CheckAddress(address)
	if err != nil {
		return prefs.User{}, prefs.ErrNotFound
	}
	return d.Prefs.Accounts.ByAddress(ctx, info.Name, canonical)
}

// byIdentity takes an issuer, which is a URL, and the subject behind its last colon.
func (d *Desk) byIdentity(ctx context.Context, who string) (prefs.User, error) {
	at := strings.LastIndex(who, ":")
	if at < 0 || !strings.Contains(who[:at], "://") {
		return prefs.User{}, prefs.ErrNotFound
	}
	return d.Prefs.Accounts.ByIdentity(ctx, who[:at], who[at+1:])
}
