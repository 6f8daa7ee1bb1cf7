package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/notifyd/notifyd/web/visit"
)

// TestDownloadBreaksOff: a file whose making fails in the middle is not taken for a whole one.
func TestDownloadBreaksOff(t *testing.T) {
	s := &site{}
	s.fillIn()
	guarded, err := s.guard("http://example.org", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := &request{site: s, w: w, r: r}
		_ = req.showView(&visit.View{File: &visit.File{Name: "all.json", Type: "application/json",
			Write: func(out io.Writer) error {
				_, _ = io.WriteString(out, "[1,")
				return errors.New("disk on fire")
			}}})
	}))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(guarded)
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		return // broken off before the head was sent
	}
	defer answer.Body.Close()
	if got, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("the client takes %q for the whole file", got)
	}
}
