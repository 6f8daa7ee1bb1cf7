package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/pkitest"
	"github.com/notifyd/notifyd/migrations"
)

// TestTrustFromBusToMail sends a message of each honest and hostile kind by libzmq's own socket to a daemon, and looks
// at what is stored and mailed, by the default policy.
func TestTrustFromBusToMail(t *testing.T) {
	python := exectest.Python(t, "zmq")
	p, err := pkitest.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("checking", func(t *testing.T) {
		w := newTrustWorld(t, python, p, "  trust: {ca: DIR/ca.crt, crl: DIR/crl.pem, gpg_keys: DIR/keys.asc,",
			"    policy: {"+gitTopic+": ["+pkitest.Git+"]}}")
		w.expect(t, pkiMessages(p))
	})
	// Without a CA and keys nothing is dropped, and what claims to be signed is marked.
	t.Run("not checking", func(t *testing.T) {
		samples := pkiMessages(p)
		for i, s := range samples {
			samples[i].kept, samples[i].signer = true, ""
			samples[i].verdict, samples[i].marked = bus.Unchecked, true
			if !strings.Contains(s.line, `"signature"`) {
				samples[i].verdict, samples[i].marked = bus.Unsigned, false
			}
		}
		newTrustWorld(t, python, p).expect(t, samples)
	})
}

// A trustWorld is a daemon that reads from a real publisher and mails everything to alice.
type trustWorld struct {
	database string
	metrics  *browser
	bus      *publisher
	smtp     *fakesmtp.Server
}

// newTrustWorld starts a daemon with these lines below "bus:"; DIR is the folder with the files of the PKI.
func newTrustWorld(t *testing.T, python string, p *pkitest.PKI, trust ...string) *trustWorld {
	t.Helper()
	folder := t.TempDir()
	if err := p.Write(folder); err != nil {
		t.Fatal(err)
	}
	w := &trustWorld{database: filepath.Join(folder, "notifyd.db"), smtp: startSMTP(t, fakesmtp.Options{})}
	givePreferences(t, w.database)
	busPort, metricsPort := exectest.FreePort(t), exectest.FreePort(t)
	config := writeFile(t, folder, "notifyd.yaml",
		"database: {dsn: "+w.database+"}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		"outbox: {cap: 0, poll: 1s}",
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}",
			w.smtp.Addr().Port),
		"bus:", fmt.Sprintf("  zmq: {endpoints: {hub: 'tcp://127.0.0.1:%d'}}", busPort),
		strings.ReplaceAll(strings.Join(trust, "\n"), "DIR", folder))
	w.bus = startPublisher(t, python, busPort)
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, metricsPort)
	waitSubscribed(t, metricsPort)
	w.metrics = newBrowser(t, fmt.Sprintf("http://127.0.0.1:%d", metricsPort))
	return w
}

// expect publishes samples, and compares what the daemon has made of each.
func (w *trustWorld) expect(t *testing.T, samples []sample) {
	t.Helper()
	kept, dropped := 0, 0
	for _, s := range samples {
		if _, err := fmt.Fprintf(w.bus.stdin, "%s\t%s\n", s.topic, s.line); err != nil {
			t.Fatal(err)
		}
		if s.kept {
			kept++
		} else {
			dropped++
		}
	}
	exectest.Eventually(t, 30*time.Second, "everything is judged, stored and mailed", func() bool {
		return len(w.smtp.Messages()) >= kept && (dropped == 0 || strings.Contains(w.metrics.get(t, "/metrics"),
			fmt.Sprintf("notifyd_messages_rejected_total{reason=\"invalid\",source=\"hub\"} %d\n", dropped)))
	})
	stored, mails := w.stored(t), w.mailed(t)
	if len(stored) != kept || len(mails) != kept {
		t.Errorf("%d messages are stored and %d mailed, want %d", len(stored), len(mails), kept)
	}
	for _, s := range samples {
		row, isStored := stored[s.id]
		if mail, isMailed := mails[s.id]; isStored != s.kept || isMailed != s.kept {
			t.Errorf("%s: stored %v, mailed %v; want %v", s.id, isStored, isMailed, s.kept)
		} else if s.kept {
			s.checkRow(t, row)
			s.checkMail(t, mail)
		}
	}
}

// A storedMessage is what the database holds of a message's standing.
type storedMessage struct {
	MsgID, Verdict, Signer, Reason string
	Marked                         bool
}

func (s sample) checkRow(t *testing.T, row storedMessage) {
	t.Helper()
	signed := s.signer == "" && row.Signer == "" || s.signer != "" && strings.Contains(row.Signer, s.signer)
	if row.Verdict != string(s.verdict) || row.Marked != s.marked || !signed {
		t.Errorf("%s is stored as %+v; want %s by %q, marked %v", s.id, row, s.verdict, s.signer, s.marked)
	}
}

// checkMail: a message that is marked says so in the header, and can lead nobody anywhere.
func (s sample) checkMail(t *testing.T, mail string) {
	t.Helper()
	m := parseMail(t, []byte(mail))
	trust := m.Header.Get("X-Notifyd-Trust")
	if says := s.marked || s.verdict == bus.Signed; says != (trust != "") ||
		s.verdict == bus.Signed && !strings.Contains(trust, s.signer) {
		t.Errorf("%s (%s, marked %v): X-Notifyd-Trust is %q", s.id, s.verdict, s.marked, trust)
	}
	if s.marked && strings.Contains(mail, "evil.example") {
		t.Errorf("%s: the mail leads to the forger's page:\n%s", s.id, mail)
	}
}

func (w *trustWorld) stored(t *testing.T) map[string]storedMessage {
	t.Helper()
	var rows []storedMessage
	withDatabase(t, w.database, func(d *migrations.DB) error {
		return d.Reader.Raw("SELECT msg_id, verdict, signer, reason, marked FROM messages").Scan(&rows).Error
	})
	all := map[string]storedMessage{}
	for _, row := range rows {
		all[row.MsgID] = row
	}
	return all
}

func (w *trustWorld) mailed(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, mail := range w.smtp.Messages() {
		id := parseMail(t, mail.Data).Header.Get("X-Notifyd-Message-Id")
		// Without the soft line breaks of quoted-printable.
		all[id] = string(bytes.ReplaceAll(mail.Data, []byte("=\r\n"), nil))
	}
	return all
}
