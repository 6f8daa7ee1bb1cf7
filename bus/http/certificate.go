package http

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/notifyd/notifyd/internal/watch"
)

// certificateCheck is how often the files of the certificate are looked at.
const certificateCheck = 30 * time.Second

// watchCertificate reads the certificate, and does so again when its files change.
func watchCertificate(c Config, log *slog.Logger) (*watch.Watcher[*tls.Certificate], error) {
	w, err := watch.New(watch.Source[*tls.Certificate]{
		Name: "certificate", File: c.CertFile,
		Look: func() ([]fs.FileInfo, error) {
			cert, err := os.Stat(c.CertFile)
			if err != nil {
				return nil, err
			}
			key, err := os.Stat(c.KeyFile)
			return []fs.FileInfo{cert, key}, err
		},
		Read: func() (watch.Content[*tls.Certificate], error) { return readCertificate(c) },
	}, certificateCheck, log)
	if err != nil {
		return nil, fmt.Errorf("cert_file and key_file: %w", err)
	}
	return w, nil
}

func readCertificate(c Config) (watch.Content[*tls.Certificate], error) {
	var content watch.Content[*tls.Certificate]
	cert, err := os.ReadFile(c.CertFile)
	if err != nil {
		return content, err
	}
	key, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return content, err
	}
	content.Sum = sha256.Sum256(append(append([]byte(nil), cert...), key...))
	content.Make = func() (*tls.Certificate, error) {
		pair, err := tls.X509KeyPair(cert, key)
		return &pair, err
	}
	return content, nil
}
