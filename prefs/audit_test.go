package prefs_test

import (
	"context"
	"crypto/rand"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/rescue"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

// A changeWorld is what the methods that change something are called with: carol, an admin, who acts on alice.
type changeWorld struct {
	t      *testing.T
	s      *prefs.Store
	o      *outbox.Outbox
	c      *clock
	ctx    context.Context
	alice  prefs.User
	mail   prefs.Destination
	filter prefs.Filter
	secret string // that the method gave, and no entry may have
}

// login is one of alice's, by her address.
func (w *changeWorld) login() accounts.Login {
	return accounts.Login{User: w.alice.ID, Way: accounts.ByMail, Destination: w.mail.ID, Network: "192.0.2.0/24"}
}

// provider signs alice in at a provider.
func (w *changeWorld) provider() {
	now := newClock().now().UnixMicro()
	ok(w.t, w.s.Write(w.ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO identities (user_id, issuer, subject, name, groups, created_at, used_at) "+
			"VALUES (?, 'https://id.example.org', 'alice-1', 'alice', '[]', ?, ?)", w.alice.ID, now, now).Error
	}))
	var id uint
	ok(w.t, w.s.Write(w.ctx, func(tx *gorm.DB) error {
		return tx.Raw("SELECT id FROM identities WHERE user_id = ?", w.alice.ID).Scan(&id).Error
	}))
	l := accounts.Login{User: w.alice.ID, Way: "example", Identity: id, SID: "s1"}
	must[string](w.t)(w.s.Logins.Begin(w.ctx, l))
}

// confirmed gives alice one more address.
func (w *changeWorld) confirmed(address string) prefs.Destination {
	d := must[prefs.Destination](w.t)(w.s.Destinations.Add(w.ctx, w.alice.ID, "email", address))
	code := must[string](w.t)(w.s.Destinations.NewCode(w.ctx, w.alice.ID, d.ID))
	ok(w.t, w.s.Destinations.Confirm(w.ctx, w.alice.ID, d.ID, code))
	return d
}

// mute mutes something of alice's until it is solved.
func (w *changeWorld) mute() uint {
	of := mute.Mute{Kind: mute.Object, Value: "ticket/1", UntilSolved: true}
	m, _, err := w.s.Mutes.Make(w.ctx, w.alice.ID, of, "api")
	ok(w.t, err)
	return m.ID
}

