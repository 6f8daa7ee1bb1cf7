package kerberos_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/directory/kerberos"
	"github.com/notifyd/notifyd/internal/exectest"
)

// kkdcp is a proxy of a KDC as Fedora has one: what comes by https goes on by TCP (MS-KKDCP).
func kkdcp(t *testing.T, k *exectest.KDC) (*httptest.Server, *tls.Config) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var message struct {
			Kerberos []byte `asn1:"explicit,tag:0"`
			Domain   string `asn1:"explicit,optional,tag:1"`
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/kerberos" {
			t.Errorf("the question is %s: %v", r.Header.Get("Content-Type"), err)
		}
		if _, err := asn1.Unmarshal(body, &message); err != nil || message.Domain != exectest.KDCRealm {
			t.Errorf("the question is for %q: %v", message.Domain, err)
		}
		conn, err := net.Dial("tcp", k.Address)
		if err != nil {
			http.Error(w, "the KDC is away", http.StatusBadGateway)
			return
		}
		defer conn.Close()
		conn.Write(message.Kerberos)
		answer := make([]byte, 1<<16)
		n, err := io.ReadAtLeast(conn, answer, 5)
		if err != nil {
			t.Error(err)
		}
		text, err := asn1.Marshal(struct {
			Kerberos []byte `asn1:"explicit,tag:0"`
		}{answer[:n]})
		if err != nil {
			t.Error(err)
		}
		w.Write(text)
	}))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, &tls.Config{RootCAs: roots}
}

func TestKDCBehindAProxy(t *testing.T) {
	k, s := realm(t)
	server, trust := kkdcp(t, k)
	text, err := os.ReadFile(k.Config)
	if err != nil {
		t.Fatal(err)
	}
	s.Config = filepath.Join(t.TempDir(), "krb5.conf")
	write(t, s.Config, strings.ReplaceAll(string(text), "kdc = "+k.Address, "kdc = "+server.URL+"/KdcProxy"))
	c, err := kerberos.Open(s, host, trust)
	if err != nil {
		t.Fatal(err)
	}
	if _, problem := header(t, c); problem != "" || logins(k) != 1 {
		t.Errorf("%d logins: %s", logins(k), problem)
	}
	if _, problem := header(t, open(t, s)); !strings.Contains(problem, "certificate") {
		t.Errorf("with the proxy of a stranger: %q", problem)
	}
	k.Kill()
	c.Forget()
	if _, problem := header(t, c); !strings.Contains(problem, "it answers with status 502") {
		t.Errorf("without a KDC: %q", problem)
	}
	write(t, s.Config, strings.ReplaceAll(string(text), "kdc = "+k.Address, "kdc = http://127.0.0.1/KdcProxy"))
	if _, problem := header(t, open(t, s)); !strings.Contains(problem, "an https URL was expected") {
		t.Errorf("without TLS: %q", problem)
	}
}
