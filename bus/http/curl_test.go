package http

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
)

// serve runs a source, is done with whatever comes, and gives its address. decoded gives the messages at the end.
func serve(t *testing.T, c Config) (address string, decoded func() []*bus.Message) {
	t.Helper()
	c.Listen = fmt.Sprintf("127.0.0.1:%d", exectest.FreePort(t))
	s, err := New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return testNow }
	ctx, cancel := context.WithCancel(t.Context())
	in, ended, taken := bus.NewIntake(bus.IntakeConfig{}), make(chan error), make(chan []*bus.Message)
	go func() { ended <- s.Run(ctx, in) }()
	go func() {
		var got []*bus.Message
		for {
			batch, open := in.Next(context.Background())
			if !open {
				taken <- got
				return
			}
			for _, f := range batch {
				m, err := bus.Decode(f, testNow)
				if err != nil {
					t.Error(err)
				}
				got = append(got, m)
				f.Done()
			}
		}
	}()
	listening(t, c.Listen)
	return c.Listen, func() []*bus.Message {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		in.Close()
		return <-taken
	}
}

// curl runs curl, and gives the status and the body of the answer.
func curl(t *testing.T, args ...string) string {
	t.Helper()
	args = append([]string{"--silent", "--show-error", "--max-time", "60", "--write-out", "%{http_code}"}, args...)
	out, err := exec.Command(exectest.Program(t, "curl"), args...).CombinedOutput()
	if err != nil {
		t.Errorf("curl: %v: %s", err, out)
	}
	return string(out)
}

// TestCurl sends as a script does: with a token, from a file, as lines, over TLS.
func TestCurl(t *testing.T) {
	folder := t.TempDir()
	cert, key := certificate(t, folder)
	address, decoded := serve(t, Config{CertFile: cert, KeyFile: key, Senders: ferry})
	url := "https://" + address + messagesPath
	line := `{"topic":"org.example.prod.ferry.left","msg":{"island":"Île d’Aix"}}`
	lines := filepath.Join(folder, "lines")
	if err := os.WriteFile(lines, []byte(line+"\n"+line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	token := "Authorization: Bearer " + testToken
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-H", token, "-H", "Content-Type: application/json", "-H", "Idempotency-Key: one", "-d", line},
			`{"ids":["one"]}` + "\n202"},
		{[]string{"-H", token, "-H", "Content-Type: application/x-ndjson", "-H", "Idempotency-Key: two", "--data-binary", "@" + lines},
			`{"ids":["two-1","two-2"]}` + "\n202"},
		{[]string{"-H", token, "-H", "Content-Type: application/json", "-H", "Transfer-Encoding: chunked",
			"-H", "Idempotency-Key: three", "-d", line}, `{"ids":["three"]}` + "\n202"},
		{[]string{"-H", "Content-Type: application/json", "-d", line}, `{"title":"Unauthorized","status":401}` + "\n401"},
	} {
		if got := curl(t, append([]string{"--cacert", cert, url}, c.args...)...); got != c.want {
			t.Errorf("curl %q: %s, want %s", c.args, got, c.want)
		}
	}
	var ids []string
	for _, m := range decoded() {
		ids = append(ids, m.ID)
		if m.Body.(map[string]any)["island"] != "Île d’Aix" {
			t.Errorf("the body is %v", m.Body)
		}
	}
	if got := strings.Join(ids, " "); got != "one two-1 two-2 three" {
		t.Errorf("the messages are %s", got)
	}
}

// certificate writes a certificate for 127.0.0.1, and its key.
func certificate(t *testing.T, folder string) (cert, key string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pair := server.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", pair.Certificate[0]), write("key.pem", "PRIVATE KEY", private)
}
