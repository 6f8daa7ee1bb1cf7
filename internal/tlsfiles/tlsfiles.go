// Package tlsfiles makes the TLS of a client from PEM files, whose paths stand in a configuration under the keys
// ca_file, cert_file and key_file. Who reads them at each connection takes files that were renewed.
package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// Files are the paths; "" for what is not set.
type Files struct{ CA, Cert, Key string }

// maxFile bounds a file, in bytes.
const maxFile = 1 << 20

// A Read reads a file of at most so many bytes: watch.ReadFile.
type Read func(name string, most int64) ([]byte, error)

// Config reads the files. Without a CA the system's authorities are trusted. An error names the key.
func (f Files) Config(read Read) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New("cert_file, key_file: both or none were expected")
	}
	if f.CA != "" {
		text, err := read(f.CA, maxFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("ca_file: %s holds no PEM certificate", f.CA)
		}
	}
	if f.Cert != "" {
		pair, err := f.certificate(read)
		if err != nil {
			return nil, fmt.Errorf("cert_file, key_file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// certificate reads our certificate and its key.
func (f Files) certificate(read Read) (tls.Certificate, error) {
	certificate, err := read(f.Cert, maxFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := read(f.Key, maxFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certificate, key)
}
