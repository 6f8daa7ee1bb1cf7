package fedmsg

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/internal/yamltext"
)

// trust writes the section bus.trust.
func (i *importer) trust() {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	checks := i.certificates(say)
	i.keyring()
	i.validation(checks, say)
	i.policy(say)
	switch i.truth("routing_nitpicky") {
	case "true":
		say("nitpicky: true")
	case "false":
		say("nitpicky: false")
	}
	i.mistakenly(1)
	if len(lines) == 0 {
		return
	}
	i.line(1, "trust:")
	for _, l := range lines {
		i.line(2, "%s", l)
	}
}

// certificates carries the CA and its list of what is revoked over, and reports whether there is a CA that can be used
// here.
func (i *importer) certificates(say func(string, ...any)) bool {
	ca, crl := i.text("ca_cert_location"), i.text("crl_location")
	caGood := ca != "" && i.usable("ca_cert_location", "ca", ca, trust.Config{CA: ca})
	if caGood {
		say("ca: %s", quoted(ca))
	}
	switch {
	case crl == "":
	case !caGood:
		i.remark(1, "crl_location is left out with the ca: trust: {crl: %s}", quoted(crl))
	case i.usable("crl_location", "crl", crl, trust.Config{CA: ca, CRL: crl}):
		say("crl: %s", quoted(crl))
	}
	return caGood
}

// usable reports whether a file can be used on this machine, and says what to do where it cannot.
func (i *importer) usable(key, ours, file string, c trust.Config) bool {
	if strings.Contains(file, "://") {
		i.remark(1, "%s is left out: it is a URL. Fetch it to a file, and then: trust: {%s: FILE}. It was %s", key, ours,
			quoted(file))
		return false
	}
	if err := i.open(c); err != nil {
		i.remark(1, "%s is left out: it cannot be used on this machine. Once it can be: trust: {%s: %s}\n%v", key, ours,
			quoted(file), err)
		return false
	}
	return true
}

// keyring tells how fedmsg's OpenPGP keys are taken along.
func (i *importer) keyring() {
	if home := i.text("gpg_home"); home != "" {
		i.remark(1, "gpg_home is left out: notifyd reads keys from a file. For OpenPGP signatures:")
		i.remark(1, "gpg --homedir %s --armor --export > keys.asc, and then: trust: {gpg_keys: /etc/notifyd/keys.asc}",
			quoted(home))
	}
}

// validation says what is done with what is not valid. fedmsg's consumers drop it, or believe everything.
func (i *importer) validation(checks bool, say func(string, ...any)) {
	switch validate := i.truth("validate_signatures"); {
	case validate == "true" && checks:
		say("verdicts: {unsigned: drop, wrong_signer: drop, invalid: drop} # validate_signatures: true")
	case validate == "true":
		i.remark(1, "validate_signatures is true, but there is no ca here: nothing can be checked. With a ca, to drop what")
		i.remark(1, "is not valid: trust: {verdicts: {unsigned: drop, wrong_signer: drop, invalid: drop}}")
	case validate == "false" && checks:
		i.remark(1, "validate_signatures is false: fedmsg believed everything. With a ca notifyd marks what is not proved,")
		i.remark(1, "and drops what is proved to be forged (doc/trust.md).")
	}
}

// policy carries over who may send what.
func (i *importer) policy(say func(string, ...any)) {
	n, ok := i.take("routing_policy")
	if !ok {
		return
	}
	var lines []string
	for _, e := range i.Mapping(n, "routing_policy should be an object") {
		signers := i.texts(e.Value, "those who may send "+quoted(e.Key))
		if problem := notOurs(e, signers); problem != "" {
			i.remark(1, "routing_policy: %s is left out: %s", quoted(e.Key), problem)
			continue
		}
		names := make([]string, len(signers))
		for at, s := range signers {
			names[at] = quoted(s)
		}
		lines = append(lines, quoted(e.Key)+": ["+strings.Join(names, ", ")+"]")
	}
	i.mistakenly(1)
	if len(lines) == 0 {
		return
	}
	say("policy:")
	for _, l := range lines {
		say("  %s", l)
	}
}

// notOurs says why a line of routing_policy cannot be one of our policy; "" where it can.
func notOurs(e yamltext.Entry, signers []string) string {
	if len(signers) == 0 {
		return "nobody may send it, which notifyd cannot say; name a signer that does not exist"
	}
	if slices.ContainsFunc(strings.Split(e.Key, "."), func(word string) bool { return word == "*" || word == "#" }) {
		return "fedmsg takes topics exactly as they are, and notifyd would take it for a pattern"
	}
	if _, err := trust.New(trust.Config{Policy: map[string][]string{e.Key: signers}}, trust.Keys{}); err != nil {
		return strings.TrimPrefix(err.Error(), "policy."+e.Key+": ")
	}
	return ""
}
