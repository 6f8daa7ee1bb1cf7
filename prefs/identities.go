package prefs

import (
	"context"
	"errors"
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// identities.go is about people who sign in at a provider. An account is found by issuer and subject, and never by a
// name or a mail address that the provider sends.

// An Entrance is somebody whom a provider has let in: what Logins.Begin needs.
type Entrance struct {
	User     User
	Identity uint // that let them in
	New      bool // the account was just made
}

// SignInAs returns the account that an identity leads to. One that is not known yet makes an account, where the site
// lets the person in. The name that the provider says is the account's from now on; one that changes moves with the
// account, and the old one stays reserved for it. Groups and the name are noted, for roles and the directory.
//
// The error is a *accounts.Refusal where the site does not let the person in, and a *accounts.DisabledError where the
// account is disabled: by an operator, or because the provider says so now.
func (s *Accounts) SignInAs(ctx context.Context, id accounts.Identity) (Entrance, error) {
	if err := id.Check(); err != nil {
		return Entrance{}, err
	}
	if id.Disabled != "" {
		if err := s.disableWhoIs(ctx, id); err != nil {
			return Entrance{}, err
		}
	}
	var in Entrance
	var refused error
	err := s.change(ctx, "sign in by identity", func(tx *gorm.DB) error {
		known, found, err := accounts.FindIdentity(tx, id.Issuer, id.Subject)
		if err != nil {
			return err
		}
		if !found {
			if id.Disabled != "" {
				return &accounts.Refusal{Text: id.Disabled}
			}
			in, err = s.enrollAs(tx, id)
			return err
		}
		in.Identity = known.ID
		in.User, refused, err = s.welcomeBack(tx, known, id)
		return err
	})
	return in, errors.Join(err, refused)
}

// disableWhoIs disables the account that an identity leads to, if there is one, since the provider says so.
func (s *Accounts) disableWhoIs(ctx context.Context, id accounts.Identity) error {
	known, found, err := accounts.FindIdentity(s.read(ctx), id.Issuer, id.Subject)
	if err != nil || !found {
		return explain("read identity", err)
	}
	upstream := accounts.WithActor(ctx, accounts.Actor{Kind: accounts.Upstream, Name: id.Way})
	return s.Disable(upstream, known.User, id.Disabled, accounts.ByUpstream)
}

// welcomeBack brings what a provider says now to the account that its identity leads to. refused is the error for whom
// it lets in no more; what it has changed is stored all the same.
func (s *Accounts) welcomeBack(tx *gorm.DB, known accounts.Known, id accounts.Identity) (u User, refused, err error) {
	row, err := lock(tx, known.User) // before the identity, as Logins.Begin does
	if err != nil {
		return User{}, nil, err
	}
	if err := accounts.UseIdentity(tx, s.micro(), known.ID, id); err != nil {
		return User{}, nil, err
	}
	if id.Disabled == "" && row.DisabledBy == accounts.ByUpstream && accounts.IsOf(id.Title, row.Disabled) {
		if err := s.enable(tx, row.ID, accounts.ByUpstream); err != nil {
			return User{}, nil, err
		}
	}
	if err := s.nameAfter(tx, row.ID, id); err != nil {
		return User{}, nil, err
	}
	if row, err = lock(tx, known.User); err != nil {
		return User{}, nil, err
	}
	if row.Disabled != "" {
		refused = &accounts.DisabledError{Reason: row.Disabled}
	}
	return row.user(), refused, nil
}

// nameAfter gives an account the name that its provider says, if no stronger proof says another and it is nobody
// else's. The name that the account had before stays reserved for it.
func (s *Accounts) nameAfter(tx *gorm.DB, user uint, id accounts.Identity) error {
	name, err := accounts.Clean(id.Name)
	if err != nil {
		return nil // the provider says none, or what no account has
	}
	holder := accounts.HolderOfIdentity(id.Issuer, id.Subject)
	return s.changeName(tx, user, accounts.Upstream, func(was userRow) error {
		if accounts.OfProvider.Weaker(accounts.Proof(was.Proof)) {
			return nil
		}
		_, err := s.give(tx, was, name, accounts.OfProvider, holder)
		if accounts.IsHeld(err) || errors.Is(err, ErrTaken) {
			return nil
		}
		return err
	})
}

// enrollAs makes an account for an identity that leads to none. A verified address becomes a confirmed destination,
// which does not sign in; where somebody has it already, the account has none at first.
func (s *Accounts) enrollAs(tx *gorm.DB, id accounts.Identity) (Entrance, error) {
	name, err := accounts.Clean(id.Name)
	if err != nil {
		name = ""
	}
	holder := accounts.HolderOfIdentity(id.Issuer, id.Subject)
	n := accounts.Newcomer{Mail: id.Mail, Name: name, Groups: slices.Concat(id.Groups, s.people().Groups(name))}
	var first *destinationRow
	if id.Mail != "" && checkDestination(id.MailBackend, id.Mail) == nil {
		err := s.claim(tx, 0, id.MailBackend, id.Mail)
		if err == nil {
			first = &destinationRow{Backend: id.MailBackend, Address: id.Mail, Confirmed: true, IsOn: true,
				CreatedAt: s.micro()}
		} else if !errors.Is(err, ErrClaimed) {
			return Entrance{}, err
		}
	}
	row := userRow{CreatedAt: s.micro()}
	var known accounts.Known
	err = s.enroll(tx, n, &row, first, func(tx *gorm.DB, row userRow) error {
		var err error
		if known, err = accounts.AddIdentity(tx, s.micro(), row.ID, id); err != nil || name == "" {
			return err
		}
		_, err = s.give(tx, row, name, accounts.OfProvider, holder)
		if accounts.IsHeld(err) || errors.Is(err, ErrTaken) {
			return &accounts.Refusal{Text: "The name " + name + " belongs to another account here. If that is yours, sign in " +
				"there the way you did before, and add this way to sign in on its page. Else ask those who run this service."}
		}
		return err
	})
	return Entrance{User: row.user(), Identity: known.ID, New: true}, err
}

// Link adds an identity to an account, as another way to sign in. The caller has proved just now that both are the same
// person's. The error is accounts.ErrBound where it leads to another account.
func (s *Accounts) Link(ctx context.Context, user uint, id accounts.Identity) (identity uint, err error) {
	if err := id.Check(); err != nil {
		return 0, err
	}
	err = s.change(ctx, "link identity", func(tx *gorm.DB) error {
		was, err := lock(tx, user)
		if err != nil {
			return err
		}
		known, found, err := accounts.FindIdentity(tx, id.Issuer, id.Subject)
		switch {
		case err != nil:
			return err
		case found && known.User != user:
			return accounts.ErrBound
		case id.Disabled != "":
			return &accounts.Refusal{Text: id.Disabled}
		case !found:
			if known, err = accounts.AddIdentity(tx, s.micro(), user, id); err != nil {
				return err
			}
			after := accounts.Fields{"issuer": id.Issuer, "name": id.Name}
			if err := s.note(tx, user, accounts.IdentityLink, object("identity", known.ID), nil, after); err != nil {
				return err
			}
			if err := s.happened(tx, accounts.Happened{User: user, Kind: accounts.IdentityLinked,
				About: id.Name + " (" + id.Issuer + ")", Undo: accounts.UndoData{Identity: known.ID, Name: was.Name,
					Proof: accounts.Proof(was.Proof)}}); err != nil {
				return err
			}
		}
		identity = known.ID
		return s.nameAfter(tx, user, id)
	})
	return identity, err
}

// Identities returns the identities that lead to an account.
func (s *Accounts) Identities(ctx context.Context, user uint) ([]accounts.Known, error) {
	known, err := accounts.IdentitiesOf(s.read(ctx), user)
	return known, explain("read identities", err)
}

// nameAgain gives an account the name that it had before an identity came or went, if that is still its own.
func (c *core) nameAgain(tx *gorm.DB, u accounts.Undo) error {
	return c.changeName(tx, u.User, "", func(was userRow) error {
		if was.Name == u.Data.Name && was.Proof == string(u.Data.Proof) {
			return nil
		}
		if u.Data.Name == "" {
			return c.unname(tx, u.User)
		}
		holder, err := accounts.HolderOf(tx, u.User)
		if err != nil {
			return err
		}
		_, err = c.give(tx, was, u.Data.Name, u.Data.Proof, holder)
		if accounts.IsHeld(err) || errors.Is(err, ErrTaken) {
			return nil
		}
		return err
	})
}

// unprove makes a name claimed that no identity of the account proves any more.
func (c *core) unprove(tx *gorm.DB, user uint) error {
	left, err := accounts.IdentitiesOf(tx, user)
	if err != nil {
		return err
	}
	return c.changeName(tx, user, "", func(was userRow) error {
		proves := func(k accounts.Known) bool { return accounts.Fold(k.Name) == accounts.Fold(was.Name) }
		if accounts.Proof(was.Proof) != accounts.OfProvider || slices.ContainsFunc(left, proves) {
			return nil
		}
		return tx.Model(&userRow{}).Where("id = ?", user).Update("proof", string(accounts.Claimed)).Error
	})
}
