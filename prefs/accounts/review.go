package accounts

import (
	"slices"
	"strings"
	"time"
)

// review.go says what is to be done about accounts by what the directory says now. It is pure.

// Why upstream disables an account: the directory's reasons, which the directory takes back.
const (
	OffInDirectory  = "the directory calls the account switched off"
	GoneInDirectory = "the directory has the account no more"
)

// IsOfDirectory reports whether it is the directory that has disabled an account, by the reason.
func IsOfDirectory(reason string) bool { return reason == OffInDirectory || reason == GoneInDirectory }

// Why a provider disables an account. title is what people call the provider, which alone takes it back: an account may
// have other ways in, whose providers know nothing of it.
func SaidBy(title, claim, value string) string    { return title + says + claim + ": " + value }
func NotSaidBy(title, claim, value string) string { return title + saysNot + claim + ": " + value }

const says, saysNot = " says ", " does not say "

// IsOf reports whether it is the provider of that title that has disabled an account, by the reason.
func IsOf(title, reason string) bool {
	return strings.HasPrefix(reason, title+says) || strings.HasPrefix(reason, title+saysNot)
}

// MissingGrace is how long a person may be missing in a healthy directory before the account is disabled.
const MissingGrace = 72 * time.Hour

// A review that would take a name or an account from more than reviewMost people, and from more than reviewShare of a
// hundred, is a fault of the directory until it says otherwise.
const (
	reviewMost  = 10
	reviewShare = 30
)

// A Reviewable is what a Review looks at of an account.
type Reviewable struct {
	ID                   uint
	Name                 string
	Proof                Proof
	Disabled, DisabledBy string
	Listed               bool      // the directory has had this person
	Missing              time.Time // since when it has not; zero: it has
	Addresses            []string  // that are confirmed by a code, of mailboxes
	Vouched              []Vouched // that are confirmed by the word of the directory
}

// A Vouched is a destination that is confirmed because the directory says whose it is.
type Vouched struct {
	ID               uint
	Backend, Address string
}

// A Review is what is to be done.
type Review struct {
	Now     time.Time
	Vouched map[uint]string // accounts that get a name, by an address that proves it
	Doubted []uint          // whose name the directory proves no more
	Off     map[uint]string // why they are to be disabled
	On      []uint
	Listed  []uint // of whom is noted that the directory has them
	Missing []uint // of whom is noted since when it has them no more
	Lost    []uint // destinations that the directory vouches for no more

	proved, live int // accounts with a name of the directory; those that are on and have a proved name
	vouched      int // destinations that it vouched for
}

// Look adds what is to be done about one account.
func (r *Review) Look(people People, a Reviewable) {
	said := func(address string) bool { return people.AccountOf(address) == a.Name }
	switch {
	case a.Proof == OfDirectory:
		r.proved++
		if !slices.ContainsFunc(a.Addresses, said) {
			r.Doubted = append(r.Doubted, a.ID)
		}
	case a.Proof.Weaker(OfDirectory):
		known := func(address string) bool { return people.AccountOf(address) != "" }
		if i := slices.IndexFunc(a.Addresses, known); i >= 0 {
			r.Vouched = put(r.Vouched, a.ID, a.Addresses[i])
		}
	}
	if a.Proof.Proves(false) {
		r.lookUpstream(people, a)
	}
	r.lookVouched(people, a)
}

// lookVouched finds the destinations that are no longer vouched for: the directory gives the person other addresses, or
// it is not proved any more who the person is. Where it does not know the person, nothing is said.
func (r *Review) lookVouched(people People, a Reviewable) {
	if len(a.Vouched) == 0 {
		return
	}
	r.vouched += len(a.Vouched)
	reach := people.Reach(a.Name)
	for _, to := range a.Vouched {
		i := slices.IndexFunc(reach, func(known Reach) bool { return known.Backend == to.Backend })
		if !a.Proof.Proves(false) || i >= 0 && !reach[i].Has(to.Address) {
			r.Lost = append(r.Lost, to.ID)
		}
	}
}

// lookUpstream compares an account with the person of that name. Only who was there can be missing.
func (r *Review) lookUpstream(people People, a Reviewable) {
	if a.Disabled == "" {
		r.live++
	}
	there, disabled := people.Person(a.Name)
	switch {
	case disabled && a.Disabled == "":
		r.Off = put(r.Off, a.ID, OffInDirectory)
	case disabled:
	case there:
		if !a.Listed || !a.Missing.IsZero() {
			r.Listed = append(r.Listed, a.ID)
		}
		if a.DisabledBy == ByUpstream && IsOfDirectory(a.Disabled) {
			r.On = append(r.On, a.ID)
		}
	case !a.Listed:
	case a.Missing.IsZero():
		r.Missing = append(r.Missing, a.ID)
	case a.Disabled == "" && r.Now.Sub(a.Missing) >= MissingGrace:
		r.Off = put(r.Off, a.ID, GoneInDirectory)
	}
}

// Restrain takes out of a Review what would take something from very many people at once, and returns from how many.
func (r *Review) Restrain() (refused int) {
	if tooMany(len(r.Doubted), r.proved) {
		refused, r.Doubted = refused+len(r.Doubted), nil
	}
	if tooMany(len(r.Off), r.live) {
		refused, r.Off = refused+len(r.Off), nil
	}
	if tooMany(len(r.Lost), r.vouched) {
		refused, r.Lost = refused+len(r.Lost), nil
	}
	return refused
}

func tooMany(n, of int) bool { return n > reviewMost && n*100 > of*reviewShare }

func put(m map[uint]string, id uint, value string) map[uint]string {
	if m == nil {
		m = map[uint]string{}
	}
	m[id] = value
	return m
}

// People is what the directory says of people, at one moment. Unknown is not empty: Whole says whether what is not
// there is not so.
type People interface {
	// AccountOf returns the account that a mail address belongs to; "" where it is not known.
	AccountOf(mail string) string
	// Groups returns the groups of an account.
	Groups(name string) []string
	// Person reports whether the directory has an account, and whether it calls it switched off.
	Person(name string) (there, disabled bool)
	// Reach returns where an account can be reached, by backend. A backend that is not among them is not known of: that
	// is another thing than to have no address there.
	Reach(name string) []Reach
	// Whole reports whether every source of the directory has answered, and there is one.
	Whole() bool
}

// A Reach is where the directory says that somebody can be reached with one backend.
type Reach struct {
	Backend   string
	Addresses []string // in their canonical form
	Sure      bool     // the site takes the directory's word for it: no code is needed
}

// Has reports whether an address is among them. Capitals make no difference.
func (r Reach) Has(address string) bool {
	return slices.ContainsFunc(r.Addresses, func(known string) bool { return strings.EqualFold(known, address) })
}

// Nobody is the People where there is no directory.
type Nobody struct{}

// The methods of People: nothing is known.
func (Nobody) AccountOf(string) string              { return "" }
func (Nobody) Groups(string) []string               { return nil }
func (Nobody) Person(string) (there, disabled bool) { return false, false }
func (Nobody) Reach(string) []Reach                 { return nil }
func (Nobody) Whole() bool                          { return false }
