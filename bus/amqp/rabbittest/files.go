package rabbittest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificates are the paths of PEM files: a CA, and what it has signed for Client.
type Certificates struct {
	CA, Cert, Key string
	// OtherCA has signed nothing here.
	OtherCA string
}

// configuration is rabbitmq.conf. A message over 20 MiB is refused, one over our own bound is not.
const configuration = `listeners.tcp.1 = 127.0.0.1:%s
listeners.ssl.1 = 127.0.0.1:%s
ssl_options.cacertfile = %[3]s/ca.pem
ssl_options.certfile = %[3]s/server.pem
ssl_options.keyfile = %[3]s/server.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
load_definitions = %[3]s/definitions.json
loopback_users = none
max_message_size = 20971520
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = 2GB
disk_free_limit.absolute = 10MB
`

// writeFiles writes what the broker reads when it starts.
func (b *Broker) writeFiles() error {
	definitions, err := json.Marshal(definitions())
	if err != nil {
		return err
	}
	errs := []error{}
	for name, text := range map[string]string{
		"rabbitmq.conf": fmt.Sprintf(configuration, b.Port, b.TLSPort, b.dir), "definitions.json": string(definitions),
		"plugins": "[rabbitmq_auth_mechanism_ssl].\n",
	} {
		errs = append(errs, os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600))
	}
	return errors.Join(errs...)
}

// definitions are the vhosts and logins.
func definitions() map[string]any {
	salt := []byte{1, 2, 3, 4}
	sum := sha256.Sum256(append(salt, Password...))
	hash := base64.StdEncoding.EncodeToString(append(salt, sum[:]...))
	var users, permissions []map[string]any
	for _, name := range []string{Admin, Other, Reader, Client} {
		users = append(users, map[string]any{
			"name": name, "password_hash": hash, "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": "",
		})
		may := map[string]any{"user": name, "vhost": Vhost, "configure": ".*", "write": ".*", "read": ".*"}
		if name == Reader {
			may["configure"], may["write"] = `^amq\.gen.*$`, `^amq\.gen.*$`
		}
		permissions = append(permissions, may)
	}
	return map[string]any{
		"vhosts": []map[string]any{{"name": Vhost}, {"name": Closed}}, "users": users, "permissions": permissions,
	}
}

// makeCertificates makes a CA, a server's and a client's certificate, and a CA that has nothing to do with them.
func makeCertificates(dir string) (Certificates, error) {
	c := Certificates{
		CA: filepath.Join(dir, "ca.pem"), OtherCA: filepath.Join(dir, "other-ca.pem"),
		Cert: filepath.Join(dir, "client.pem"), Key: filepath.Join(dir, "client.key"),
	}
	ca, key, err := certificate(dir, "ca", &x509.Certificate{
		Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	if err != nil {
		return c, err
	}
	_, _, err = certificate(dir, "other-ca", &x509.Certificate{
		Subject: pkix.Name{CommonName: "other CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	_, _, err2 := certificate(dir, "server", &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, KeyUsage: x509.KeyUsageDigitalSignature,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, key)
	_, _, err3 := certificate(dir, "client", &x509.Certificate{
		Subject: pkix.Name{CommonName: Client}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca, key)
	return c, errors.Join(err, err2, err3)
}

// certificate makes a certificate that the parent has signed, or itself, and writes it with its key.
func certificate(dir, name string, template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (
	*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		return nil, nil, err
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, nil, err
	}
	text, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	made, err := x509.ParseCertificate(der)
	return made, key, errors.Join(err,
		os.WriteFile(filepath.Join(dir, name+".pem"),
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(filepath.Join(dir, name+".key"),
			pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: text}), 0o600))
}
