package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/mutes"
)

// usual is how long a mute lasts where nothing is said.
const usual = 24 * time.Hour

// mute makes a mute, and says first what it would have silenced.
func (d *Desk) mute(ctx context.Context, who speaker, o Order) ([]string, error) {
	m := mute.Mute{Made: who.now, Errors: !o.Errors, UntilSolved: o.Solved}
	switch {
	case o.For != 0:
		m.Ends = who.now.Add(o.For)
	case !o.Until.IsZero():
		m.Ends = o.Until
	case !o.Solved:
		m.Ends = who.now.Add(usual)
	}
	var err error
	if m.Kind, m.Value, m.Label, err = d.target(ctx, who, o); err != nil {
		return nil, err
	}
	said := ""
	if d.Guard != nil {
		if said, err = d.Guard(ctx, who.user, m); err != nil {
			return nil, err
		}
	}
	made, waiting, err := d.Mutes.Make(ctx, who.user.ID, m, d.medium(who))
	var wrong *mute.Error
	switch {
	case errors.As(err, &wrong):
		return nil, &Mistake{Problem: "That cannot be muted: it " + wrong.Problem + ".", Help: usage["mute"]}
	case errors.Is(err, prefs.ErrTooMany):
		return nil, &Mistake{Problem: "There are too many mutes.", Help: "Say unmute, or unmute all."}
	case err != nil:
		return nil, err
	}
	lines := []string{"Muted: " + made.Of() + ", " + made.Until(who.zone) + "; " + made.Through() + "."}
	if said != "" {
		lines = append(lines, said)
	}
	if waiting > 0 {
		lines = append(lines, text.Plural(waiting, "notice that waited is", "notices that waited are")+" silenced.")
	}
	return append(lines, "Undo: unmute"), nil
}

// medium is where a mute is made, as it is stored.
func (d *Desk) medium(who speaker) string {
	if who.byMail {
		return "mail"
	}
	return who.said.Backend
}

// target finds what is to be muted: what the order names, or what the notices say that it is about.
func (d *Desk) target(ctx context.Context, who speaker, o Order) (kind mute.Kind, value, label string, err error) {
	kind = kinds[cmp.Or(o.What, "thread")]
	if o.Name != "" && kind == mute.Filter {
		return d.filterNamed(ctx, who, o.Name)
	}
	if o.Name != "" {
		return kind, o.Name, "", nil
	}
	meant, err := d.meant(ctx, who, o.N)
	if err != nil {
		return kind, "", "", err
	}
	var found []string
	for _, e := range meant {
		for _, v := range values(kind, e) {
			if !slices.Contains(found, v) {
				found = append(found, v)
			}
		}
	}
	switch {
	case len(found) == 0 && kind == mute.Object:
		return kind, "", "", &Mistake{Problem: "That notice is about no one thing.", Help: "Say mute package, or mute kind."}
	case len(found) == 0:
		return kind, "", "", &Mistake{Problem: "That notice names no " + o.What + ".", Help: usage["mute"]}
	case len(found) > 1 && kind == mute.Object:
		return kind, "", "", &Mistake{Problem: "That was a digest, of " + strconv.Itoa(len(found)) + " things.",
			Help: "Say last 10, and then mute with the number of one."}
	case len(found) > 1:
		return kind, "", "", &Mistake{Problem: "Which " + o.What + "? It may be " + some(found) + ".",
			Help: "Say mute " + o.What + " and its name."}
	case kind == mute.Filter:
		return d.filterNamed(ctx, who, found[0])
	case kind == mute.Topic:
		label = meant[0].Notice.KindName
	}
	return kind, found[0], text.CutBytes(text.OneLine(label), mute.MaxValue), nil
}

// kinds are the kinds of mutes, by the words for them.
var kinds = map[string]mute.Kind{"thread": mute.Object, "package": mute.Package, "kind": mute.Topic,
	"person": mute.Person, "filter": mute.Filter, "app": mute.App}

// values are what a mute could be of, by a notice.
func values(kind mute.Kind, e outbox.Entry) []string {
	n := e.Notice
	one := ""
	switch kind {
	case mute.Object:
		return n.Objects[:min(1, len(n.Objects))]
	case mute.Package:
		return n.Packages
	case mute.Filter:
		var names []string
		for _, r := range n.Why {
			names = append(names, r.Filter)
		}
		return names
	case mute.Topic:
		one = n.Kind
	case mute.Person:
		one = n.Actor
	case mute.App:
		one = n.App
	}
	if one == "" {
		return nil
	}
	return []string{one}
}

