package client

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// another is a program of somebody else: it says something where it listens, or shows what comes first.
const another = `package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/notifyd/notifyd/bus/client"
)

func main() {
	if os.Args[1] == "say" {
		if err := client.Publish(context.Background(), "testing", map[string]any{"test": "Hello World"},
			client.Bind(os.Args[2])); err != nil {
			log.Fatal(err)
		}
		return
	}
	for m, err := range client.Tail(context.Background(), client.Endpoint(os.Args[2])) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("GOT", m.Topic, m.Body)
		return
	}
}
`

// TestFromAnotherModule: a program in a module of its own talks to a real pyzmq, both ways.
func TestFromAnotherModule(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program: run it without -short, as make check does")
	}
	python, gotool := exectest.Python(t, "zmq"), exectest.Program(t, "go")
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	// The versions are those of ours, so that nothing is looked for on the network.
	_, rest, _ := strings.Cut(string(own), "\n")
	mod := "module example.org/another\n" + rest +
		"\nrequire github.com/notifyd/notifyd v0.0.0\n\nreplace github.com/notifyd/notifyd => " + root + "\n"
	for name, text := range map[string]string{"go.mod": mod, "go.sum": string(sums), "main.go": another} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command(gotool, "build", "-mod=mod", "-o", "another", ".")
	build.Dir, build.Env = folder, append(os.Environ(), "GOPROXY=off", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	program := filepath.Join(folder, "another")

	address := fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))
	subscriber := exectest.Start(t, exec.Command(python, "-c", `
import json, sys, zmq
s = zmq.Context().socket(zmq.SUB); s.setsockopt(zmq.SUBSCRIBE, b""); s.connect(sys.argv[1])
topic, body = s.recv_multipart(); print("GOT", topic.decode(), json.loads(body)["msg"], flush=True)
s.recv_multipart()
`, address))
	if out, err := exec.Command(program, "say", address).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	exectest.Eventually(t, 20*time.Second, "pyzmq has it", func() bool {
		return strings.Contains(subscriber.Text(), "GOT org.fedoraproject.dev.another.testing {'test': 'Hello World'}")
	})

	address = fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))
	exectest.Start(t, exec.Command(python, "-c", `
import sys, time, zmq
s = zmq.Context().socket(zmq.PUB); s.bind(sys.argv[1])
while True: s.send_multipart([b"a.b", b'{"topic": "a.b", "msg": {"x": 1}}']); time.sleep(0.02)
`, address))
	out, err := exec.Command(program, "hear", address).Output()
	if err != nil || string(out) != "GOT a.b map[x:1]\n" {
		t.Errorf("%v: %s", err, out)
	}
}