// changing are the methods of the parts of a Store that change something of a person, with what they note.
var changing = map[string]struct {
	what accounts.What
	by   accounts.Kind
	call func(w *changeWorld) error
}{
	"Accounts.Register": {accounts.AccountRegister, accounts.Person, func(w *changeWorld) error {
		ctx := accounts.WithActor(w.ctx, accounts.Actor{Kind: accounts.Person, Network: "192.0.2.0/24"}) // nobody yet
		_, err := w.s.Accounts.Register(ctx, "dave", "", "email", "dave@example.org")
		return err
	}},
	"Accounts.Rename": {accounts.AccountRename, accounts.Operator, func(w *changeWorld) error {
		return w.s.Accounts.Rename(w.ctx, w.alice.ID, "alicia")
	}},
	"Accounts.SetZone": {accounts.AccountZone, accounts.Operator, func(w *changeWorld) error {
		return w.s.Accounts.SetZone(w.ctx, w.alice.ID, "Asia/Tokyo")
	}},
	"Accounts.Delete": {accounts.AccountDelete, accounts.Operator, func(w *changeWorld) error {
		return w.s.Accounts.Delete(w.ctx, w.alice.ID)
	}},
	"Accounts.Assign": {accounts.AccountRename, accounts.Operator, func(w *changeWorld) error {
		return w.s.Accounts.Assign(w.ctx, w.alice.ID, "alicia")
	}},
	"Accounts.Disable": {accounts.AccountDisable, accounts.Operator, func(w *changeWorld) error {
		return w.s.Accounts.Disable(w.ctx, w.alice.ID, "she asked for it", accounts.ByOperator)
	}},
	"Accounts.Enable": {accounts.AccountEnable, accounts.Operator, func(w *changeWorld) error {
		ok(w.t, w.s.Accounts.Disable(w.ctx, w.alice.ID, "she asked for it", accounts.ByOperator))
		return w.s.Accounts.Enable(w.ctx, w.alice.ID, accounts.ByOperator)
	}},
	"Accounts.SignInAs": {accounts.AccountRename, accounts.Upstream, func(w *changeWorld) error {
		w.provider()
		_, err := w.s.Accounts.SignInAs(w.ctx,
			accounts.Identity{Issuer: "https://id.example.org", Subject: "alice-1", Name: "alissa"})
		return err
	}},
	"Accounts.Link": {accounts.IdentityLink, accounts.Operator, func(w *changeWorld) error {
		_, err := w.s.Accounts.Link(w.ctx, w.alice.ID, accounts.Identity{Issuer: "https://id.example.org", Subject: "9"})
		return err
	}},
	"Accounts.Rebind": {accounts.IdentityMove, accounts.Operator, func(w *changeWorld) error {
		w.provider()
		_, err := w.s.Accounts.Rebind(w.ctx, "https://id.example.org", "https://new.example.org",
			map[string]string{"alice-1": "1"})
		return err
	}},
	"Logins.Begin": {accounts.LoginNew, accounts.Person, func(w *changeWorld) (err error) {
		w.secret, err = w.s.Logins.Begin(w.ctx, w.login())
		return err
	}},
	"Logins.End": {accounts.LoginEnd, accounts.Operator, func(w *changeWorld) error {
		must[string](w.t)(w.s.Logins.Begin(w.ctx, w.login()))
		list := must[[]accounts.Login](w.t)(w.s.Logins.List(w.ctx, w.alice.ID))
		return w.s.Logins.End(w.ctx, w.alice.ID, list[0].ID)
	}},
	"Logins.EndOthers": {accounts.LoginEndAll, accounts.Operator, func(w *changeWorld) error {
		must[string](w.t)(w.s.Logins.Begin(w.ctx, w.login()))
		_, err := w.s.Logins.EndOthers(w.ctx, w.alice.ID, 0)
		return err
	}},
	"Logins.EndAll": {accounts.LoginEndAll, accounts.Operator, func(w *changeWorld) error {
		must[string](w.t)(w.s.Logins.Begin(w.ctx, w.login()))
		return w.s.Write(w.ctx, func(tx *gorm.DB) error { return w.s.Logins.EndAll(tx, w.alice.ID) })
	}},
	"Logins.EndBySID": {accounts.LoginEnd, accounts.Upstream, func(w *changeWorld) error {
		w.provider()
		_, err := w.s.Logins.EndBySID(w.ctx, "https://id.example.org", "s1")
		return err
	}},
	"Logins.EndBySubject": {accounts.LoginEnd, accounts.Upstream, func(w *changeWorld) error {
		w.provider()
		_, err := w.s.Logins.EndBySubject(w.ctx, "https://id.example.org", "alice-1")
		return err
	}},
	"Accounts.NoteExport": {accounts.AccountExport, accounts.Operator, func(w *changeWorld) error {
		return w.s.Accounts.NoteExport(w.ctx, w.alice.ID)
	}},
	"Tokens.New": {accounts.TokenNew, accounts.Operator, func(w *changeWorld) (err error) {
		w.secret, err = w.s.Tokens.New(w.ctx, w.alice.ID, "laptop")
		return err
	}},
	"Tokens.Revoke": {accounts.TokenRevoke, accounts.Operator, func(w *changeWorld) error {
		w.secret = must[string](w.t)(w.s.Tokens.New(w.ctx, w.alice.ID, "laptop"))
		list := must[[]prefs.APIToken](w.t)(w.s.Tokens.List(w.ctx, w.alice.ID))
		return w.s.Tokens.Revoke(w.ctx, w.alice.ID, list[0].ID)
	}},
	"Destinations.Add": {accounts.DestinationAdd, accounts.Operator, func(w *changeWorld) error {
		_, err := w.s.Destinations.Add(w.ctx, w.alice.ID, "irc", "alice")
		return err
	}},
	"Destinations.NewCode": {accounts.DestinationCode, accounts.Operator, func(w *changeWorld) (err error) {
		irc := must[prefs.Destination](w.t)(w.s.Destinations.Add(w.ctx, w.alice.ID, "irc", "alice"))
		w.secret, err = w.s.Destinations.NewCode(w.ctx, w.alice.ID, irc.ID)
		return err
	}},
	"Destinations.AskCode": {accounts.DestinationCode, accounts.Operator, func(w *changeWorld) error {
		irc := must[prefs.Destination](w.t)(w.s.Destinations.Add(w.ctx, w.alice.ID, "irc", "alice"))
		_, err := w.s.Destinations.AskCode(w.ctx, w.alice.ID, irc.ID)
		return err
	}},
	"Destinations.Confirm": {accounts.DestinationConfirm, accounts.Operator, func(w *changeWorld) error {
		irc := must[prefs.Destination](w.t)(w.s.Destinations.Add(w.ctx, w.alice.ID, "irc", "alice"))
		w.secret = must[string](w.t)(w.s.Destinations.NewCode(w.ctx, w.alice.ID, irc.ID))
		return w.s.Destinations.Confirm(w.ctx, w.alice.ID, irc.ID, w.secret)
	}},
	"Destinations.SetOn": {accounts.DestinationOff, accounts.Operator, func(w *changeWorld) error {
		return w.s.Destinations.SetOn(w.ctx, w.alice.ID, w.mail.ID, false)
	}},
	"Destinations.SetSchedule": {accounts.DestinationSchedule, accounts.Operator, func(w *changeWorld) error {
		return w.s.Destinations.SetSchedule(w.ctx, w.alice.ID, w.mail.ID, schedule.Schedule{At: "07:00"})
	}},
	"Destinations.SetOptions": {accounts.DestinationLooks, accounts.Operator, func(w *changeWorld) error {
		return w.s.Destinations.SetOptions(w.ctx, w.alice.ID, w.mail.ID, map[string]string{"format": "text"})
	}},
	"Destinations.SetQuiet": {accounts.DestinationQuiet, accounts.Operator, func(w *changeWorld) error {
		return w.s.Destinations.SetQuiet(w.ctx, w.alice.ID, w.mail.ID, nights(w.t))
	}},
	"Accounts.SetQuiet": {accounts.AccountQuiet, accounts.Operator, func(w *changeWorld) error {
		return w.s.Accounts.SetQuiet(w.ctx, w.alice.ID, nights(w.t))
	}},
	"Accounts.Pause": {accounts.AccountPause, accounts.Operator, func(w *changeWorld) error {
		return w.s.Accounts.Pause(w.ctx, w.alice.ID, schedule.Pause{Until: w.c.now().Add(time.Hour)})
	}},
	"Accounts.Resume": {accounts.AccountResume, accounts.Operator, func(w *changeWorld) error {
		ok(w.t, w.s.Accounts.Pause(w.ctx, w.alice.ID, schedule.Pause{Until: w.c.now().Add(time.Hour)}))
		return w.s.Accounts.Resume(w.ctx, w.alice.ID, true)
	}},
	"Filters.SetSchedule": {accounts.FilterSchedule, accounts.Operator, func(w *changeWorld) error {
		return w.s.Filters.SetSchedule(w.ctx, w.alice.ID, w.filter.ID, w.mail.ID, &schedule.Schedule{At: "07:00"})
	}},
	"Rescue.SetFallback": {accounts.DestinationFallback, accounts.Operator, func(w *changeWorld) error {
		second := w.confirmed("second@example.org")
		return w.s.Rescue.SetFallback(w.ctx, w.alice.ID, rescue.Fallback{From: w.mail.ID, To: second.ID, Attempts: 3})
	}},
	"Rescue.SetEscalation": {accounts.AccountEscalation, accounts.Operator, func(w *changeWorld) error {
		return w.s.Rescue.SetEscalation(w.ctx, w.alice.ID, rescue.Escalation{Everywhere: true})
	}},
	"Destinations.SetCap": {accounts.DestinationCap, accounts.Operator, func(w *changeWorld) error {
		return w.s.Destinations.SetCap(w.ctx, w.alice.ID, w.mail.ID, outbox.Cap{Count: 5, Window: time.Hour})
	}},
	"Destinations.Disable": {accounts.DestinationRefuse, accounts.Daemon, func(w *changeWorld) error {
		return w.s.Destinations.Disable(w.ctx, w.mail.ID, "550 no such mailbox")
	}},
	"Destinations.Respell": {accounts.DestinationRespell, accounts.Daemon, func(w *changeWorld) error {
		_, err := w.s.Destinations.Respell(w.ctx, "email", func(a string) (string, error) { return "x" + a, nil })
		return err
	}},
	"Destinations.Delete": {accounts.DestinationDelete, accounts.Operator, func(w *changeWorld) error {
		return w.s.Destinations.Delete(w.ctx, w.alice.ID, w.mail.ID)
	}},
	"Destinations.LetIn": {accounts.DestinationSignIn, accounts.Operator, func(w *changeWorld) error {
		second := w.confirmed("second@example.org")
		ref := must[accounts.Ticket](w.t)(w.s.Destinations.AskLetIn(w.ctx, w.alice.ID, second.ID)).Ref
		w.secret = mailedSecret(w.t, w.s, ref, second.Address)
		return w.s.Destinations.LetIn(w.ctx, w.alice.ID, second.ID, w.secret)
	}},
	"Destinations.KeepOut": {accounts.DestinationSignIn, accounts.Operator, func(w *changeWorld) error {
		second := w.confirmed("second@example.org")
		ref := must[accounts.Ticket](w.t)(w.s.Destinations.AskLetIn(w.ctx, w.alice.ID, second.ID)).Ref
		ok(w.t, w.s.Destinations.LetIn(w.ctx, w.alice.ID, second.ID, mailedSecret(w.t, w.s, ref, second.Address)))
		return w.s.Destinations.KeepOut(w.ctx, w.alice.ID, w.mail.ID)
	}},
	"Destinations.Pause": {accounts.DestinationOff, accounts.Operator, func(w *changeWorld) error {
		return w.s.Destinations.Pause(w.ctx, w.alice.ID, w.mail.ID)
	}},
	"Accounts.Unlink": {accounts.IdentityUnlink, accounts.Operator, func(w *changeWorld) error {
		w.provider()
		list := must[[]accounts.Known](w.t)(w.s.Accounts.Identities(w.ctx, w.alice.ID))
		return w.s.Accounts.Unlink(w.ctx, w.alice.ID, list[0].ID)
	}},
	"Undos.Do": {accounts.AccountUndo, accounts.Link, func(w *changeWorld) error {
		w.confirmed("second@example.org")
		w.secret = undoSecret(w.t, w.s, w.mail.Address)
		_, err := w.s.Undos.Do(w.ctx, w.secret)
		return err
	}},
	"Destinations.Resend": {accounts.NoticeResend, accounts.Operator, func(w *changeWorld) error {
		return w.s.Destinations.Resend(w.ctx, w.o, 0, dead(w), false)
	}},
	"Filters.Save": {accounts.FilterSave, accounts.Operator, func(w *changeWorld) error {
		w.filter.Name = "Other"
		_, err := w.s.Filters.Save(w.ctx, w.alice.ID, w.filter)
		return err
	}},
	"Operators.SwitchOff": {accounts.FilterOff, accounts.Operator, func(w *changeWorld) error {
		return w.s.Operators.SwitchOff(w.ctx, w.alice.ID, w.filter.ID, "it matches everything")
	}},
	"Operators.LetIn": {accounts.DestinationSignIn, accounts.Operator, func(w *changeWorld) error {
		_, err := w.s.Operators.LetIn(w.ctx, w.alice.ID, "email", "alice@new.example.org")
		return err
	}},
	"Operators.Looked": {accounts.AccountLook, accounts.Operator, func(w *changeWorld) error {
		return w.s.Operators.Looked(w.ctx, w.alice.ID, "the account")
	}},
	"Filters.Copy": {accounts.FilterSave, accounts.Operator, func(w *changeWorld) error {
		_, err := w.s.Filters.Copy(w.ctx, w.alice.ID, w.filter.ID)
		return err
	}},
	"Filters.SetOn": {accounts.FilterOff, accounts.Operator, func(w *changeWorld) error {
		return w.s.Filters.SetOn(w.ctx, w.alice.ID, w.filter.ID, false)
	}},
	"Filters.Delete": {accounts.FilterDelete, accounts.Operator, func(w *changeWorld) error {
		return w.s.Filters.Delete(w.ctx, w.alice.ID, w.filter.ID)
	}},
	"Destinations.SendNow": {accounts.NoticeNow, accounts.Operator, func(w *changeWorld) error {
		return w.s.Destinations.SendNow(w.ctx, w.o, w.alice.ID, w.mail.ID)
	}},
	"Destinations.ThrowAway": {accounts.NoticeDrop, accounts.Operator, func(w *changeWorld) error {
		_, _, err := w.s.Destinations.ThrowAway(w.ctx, w.o, w.alice.ID, w.mail.ID)
		return err
	}},
	"Destinations.KeepAll": {accounts.NoticeKeep, accounts.Operator, func(w *changeWorld) error {
		_, err := w.s.Destinations.KeepAll(w.ctx, w.o, w.alice.ID, w.mail.ID, 1)
		return err
	}},
	"Mutes.Make": {accounts.MuteMake, accounts.Operator, func(w *changeWorld) error {
		w.mute()
		return nil
	}},
	"Mutes.End": {accounts.MuteEnd, accounts.Operator, func(w *changeWorld) error {
		return w.s.Mutes.End(w.ctx, w.alice.ID, w.mute())
	}},
	"Mutes.Undo": {accounts.MuteEnd, accounts.Operator, func(w *changeWorld) error {
		return w.s.Mutes.Undo(w.ctx, w.alice.ID, w.mute())
	}},
	"Subscriptions.Muted": {accounts.MuteSolved, accounts.Daemon, func(w *changeWorld) error {
		w.mute()
		by := mute.NewSilencer(newClock().now())
		return w.s.Write(w.ctx, func(tx *gorm.DB) error {
			ends, err := w.s.Subscriptions.MutesThatEnd(tx, []string{"ticket/1"}, newClock().now())
			by.Begin(mute.Facts{Objects: []string{"ticket/1"}, Solved: "ticket/1"}, ends)
			return errors.Join(err, w.s.Subscriptions.Muted(tx, by))
		})
	}},
	"Subscriptions.SwitchOffOneShots": {accounts.FilterUsed, accounts.Daemon, func(w *changeWorld) error {
		ok(w.t, setOneShot(w.ctx, w.s, w.alice.ID, w.filter.ID, true))
		return w.s.Write(w.ctx, func(tx *gorm.DB) error {
			_, err := w.s.Subscriptions.SwitchOffOneShots(tx, []rulespec.FilterID{w.filter.ID})
			return err
		})
	}},
	"Subscriptions.MarkExpensive": {accounts.FilterDear, accounts.Daemon, func(w *changeWorld) error {
		revision := must[int64](w.t)(w.s.Subscriptions.Revision(w.ctx, nil))
		return w.s.Subscriptions.MarkExpensive(w.ctx, map[rulespec.FilterID]int64{w.filter.ID: 99}, revision)
	}},
	"Unsubscriber.Unsubscribe": {accounts.FilterDetach, accounts.Link, func(w *changeWorld) error {
		_, err := w.s.Unsubscriber.Unsubscribe(w.ctx, links.Target{Destination: w.mail.ID, Filter: w.filter.ID})
		return err
	}},
	"Unsubscriber.StopAddress": {accounts.DestinationOff, accounts.Said, func(w *changeWorld) error {
		_, err := w.s.Unsubscriber.StopAddress(w.ctx, "email", w.mail.Address, "")
		return err
	}},
	"Unsubscriber.Undo": {accounts.DestinationOn, accounts.Link, func(w *changeWorld) error {
		did := must[links.Change](w.t)(w.s.Unsubscriber.Unsubscribe(w.ctx, links.Target{Destination: w.mail.ID}))
		return w.s.Unsubscriber.Undo(w.ctx, did)
	}},
}

