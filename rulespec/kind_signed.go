package rulespec

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

var kindSigned = &RuleKind{
	Name:  "signed",
	Title: "A proved sender",
	Doc: "It is proved who sent the message: it is signed by somebody who may send such messages, or it comes from a " +
		"source that the site believes. A signature over the body alone proves too little. Where the site checks no " +
		"signatures, no message is signed.",
	Bare: true,
	Params: []Param{{
		Name: "by", Title: "Signed by", Many: true, Optional: true,
		Doc: "The exact name of a signer, as the page of a message shows it. Without it: anybody who may send such " +
			"messages, and any source that the site believes.",
	}},
	Compile:  compileSigned,
	Sentence: sentenceSigned,
}

func compileSigned(_ Env, args Args) (Predicate, error) {
	signers := args["by"]
	if len(signers) == 0 {
		return Predicate{
			Match: func(s *Subject) (bool, error) { return s.proved(), nil },
			Why:   whySigned,
			Keys:  []Key{{Field: fieldProved}}, Exact: true,
			Selectivity: selectivityAll, Cost: CostExact,
		}, nil
	}
	for _, name := range signers {
		if slices.Contains(reserved, strings.ToLower(name)) {
			return Predicate{}, problem("by", "write `signed: true`, or `not: {signed: true}`")
		}
	}
	in := oneOf(signers)
	return Predicate{
		Match: func(s *Subject) (bool, error) {
			signer := s.signer()
			return signer != "" && in(signer), nil
		},
		Why:  whySigned,
		Keys: keys(fieldSigner, signers), Exact: true,
		Selectivity: selectivityOf(signers, 4*selectivityTopic), Cost: CostExact,
	}, nil
}

func whySigned(s *Subject) string {
	switch {
	case s.signer() != "":
		return "signed by " + word(s.signer())
	case s.proved():
		return "the source is believed"
	case s.Message == nil || s.Standing.Verdict == "":
		return "not checked"
	}
	return s.Standing.Verdict.Words()
}

func sentenceSigned(args Args, not bool) string {
	if len(args["by"]) > 0 {
		return "it " + is(not) + "signed by " + either(args["by"])
	}
	return "the sender " + is(not) + "proved"
}

// proved reports whether it is proved who sent the message.
func (s *Subject) proved() bool { return s.Message != nil && s.Standing.Proved() }

// signer is who has signed the message, where that is proved; "" otherwise.
func (s *Subject) signer() string {
	if s.Message == nil || s.Standing.Verdict != bus.Signed {
		return ""
	}
	return s.Standing.Signer
}
