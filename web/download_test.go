package web_test

import (
	"archive/zip"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestEverythingIsDownloaded: one's own archive, by its name, and nobody else's; nobody who is not signed in has one.
func TestEverythingIsDownloaded(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	s.signUp("bob")
	alice.get("/settings").want(t, 200, `href="/settings/everything.zip"`)
	got := alice.get("/settings/everything.zip").want(t, 200)
	name := fmt.Sprintf("notifyd-account-%d-%s.zip", s.user("alice").ID, s.now().UTC().Format("2006-01-02"))
	if said := got.header.Get("Content-Disposition"); !strings.Contains(said, name) {
		t.Errorf("Content-Disposition %q, want %s", said, name)
	}
	archive, err := zip.NewReader(strings.NewReader(got.body), int64(len(got.body)))
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, f := range archive.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		all += f.Name + " " + string(text)
	}
	for _, want := range []string{"users.json", "alice@example.org", "filters.yaml", "account.register"} {
		if !strings.Contains(all, want) {
			t.Errorf("the archive has no %s", want)
		}
	}
	if strings.Contains(all, "bob") {
		t.Error("the archive has something of bob's")
	}
	alice.get("/settings/history").want(t, 200, "all that is stored about the account was exported")
	s.visitor().get("/settings/everything.zip").asksToSignIn(t, "")
}