// notChanging are the other methods, with the reason why they note nothing.
var notChanging = map[string]string{
	"Passkeys.Add": "needs a device: package passkeys tests its entry", "Passkeys.Remove": "as Add",
	"Passkeys.Reset": "as Add", "Passkeys.Prove": "changes nothing but the time of the last use", "Passkeys.List": "reads",
	"Accounts.User": "reads", "Accounts.ByIdentity": "reads", "Accounts.SubjectsOf": "reads", "Filters.Owner": "reads", "Destinations.Owner": "reads",
	"Accounts.ByName": "reads", "Accounts.ByAddress": "reads",
	"Accounts.ByWayIn": "reads", "Accounts.Claimed": "reads", "Accounts.Unproved": "reads",
	"Accounts.Identities": "reads", "Accounts.Adopt": "of accounts of before, once",
	"Accounts.Free":      "of a name that no account has",
	"Accounts.Review":    "needs a directory: TestReview",
	"Invitations.Invite": "there is no account yet", "Invitations.Withdraw": "as Invite", "Invitations.List": "reads",
	"Invitations.Prune": "what has expired",
	"Logins.Find":       "reads, and notes the time of use on the login", "Logins.List": "reads", "Logins.Life": "reads",
	"Logins.Freshen": "on the login", "Logins.OnBegin": "wiring", "Logins.Prune": "what has expired",
	"Logins.EndByDestination": "whoever takes the way in away notes that", "Logins.EndByIdentity": "as EndByDestination",
	"Accounts.NewSignIn": "nobody is known yet", "Accounts.SignIn": "whoever makes the login of it notes that",
	"Accounts.AskSignIn": "as NewSignIn", "Accounts.SignInAddress": "reads",
	"Undos.Show":            "reads",
	"Destinations.AskFresh": "changes nothing", "Destinations.TryFresh": "changes nothing",
	"Destinations.AskLetIn": "changes nothing yet",
	"Destinations.List":     "reads", "Destinations.Get": "reads", "Destinations.Owners": "reads",
	"Destinations.Holder": "reads", "Destinations.Offers": "reads",
	"Destinations.AddVouched": "needs a directory: TestVouched",
	"Filters.List":            "reads", "Filters.Get": "reads",
	"Operators.List": "reads", "Operators.Get": "reads", "Operators.Find": "reads", "Operators.Holding": "reads",
	"Operators.Stopped": "reads",
	"Sessions.FindCtx":  "of a browser, not of a person", "Sessions.CommitCtx": "as FindCtx",
	"Sessions.DeleteCtx": "as FindCtx", "Sessions.Find": "as FindCtx", "Sessions.Commit": "as FindCtx",
	"Sessions.Delete": "as FindCtx",
	"Tokens.List":     "reads", "Tokens.User": "reads, and notes the time of use on the token",
	"Subscriptions.Revision": "reads", "Subscriptions.Changes": "reads", "Subscriptions.RevisionTime": "reads",
	"Subscriptions.Contradict": "reads", "Subscriptions.Stream": "reads", "Subscriptions.FiltersOn": "reads",
	"Subscriptions.Load": "reads", "Rescue.Fallback": "reads", "Rescue.Escalation": "reads", "Rescue.Routes": "reads",
	"Subscriptions.KeepSurges": "notes what is counted",
	"Subscriptions.KeepRates":  "notes what is counted", "Reasons.Explain": "reads",
	"Destinations.Returned": "as Disable, where it ends a destination",
	"Mutes.List":            "reads", "Mutes.Get": "reads", "Subscriptions.MutesThatEnd": "reads",
	"Unsubscriber.Subject": "reads", "Unsubscriber.Stopped": "reads", "Unsubscriber.Speakers": "reads",
	"Unsubscriber.TellStopped": "the stop was noted", "Unsubscriber.Used": "Undo notes it",
}

