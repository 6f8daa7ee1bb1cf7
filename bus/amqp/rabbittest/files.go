package rabbittest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

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