// filterNamed finds one of the speaker's filters by its name, or by how that begins.
func (d *Desk) filterNamed(ctx context.Context, who speaker, name string) (mute.Kind, string, string, error) {
	all, err := d.Filters.List(ctx, who.user.ID)
	if err != nil {
		return mute.Filter, "", "", err
	}
	var exact, begin []prefs.Filter
	for _, f := range all {
		switch {
		case strings.EqualFold(f.Name, name):
			exact = append(exact, f)
		case strings.HasPrefix(strings.ToLower(f.Name), strings.ToLower(name)):
			begin = append(begin, f)
		}
	}
	if len(exact) == 0 {
		exact = begin
	}
	if len(exact) != 1 {
		problem := fmt.Sprintf("%d of your filters are called %s.", len(exact), quote(name))
		return mute.Filter, "", "", &Mistake{Problem: problem, Help: "Say filters for their names."}
	}
	return mute.Filter, strconv.FormatUint(uint64(exact[0].ID), 10), exact[0].Name, nil
}

// some names a few of a list.
func some(list []string) string {
	shown := make([]string, 0, 4)
	for _, v := range list[:min(len(list), 3)] {
		shown = append(shown, text.ElideRunes(text.OneLine(v), 60))
	}
	if more := len(list) - len(shown); more > 0 {
		return strings.Join(shown, ", ") + " or one of " + strconv.Itoa(more) + " more"
	}
	return text.Series(shown, "or")
}

// on lists the mutes of the speaker that are on, the newest first.
func (d *Desk) on(ctx context.Context, who speaker) ([]mutes.Record, error) {
	all, err := d.Mutes.List(ctx, who.user.ID)
	return slices.DeleteFunc(all, func(r mutes.Record) bool { return !r.On(who.now) }), err
}

// unmute ends mutes: the newest, all, or what is named.
func (d *Desk) unmute(ctx context.Context, who speaker, o Order) ([]string, error) {
	list, err := d.on(ctx, who)
	if err != nil {
		return nil, err
	}
	if who.byMail { // a mail that was passed on ends nothing that its owner has made elsewhere
		list = slices.DeleteFunc(list, func(r mutes.Record) bool { return r.By != "mail" })
	}
	if len(list) == 0 {
		return []string{"Nothing is muted" + d.byMailOnly(who) + "."}, nil
	}
	chosen, err := choose(list, o)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, r := range chosen {
		if err := d.Mutes.End(ctx, who.user.ID, r.ID); err != nil {
			return nil, err
		}
		if len(lines) < lastShown {
			lines = append(lines, "No longer muted: "+r.Of()+". It had silenced "+
				text.Plural(r.Silenced, "message", "messages")+".")
		}
	}
	if more := len(chosen) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("And %d more.", more))
	}
	return append(lines, "Undo: mute, with what and how long."), nil
}

func (d *Desk) byMailOnly(who speaker) string {
	if !who.byMail {
		return ""
	}
	return " by mail"
}

// choose finds the mutes that an order means.
func choose(list []mutes.Record, o Order) ([]mutes.Record, error) {
	switch {
	case o.All:
		return list, nil
	case o.N > len(list):
		return nil, &Mistake{Problem: "There are not so many mutes.", Help: "Say status for their numbers."}
	case o.N > 0:
		return list[o.N-1 : o.N], nil
	case o.What == "" && o.Name == "":
		return list[:1], nil
	}
	chosen := slices.Clone(list)
	chosen = slices.DeleteFunc(chosen, func(r mutes.Record) bool {
		return o.What != "" && r.Kind != kinds[o.What] ||
			o.Name != "" && !strings.EqualFold(r.Value, o.Name) && !strings.EqualFold(r.Label, o.Name)
	})
	if len(chosen) == 0 {
		return nil, &Mistake{Problem: "Nothing like that is muted.", Help: "Say status for what is."}
	}
	if o.Name == "" {
		chosen = chosen[:1]
	}
	return chosen, nil
}