// dead makes a delivery to alice that was given up, and returns its id.
func dead(w *changeWorld) int64 {
	ok(w.t, w.s.Write(w.ctx, func(tx *gorm.DB) error {
		_, err := w.o.Add(tx, []outbox.Delivery{{Message: "m1", Destination: prefs.Key(w.mail.ID), Backend: "email",
			Address: w.mail.Address, DueAt: newClock().now().Add(time.Hour)}})
		return err
	}))
	ok(w.t, w.o.CancelOne(w.ctx, prefs.Key(w.mail.ID), "full"))
	return must[[]outbox.Entry](w.t)(w.o.Find(w.ctx, outbox.Query{State: outbox.Dead, Limit: 1}))[0].ID
}

// TestEveryChangeIsNoted calls each method of the store that changes something of a person: the audit then says what
// was done, by whom and from where, with what differs and without secrets. A method that is on neither list fails.
func TestEveryChangeIsNoted(t *testing.T) {
	for _, name := range methods(reflect.TypeFor[prefs.Store]()) {
		_, changes := changing[name]
		if _, not := notChanging[name]; changes == not {
			t.Errorf("%s: add it to changing, with a call that shows its entry, or to notChanging, with a reason", name)
		}
	}
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		o := outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{}, c.now, rand.Reader)
		carol, _ := person(t, s, "carol")
		for name, test := range changing {
			alice, mail := person(t, s, "alice")
			w := &changeWorld{t: t, s: s, o: o, c: c, alice: alice, mail: mail,
				filter: must[[]prefs.Filter](t)(s.Filters.List(t.Context(), alice.ID))[0]}
			w.ctx = accounts.WithActor(t.Context(), accounts.Actor{
				Kind: accounts.Person, ID: carol.ID, Name: "carol", Role: "admin", Network: "192.0.2.0/24"})
			if err := test.call(w); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			checkNote(t, name, w, test.what, test.by)
			for _, who := range []string{"alice", "alicia", "alissa", "dave"} {
				if u, err := s.Accounts.ByName(t.Context(), who); err == nil {
					ok(t, s.Accounts.Delete(t.Context(), u.ID))
				}
			}
		}
	})
}

