package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/notifyd/notifyd/internal/pkitest"
)

// makePKI is the script command "pki": it writes the files of a PKI, and its messages as messages.jsonl.
func makePKI(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: pki")
	}
	p, err := pkitest.New(time.Now())
	ts.Check(err)
	ts.Check(p.Write(ts.MkAbs(".")))
	ts.Check(os.WriteFile(ts.MkAbs("messages.jsonl"), lines(pkiMessages(p)), 0o600))
}

// TestBusVerify judges a message of each kind as the daemon would if it came now.
func TestBusVerify(t *testing.T) {
	p, err := pkitest.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := p.Write(folder); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(folder, name) }
	var out, stderr bytes.Buffer
	stdin := bytes.NewReader(lines(pkiMessages(p)))
	e := &env{ctx: t.Context(), stdin: stdin, stdout: &out, stderr: &stderr, now: time.Now}
	status := run(e, []string{"bus", "verify", "--now", "--ca", at("ca.crt"), "--crl", at("crl.pem"), "--gpg-keys",
		at("keys.asc"), "--policy", gitTopic + "=" + pkitest.Git})
	if status != 1 {
		t.Errorf("status %d, want 1; stderr: %s", status, stderr.String())
	}
	got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(got) != len(pkiMessages(p)) {
		t.Fatalf("%d lines:\n%s", len(got), out.String())
	}
	for i, s := range pkiMessages(p) {
		columns := strings.Split(got[i], "\t")
		signed := s.signer == "" && columns[3] == "-" || s.signer != "" && strings.Contains(columns[3], s.signer)
		if columns[0] != strconv.Itoa(i+1) || columns[1] != s.id || columns[2] != string(s.verdict) || !signed {
			t.Errorf("%s\nwant %s by %q", got[i], s.verdict, s.signer)
		}
	}
}
