package accounts

// A Proof is how a name on the bus came to belong to an account. Which name it is, and whether it is proved, are two
// things: a name that a person has chosen is anybody's.
type Proof string

// These are the proofs.
const (
	NoName      Proof = ""          // the account has no name
	Claimed     Proof = "claimed"   // the person has chosen it, and nobody has confirmed it
	OfDirectory Proof = "directory" // the directory says that a confirmed address is that account's
	OfProvider  Proof = "provider"  // an identity provider said it when the person signed in
	OfOperator  Proof = "operator"  // an operator has given it
)

// Proves reports whether the name is the account's. claimed says that the site lets everybody choose, and believes it.
func (p Proof) Proves(claimed bool) bool {
	return p.rank() > Claimed.rank() || claimed && p == Claimed
}

// rank orders proofs: a weaker one never takes the place of a stronger one. An operator can look at what a provider and
// the directory cannot know.
func (p Proof) rank() int {
	switch p {
	case Claimed:
		return 1
	case OfDirectory:
		return 2
	case OfProvider:
		return 3
	case OfOperator:
		return 4
	}
	return 0
}

// Weaker reports whether p gives way to another proof of the same account.
func (p Proof) Weaker(than Proof) bool { return p.rank() < than.rank() }

// Words says how a name is proved, as a clause after "the name is".
func (p Proof) Words() string {
	switch p {
	case Claimed:
		return "claimed: chosen, and confirmed by nobody"
	case OfDirectory:
		return "proved by the directory"
	case OfProvider:
		return "proved by signing in"
	case OfOperator:
		return "given by an operator"
	}
	return "not there yet"
}

// Who has disabled an account. What an operator has disabled, only an operator enables.
const (
	ByOperator = "operator"
	ByUpstream = "upstream" // a provider, or the directory
)
