package main

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// The topics of pki.messages. The policy of the tests lets only gitLeaf send under the first.
const (
	gitTopic   = "org.example.prod.git.receive"
	shellTopic = "org.example.prod.shell.log"
	alarmTopic = "org.example.prod.announce.announcement"
)

// A sample is a message of a pki, and what is to become of it where the site checks, by default.
type sample struct {
	id, topic string
	line      string // the JSON
	verdict   bus.Verdict
	signer    string
	kept      bool // not dropped
	marked    bool
}

// messages are one message of each kind that an honest or a hostile sender may send.
func (p *pki) messages() []sample {
	push := map[string]any{"commit": map[string]any{"repo": "bash", "branch": "master", "username": "ralph", "rev": "0a",
		"summary": "Tidy", "message": "Tidy"}}
	envelope := func(id, topic string, at time.Time, msg any) map[string]any {
		return map[string]any{"topic": topic, "msg": msg, "msg_id": "2026-" + id, "timestamp": at.Unix(), "i": 1,
			"username": "root"}
	}
	git := func(id string) map[string]any { return envelope(id, gitTopic, p.now, push) }
	evil := map[string]any{"commit": map[string]any{"repo": "bash", "username": "ralph", "message": "backdoor"}}
	alarm := map[string]any{"message": "All passwords must be changed today", "link": "https://evil.example/login"}

	tampered := p.sign(gitLeaf, git("tampered"))
	tampered["msg"] = evil
	junk := p.sign(gitLeaf, git("junk-certificate"))
	junk["certificate"] = base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	twice := string(canonical(p.sign(gitLeaf, git("duplicate-key"))))
	twice = strings.TrimSuffix(twice, "}") + `,"msg":` + string(canonical(evil)) + "}"
	readdressed := p.sign(shellLeaf, envelope("readdressed", shellTopic, p.now, push))
	readdressed["topic"] = gitTopic
	stripped := p.sign(gitLeaf, git("stripped"))
	delete(stripped, "certificate")
	otherBody := p.signBody(git("gpg-tampered"))
	otherBody["msg"] = evil

	old := envelope("replayed", gitTopic, p.now.Add(-60*24*time.Hour), push)
	ahead := envelope("ahead", gitTopic, p.now.Add(48*time.Hour), push)

	line := func(e map[string]any) string { return string(canonical(e)) }
	return []sample{
		{"2026-plain", gitTopic, line(p.sign(gitLeaf, git("plain"))), bus.Signed, gitLeaf, true, false},
		{"2026-no-policy", shellTopic, line(p.sign(shellLeaf, envelope("no-policy", shellTopic, p.now, push))),
			bus.Signed, shellLeaf, true, false},
		{"2026-wrong-signer", gitTopic, line(p.sign(shellLeaf, git("wrong-signer"))), bus.WrongSigner, shellLeaf, true, true},
		{"2026-replayed", gitTopic, line(p.sign(gitLeaf, old)), bus.Stale, gitLeaf, true, true},
		{"2026-ahead", gitTopic, line(p.sign(gitLeaf, ahead)), bus.Stale, gitLeaf, true, true},
		{"2026-gpg", gitTopic, line(p.signBody(git("gpg"))), bus.BodyOnly, "Release Team", true, true},
		{"2026-unsigned", gitTopic, line(git("unsigned")), bus.Unsigned, "", true, true},
		{"2026-forged-push", gitTopic, line(envelope("forged-push", gitTopic, p.now, evil)), bus.Unsigned, "", true, true},
		{"2026-forged-announcement", alarmTopic, line(envelope("forged-announcement", alarmTopic, p.now, alarm)),
			bus.Unsigned, "", true, true},
		{"2026-expired", gitTopic, line(p.sign(expiredLeaf, git("expired"))), bus.Invalid, "", false, false},
		{"2026-foreign-ca", gitTopic, line(p.sign(foreignLeaf, git("foreign-ca"))), bus.Invalid, "", false, false},
		{"2026-revoked", gitTopic, line(p.sign(revokedLeaf, git("revoked"))), bus.Invalid, "", false, false},
		{"2026-tampered", gitTopic, line(tampered), bus.Invalid, "", false, false},
		{"2026-readdressed", gitTopic, line(readdressed), bus.Invalid, "", false, false},
		{"2026-duplicate-key", gitTopic, twice, bus.Invalid, "", false, false},
		{"2026-junk-certificate", gitTopic, line(junk), bus.Invalid, "", false, false},
		{"2026-stripped", gitTopic, line(stripped), bus.Invalid, "", false, false},
		{"2026-gpg-tampered", gitTopic, line(otherBody), bus.Invalid, "", false, false},
	}
}

// lines gives messages as JSON Lines.
func lines(samples []sample) []byte {
	var all bytes.Buffer
	for _, s := range samples {
		all.WriteString(s.line + "\n")
	}
	return all.Bytes()
}
