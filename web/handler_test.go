package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/web"
)

// Under https the cookie never travels in the clear, and browsers are told to stay with https.
func TestUnderHTTPS(t *testing.T) {
	s := newSite(t, "")
	o := s.options()
	o.BaseURL = "https://notify.example.org"
	pages, err := web.Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.prefs.Accounts.NewSignIn(t.Context(), "alice@example.org")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "https://notify.example.org/signin/"+token, nil))
	if c := w.Header().Get("Set-Cookie"); w.Code != http.StatusSeeOther || !strings.Contains(c, "; Secure") {
		t.Errorf("status %d, cookie %q", w.Code, c)
	}
	if w.Header().Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security")
	}
}

func TestBaseURLsThatAreRefused(t *testing.T) {
	s := newSite(t, "")
	for _, base := range []string{"", "notify.example.org", "/notify", "ftp://notify.example.org",
		"https://notify.example.org/?x=1", "https://", "::"} {
		o := s.options()
		o.BaseURL = base
		if _, err := web.Handler(o); err == nil {
			t.Errorf("base URL %q is taken", base)
		}
	}
	if _, err := web.Handler(web.Options{BaseURL: "https://notify.example.org"}); err == nil {
		t.Error("options without stores are taken")
	}
}
