package bounce_test

import (
	"os"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends/email/bounce"
)

const head = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: b-token@b.example.org\n" +
	"Subject: Undelivered Mail\n"

// dsn makes a report with fields about one recipient.
func dsn(fields string) string {
	return head + "Auto-Submitted: auto-replied\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=\"x/y\"\n\n" +
		"--x/y\nContent-Type: text/plain\n\nYour mail could not be delivered.\n" +
		"--x/y\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n" + fields +
		"\n--x/y\nContent-Type: message/rfc822\n\nReturn-Path: <b-token@b.example.org>\nMessage-ID: <p.1@example.org>\n\n" +
		"Hello\n--x/y--\n"
}

// TestKinds: words decide before the status, and the status before the code.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		fields string
		want   bounce.Kind
	}{
		{"Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1\n",
			bounce.Hard},
		{"Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.7.1 <a@b.example>: no such user here\n",
			bounce.Hard},
		{"Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 552 5.2.2 over quota\n",
			bounce.Full},
		{"Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 554 5.7.1 identified as spam\n",
			bounce.Content},
		{"Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.7.1 198.51.100.1 listed at bl.example, Spamhaus\n",
			bounce.Policy},
		{"Action: failed\nStatus: 5.1.8\nDiagnostic-Code: smtp; 501 5.1.8 Domain of sender address does not exist\n",
			bounce.Policy},
		{"Action: failed\nStatus: 5.4.7\nDiagnostic-Code: smtp; 554 delivery time expired\n",
			bounce.Soft},
		{"Action: failed\nStatus: 5.2.1\nDiagnostic-Code: smtp; 550 5.2.1 The account is disabled\n",
			bounce.Soft},
		{"Action: failed\nStatus: 4.1.1\nDiagnostic-Code: smtp; 450 4.1.1 user unknown\n",
			bounce.Soft},
		{"Action: delayed\nStatus: 5.1.1\n",
			bounce.Delayed},
		{"Action: delivered\nStatus: 2.1.5\n",
			bounce.Success},
		{"Action: failed\nStatus: 5.0.0\nDiagnostic-Code: x-unix; 255\n",
			bounce.Unknown},
		{"Final-Recipient: rfc822; a@x\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; b@x\nAction: relayed\nStatus: 2.0.0\n",
			bounce.Success},
	} {
		if got := bounce.Read([]byte(dsn(c.fields))); got.Kind != c.want || got.Original != "p.1@example.org" {
			t.Errorf("%q: %s (%q), want %s", c.fields, got.Kind, got.Words, c.want)
		}
	}
}

// TestNoReport: what is no report about a mail.
func TestNoReport(t *testing.T) {
	for _, c := range []struct {
		mail string
		want bounce.Kind
	}{
		{"From: a@example.net\nSubject: Re: build failed\n\nstop\n",
			bounce.Written},
		{"From: a@example.net\nSubject: Re: x\n\nstop\n\n> Your mail to b could not be delivered\n",
			bounce.Written},
		{"From: a@example.net\nAuto-Submitted: auto-replied\nSubject: Re: x\n\nhello\n",
			bounce.AutoReply},
		{"From: a@example.net\nSubject: Automatic reply: x\n\nI am away\n",
			bounce.AutoReply},
		{"From: a@example.net\nSubject: Abwesenheitsnotiz: x\n\nBin weg\n",
			bounce.AutoReply},
		{"From: a@example.net\nSubject: your mail\n\nPlease confirm that you are a person: click on this link to deliver it\n",
			bounce.AutoReply},
		{"From: a@example.net\nPrecedence: auto_reply\nSubject: x\n\nhello\n",
			bounce.AutoReply},
		{"From: a@example.net\nContent-Type: multipart/report; report-type=disposition-notification; boundary=x\n\n--x\n\nread\n--x--\n",
			bounce.AutoReply},
		{"",
			bounce.Written},
	} {
		if got := bounce.Read([]byte(c.mail)); got.Kind != c.want {
			t.Errorf("%q: %s, want %s", c.mail, got.Kind, c.want)
		}
	}
}

// TestComplaint: abuse is one, "not spam" takes it back, and a failed authentication is ours to mend.
func TestComplaint(t *testing.T) {
	for kind, want := range map[string]bounce.Kind{"abuse": bounce.Complaint, "fraud": bounce.Complaint,
		"not-spam": bounce.Success, "auth-failure": bounce.Policy} {
		mail := "From: fbl@example.net\nContent-Type: multipart/report; report-type=feedback-report; boundary=x\n" +
			"\n--x\n\nA report.\n--x\nContent-Type: message/feedback-report\n\nFeedback-Type: " + kind +
			"\nVersion: 1\nOriginal-Rcpt-To: <a@example.net>\n" +
			"\n--x\nContent-Type: message/rfc822\n\nSubject: x\n\n--x--\n"
		got := bounce.Read([]byte(mail))
		if got.Kind != want || len(got.Recipients) != 1 || got.Recipients[0].Address != "a@example.net" {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}

// TestRefused: replies of servers, one a line of testdata/said.txt.
func TestRefused(t *testing.T) {
	text, err := os.ReadFile("testdata/said.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		kind, said, found := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if got := bounce.Refused(said); found && got != bounce.Kind(kind) {
			t.Errorf("%s, want %s: %s", got, kind, said)
		}
	}
}

// FuzzRead: whatever it is given it gives one of the kinds.
func FuzzRead(f *testing.F) {
	f.Add([]byte(dsn("Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1\n")))
	f.Add([]byte(head + "\n<a@example.net>:\n550 5.1.1 unknown user\n--- Below this line is a copy of the message.\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=\"a\"\n\n--a\nContent-Type: " +
		"multipart/mixed; boundary=\"a\"\n\n--a\n"))
	f.Add([]byte("Content-Type: text/plain; charset=iso-2022-jp\nContent-Transfer-Encoding: base64\n\nG\x00\n"))
	f.Add([]byte(head + "\n{\"notificationType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Permanent\"}}"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=-\r\r\r--" + strings.Repeat("\n---", 300)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := bounce.Read(raw)
		switch got.Kind {
		case bounce.Hard, bounce.Soft, bounce.Full, bounce.Content, bounce.Policy, bounce.Complaint, bounce.AutoReply,
			bounce.Delayed, bounce.Success, bounce.Unknown, bounce.Written:
		default:
			t.Fatalf("kind %q", got.Kind)
		}
		if len(got.Words) > 600 || len(got.Recipients) > 500 {
			t.Fatalf("%d bytes of words, %d recipients", len(got.Words), len(got.Recipients))
		}
	})
}