// checkNote checks the last entry of the audit: that of the change.
func checkNote(t *testing.T, name string, w *changeWorld, what accounts.What, by accounts.Kind) {
	t.Helper()
	var last accounts.Entry
	for e, err := range w.s.Audit.Walk(t.Context(), 0, time.Time{}) {
		ok(t, err)
		last = e
	}
	if last.What != what || last.By.Kind != by {
		t.Errorf("%s: the last entry is %s by %q; want %s by %q", name, last.What, last.By.Kind, what, by)
		return
	}
	if what != accounts.AccountRegister && last.User != w.alice.ID {
		t.Errorf("%s: of account %d, want %d", name, last.User, w.alice.ID)
	}
	if what == accounts.AccountDelete {
		if last.By.Name != "carol" || last.Before != nil || last.After != nil {
			t.Errorf("%s: %+v", name, last)
		}
		return
	}
	if last.By.Network != "192.0.2.0/24" && by != accounts.Upstream || by == accounts.Operator && last.By.Role != "admin" {
		t.Errorf("%s: by %+v", name, last.By)
	}
	if len(last.Differences()) == 0 && what != accounts.LoginEnd {
		t.Errorf("%s: nothing differs: %+v", name, last)
	}
	for _, f := range []accounts.Fields{last.Before, last.After} {
		for field, value := range f {
			if w.secret != "" && strings.Contains(value, w.secret) {
				t.Errorf("%s: the field %s has a secret", name, field)
			}
		}
	}
}

