package accounts

import "context"

// A Kind of actor says in which way somebody changed something.
type Kind string

// These are the kinds of actors. A Person who changes the account of another is an Operator; Add finds that out.
const (
	Unsaid   Kind = ""         // whoever called has not said: WithActor is missing there
	Person   Kind = "person"   // on the pages
	Operator Kind = "operator" // a helper or an admin, on the pages
	Link     Kind = "link"     // whoever opened a signed link in a mail
	Said     Kind = "said"     // whoever has an address and said so there, as by "stop" on IRC
	Command  Kind = "command"  // somebody at the command line of the machine
	Daemon   Kind = "notifyd"  // notifyd itself: an address that is refused, a filter that sends once
	Upstream Kind = "upstream" // a provider or the directory
)

// An Actor is who changes something, and from where.
type Actor struct {
	Kind    Kind
	ID      uint   // the account; 0: none
	Name    string // of the account, of the provider, or of the user at the command line
	Role    string // as Role says it: "helper", "admin"; "" for a user
	Network string // where the request came from; "" where it came over none
}

type actorKey struct{}

// WithActor says who makes the changes that are made with ctx.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf returns who makes the changes of ctx; the zero Actor where nobody said it.
func ActorOf(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

// Of returns the actor as seen from an account: somebody else on the pages is an operator.
func (a Actor) Of(user uint) Actor {
	if a.Kind == Person && a.ID != 0 && a.ID != user {
		a.Kind = Operator
	}
	return a
}

// By says who an actor is, for the account that was changed: "you", "helper carol", "a link in a mail".
func (a Actor) By() string {
	switch a.Kind {
	case Person:
		return "you"
	case Operator:
		who := a.Name
		if who == "" {
			who = "whose account is gone"
		}
		if a.Role == "" {
			return "an operator, " + who
		}
		return a.Role + " " + who
	case Link:
		return "a link in a mail"
	case Said:
		return "whoever has the address, who said so there"
	case Command:
		return named("an operator at the command line", a.Name)
	case Daemon:
		return "notifyd itself"
	case Upstream:
		return named("where the account comes from", a.Name)
	}
	return "somebody, it was not noted who"
}

func named(words, name string) string {
	if name == "" {
		return words
	}
	return words + " (" + name + ")"
}
