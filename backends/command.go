package backends

// A Command is what somebody has said to us by a backend: in a private message, or in the answer to a mail.
type Command struct {
	Backend string // by which it came

	// Address is who said it, in canonical form, and Account theirs on the network of the address ("": none): where the
	// medium itself vouches for it, as a network of IRC does for a nick. Leave it out where it does not: anybody can write
	// the sender of a mail.
	Address, Account string
	// Destination is the key of the destination (outbox.Delivery) that it came from, where a signed token of ours in what
	// was said proves it: an answer to a mail of ours. "": Address says who it is.
	Destination string

	About string // the Parcel.ID that it answers; "": none, or not known
	Text  string // as it was said: quotes and signatures may be in it
}

// An Answer is what to say to a Command. Each line is plain text that fits into a line of IRC. The answer to a Command
// with a Destination goes to the address of that destination, whoever has sent it: a mail may have been passed on.
type Answer struct {
	Known bool // whoever said it gets notices at that address; nobody else is told anything
	Lines []string
}