// methods returns the exported methods of the parts of a store, as "Part.Method".
func methods(store reflect.Type) []string {
	var names []string
	for i := range store.NumField() {
		part := store.Field(i)
		own := part.Type == reflect.TypeFor[*accounts.Audit]() || part.Type == reflect.TypeFor[*accounts.Mailed]()
		if !part.IsExported() || own {
			continue
		}
		for m := range part.Type.NumMethod() {
			names = append(names, part.Name+"."+part.Type.Method(m).Name)
		}
	}
	return names
}

// TestADestinationTakesItsFiltersAlong notes the filters that are switched off with their only destination.
func TestADestinationTakesItsFiltersAlong(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		f := must[[]prefs.Filter](t)(s.Filters.List(ctx, alice.ID))[0]
		f.Destinations = []uint{mail.ID}
		must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, f))
		ok(t, s.Destinations.Delete(ctx, alice.ID, mail.ID))
		got := must[[]accounts.Entry](t)(s.Audit.Of(ctx, alice.ID, 0, 2))
		off, gone := got[0], got[1]
		if off.What != accounts.FilterOff || off.After["filter"] != f.Name || gone.What != accounts.DestinationDelete {
			t.Errorf("%+v", got)
		}
	})
}

// TestOldEntriesGo prunes the audit in the round of Run.
func TestOldEntriesGo(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, c *clock) {
		alice, _ := person(t, s, "alice")
		c.pass(accounts.KeepAudit - time.Minute)
		ok(t, s.Prune(t.Context()))
		if got := must[[]accounts.Entry](t)(s.Audit.Of(t.Context(), alice.ID, 0, 9)); len(got) != 1 {
			t.Errorf("young: %v", got)
		}
		c.pass(2 * time.Minute)
		ok(t, s.Prune(t.Context()))
		if got := must[[]accounts.Entry](t)(s.Audit.Of(t.Context(), alice.ID, 0, 9)); len(got) != 0 {
			t.Errorf("old: %v", got)
		}
	})
}
