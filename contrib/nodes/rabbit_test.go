package nodes_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// A rabbit is RabbitMQ on a host.
type rabbit struct {
	*host
	folder string
	child  *exectest.Child
}

const rabbitConfiguration = `listeners.tcp.1 = 0.0.0.0:5672
loopback_users = none
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = 2GB
disk_free_limit.absolute = 10MB
`

// newRabbit starts the port mapper and the broker.
func newRabbit(h *host, folder string) *rabbit {
	h.t.Helper()
	r := &rabbit{host: h, folder: filepath.Join(folder, h.name)}
	if err := os.Mkdir(r.folder, 0o755); err != nil {
		h.t.Fatal(err)
	}
	for name, text := range map[string]string{"rabbitmq.conf": rabbitConfiguration, "plugins": "[].\n"} {
		if err := os.WriteFile(filepath.Join(r.folder, name), []byte(text), 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	h.start(h.command("epmd", "-address", "127.0.0.1"))
	r.start()
	return r
}

func (r *rabbit) start() {
	r.t.Helper()
	cmd := r.command("/usr/lib/rabbitmq/bin/rabbitmq-server")
	cmd.Dir = r.folder
	cmd.Env = append(os.Environ(), "HOME="+r.folder, "ERL_EPMD_ADDRESS=127.0.0.1", "RABBITMQ_NODENAME=mq@localhost",
		"RABBITMQ_CONFIG_FILE="+filepath.Join(r.folder, "rabbitmq"), "RABBITMQ_LOG_BASE="+r.folder,
		"RABBITMQ_MNESIA_BASE="+filepath.Join(r.folder, "mnesia"), "RABBITMQ_ALLOW_INPUT=1",
		"RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(r.folder, "plugins"),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} -setcookie nodes +S 2:2 -noinput")
	r.child = r.host.start(cmd)
	exectest.Eventually(r.t, 3*time.Minute, "RabbitMQ takes connections", func() bool {
		if !r.child.Alive() {
			r.t.Fatalf("RabbitMQ has ended: %s", r.child.Text())
		}
		conn, err := net.DialTimeout("tcp", r.at(5672), time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (r *rabbit) url() string { return fmt.Sprintf("amqp://guest:guest@%s/", r.at(5672)) }
