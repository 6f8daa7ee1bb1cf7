package main

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/pkitest"
)

// The topics of pkiMessages. The policy of the tests lets only pkitest.Git send under the first.
const (
	gitTopic   = "org.example.prod.git.receive"
	shellTopic = "org.example.prod.shell.log"
	alarmTopic = "org.example.prod.announce.announcement"
)

// A sample is a message of a PKI, and what is to become of it where the site checks, by default.
type sample struct {
	id, topic string
	line      string // the JSON
	verdict   bus.Verdict
	signer    string
	kept      bool // not dropped
	marked    bool
}

// pkiMessages are one message of each kind that an honest or a hostile sender may send.
func pkiMessages(p *pkitest.PKI) []sample {
	push := map[string]any{"commit": map[string]any{"repo": "bash", "branch": "master", "username": "ralph", "rev": "0a",
		"summary": "Tidy", "message": "Tidy"}}
	envelope := func(id, topic string, at time.Time, msg any) map[string]any {
		return map[string]any{"topic": topic, "msg": msg, "msg_id": "2026-" + id, "timestamp": at.Unix(), "i": 1,
			"username": "root"}
	}
	git := func(id string) map[string]any { return envelope(id, gitTopic, p.Now, push) }
	evil := map[string]any{"commit": map[string]any{"repo": "bash", "username": "ralph", "message": "backdoor"}}
	alarm := map[string]any{"message": "All passwords must be changed today", "link": "https://evil.example/login"}

	tampered := p.Sign(pkitest.Git, git("tampered"))
	tampered["msg"] = evil
	junk := p.Sign(pkitest.Git, git("junk-certificate"))
	noCertificate := "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	junk["certificate"] = base64.StdEncoding.EncodeToString([]byte(noCertificate))
	twice := string(pkitest.Canonical(p.Sign(pkitest.Git, git("duplicate-key"))))
	twice = strings.TrimSuffix(twice, "}") + `,"msg":` + string(pkitest.Canonical(evil)) + "}"
	readdressed := p.Sign(pkitest.Shell, envelope("readdressed", shellTopic, p.Now, push))
	readdressed["topic"] = gitTopic
	stripped := p.Sign(pkitest.Git, git("stripped"))
	delete(stripped, "certificate")
	otherBody := p.SignBody(git("gpg-tampered"))
	otherBody["msg"] = evil

	free := envelope("no-policy", shellTopic, p.Now, push)
	old := envelope("replayed", gitTopic, p.Now.Add(-60*24*time.Hour), push)
	ahead := envelope("ahead", gitTopic, p.Now.Add(48*time.Hour), push)

	line := func(e map[string]any) string { return string(pkitest.Canonical(e)) }
	return []sample{
		{"2026-plain", gitTopic, line(p.Sign(pkitest.Git, git("plain"))), bus.Signed, pkitest.Git, true, false},
		{"2026-no-policy", shellTopic, line(p.Sign(pkitest.Shell, free)), bus.Signed, pkitest.Shell, true, false},
		{"2026-wrong-signer", gitTopic, line(p.Sign(pkitest.Shell, git("wrong-signer"))),
			bus.WrongSigner, pkitest.Shell, true, true},
		{"2026-replayed", gitTopic, line(p.Sign(pkitest.Git, old)), bus.Stale, pkitest.Git, true, true},
		{"2026-ahead", gitTopic, line(p.Sign(pkitest.Git, ahead)), bus.Stale, pkitest.Git, true, true},
		{"2026-gpg", gitTopic, line(p.SignBody(git("gpg"))), bus.BodyOnly, pkitest.Release, true, true},
		{"2026-unsigned", gitTopic, line(git("unsigned")), bus.Unsigned, "", true, true},
		{"2026-forged-push", gitTopic, line(envelope("forged-push", gitTopic, p.Now, evil)), bus.Unsigned, "", true, true},
		{"2026-forged-announcement", alarmTopic, line(envelope("forged-announcement", alarmTopic, p.Now, alarm)),
			bus.Unsigned, "", true, true},
		{"2026-expired", gitTopic, line(p.Sign(pkitest.Expired, git("expired"))), bus.Invalid, "", false, false},
		{"2026-foreign-ca", gitTopic, line(p.Sign(pkitest.Foreign, git("foreign-ca"))), bus.Invalid, "", false, false},
		{"2026-revoked", gitTopic, line(p.Sign(pkitest.Revoked, git("revoked"))), bus.Invalid, "", false, false},
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
