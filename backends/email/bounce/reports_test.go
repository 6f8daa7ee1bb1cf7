package bounce_test

import (
	"os"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends/email/bounce"
)

// TestReports: whole reports in the style of many servers, made up by us, of testdata/reports.txt.
func TestReports(t *testing.T) {
	text, err := os.ReadFile("testdata/reports.txt")
	if err != nil {
		t.Fatal(err)
	}
	right, all := 0, strings.Split(string(text), "\n=== ")[1:]
	for _, one := range all {
		title, mail, _ := strings.Cut(one, "\n")
		want, name, _ := strings.Cut(title, " ")
		got := bounce.Read([]byte(report(mail)))
		if string(got.Kind) == want {
			right++
			continue
		}
		t.Errorf("%s: %s, want %s: %s %q", name, got.Kind, want, got.Status, got.Words)
	}
	t.Logf("%d of %d are right", right, len(all))
}

// report makes a mail of one of the table: its lines that begin with % are a part message/delivery-status.
func report(mail string) string {
	head, body, _ := strings.Cut(mail, "\n\n")
	if !strings.Contains(head, "Return-Path:") {
		head = "Return-Path: <>\n" + head
	}
	var words, fields []string
	for line := range strings.SplitSeq(body, "\n") {
		if field, ok := strings.CutPrefix(line, "%"); ok {
			fields = append(fields, field)
		} else {
			words = append(words, line)
		}
	}
	if len(fields) == 0 {
		return head + "\n\n" + body + "\n"
	}
	return head + "\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"q/r\"\n\n" +
		"--q/r\nContent-Type: text/plain; charset=utf-8\n\n" + strings.Join(words, "\n") +
		"\n--q/r\nContent-Type: message/delivery-status\n\n" + strings.Join(fields, "\n") +
		"\n\n--q/r\nContent-Type: message/rfc822\n\nMessage-ID: <p.1@example.org>\nSubject: build failed\n\nx\n--q/r--\n"
}
