package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/client"
	bushttp "github.com/notifyd/notifyd/bus/http"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/internal/pkitest"
)

var ctx = context.Background()

// relay starts what takes messages in, and tells the process of it. heard prints so many messages that have come.
func relay(options ...client.TailOption) (heard func(n int)) {
	l, err := zmq.Listen(ctx, "relay", "tcp://127.0.0.1:0", zmq.ListenerConfig{}, slog.New(slog.DiscardHandler))
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("NOTIFYD_BUS__PUBLISH__RELAY", l.Addr())
	came := make(chan *bus.Message, 100)
	go func() {
		for m := range client.Tail(ctx, append(options, client.From(l))...) {
			came <- m
		}
	}()
	return func(n int) {
		for range n {
			m := <-came
			body, _ := json.Marshal(m.Body)
			fmt.Println(m.Topic, string(body))
		}
	}
}

// gateway starts what publishes messages of bodhi again and again, and gives its address.
func gateway() string {
	p, err := client.NewPublisher(client.Bind("tcp://127.0.0.1:0"), client.Env("prod"), client.Modname("bodhi"))
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			comment := map[string]any{"author": "ralph", "text": "I'm so pumped", "karma": 1}
			_, _ = p.Publish(ctx, "update.comment", map[string]any{"comment": comment}) // somebody will come
			<-time.After(10 * time.Millisecond)
		}
	}()
	return p.Addr()
}

// fedmsg.publish(topic='testing', modname='test', msg={'test': "Hello World"})
func ExamplePublish() {
	heard := relay()

	err := client.Publish(ctx, "testing", map[string]any{"test": "Hello World"}, client.Modname("test"))
	if err != nil {
		log.Fatal(err)
	}

	heard(1)
	// Output: org.fedoraproject.dev.test.testing {"test":"Hello World"}
}

// A Package writes itself, as an object with __json__ does in Python.
type Package struct{ Name, Branch string }

func (p Package) MarshalJSON() ([]byte, error) { return json.Marshal(p.Name + "/" + p.Branch) }

// fedmsg.publish(topic='testing', msg={'test': 'Hello World', 'foo': jsonifiable_objects, 'bar': a_sqlalchemy_object})
func ExamplePublish_objects() {
	heard := relay()

	err := client.Publish(ctx, "testing", map[string]any{
		"test": "Hello World",
		"foo":  []any{1, 2.5, nil},
		"bar":  Package{"tea", "f20"},
	})
	if err != nil {
		log.Fatal(err)
	}

	heard(1) // the program is called client.test
	// Output: org.fedoraproject.dev.client.testing {"bar":"tea/f20","foo":[1,2.5,null],"test":"Hello World"}
}

// fedmsg.send_message(topic='tag.update', msg={'user': user, 'tag': tag})
func ExamplePublisher() {
	heard := relay()
	p, err := client.NewPublisher(client.Env("prod"), client.Modname("fedoratagger"))
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()

	for _, tag := range []string{"game", "editor"} {
		if _, err := p.Publish(ctx, "tag.update", map[string]any{"user": "ralph", "tag": tag}); err != nil {
			log.Fatal(err)
		}
	}

	heard(2)
	// Output:
	// org.fedoraproject.prod.fedoratagger.tag.update {"tag":"game","user":"ralph"}
	// org.fedoraproject.prod.fedoratagger.tag.update {"tag":"editor","user":"ralph"}
}

// echo "Hello World." | fedmsg-logger --modname=git --topic=repo.update
func ExamplePublish_logger() {
	heard := relay()

	err := client.Publish(ctx, "repo.update", map[string]string{"log": "Hello World."}, client.Modname("git"))
	if err != nil {
		log.Fatal(err)
	}

	heard(1)
	// Output: org.fedoraproject.dev.git.repo.update {"log":"Hello World."}
}

// echo '{"a": 1}' | fedmsg-logger --json-input
func ExamplePublish_json() {
	heard := relay()

	err := client.Publish(ctx, "log", json.RawMessage(`{"a": 1}`), client.Modname("logger"))
	if err != nil {
		log.Fatal(err)
	}

	heard(1)
	// Output: org.fedoraproject.dev.logger.log {"a":1}
}

// for name, endpoint, topic, msg in fedmsg.tail_messages(): print topic, msg
func ExampleTail() {
	os.Setenv("NOTIFYD_BUS__ZMQ__ENDPOINTS", "bodhi: "+gateway())

	for m, err := range client.Tail(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Topic, m.Body)
		break // enough for an example
	}
	// Output: org.fedoraproject.prod.bodhi.update.comment map[comment:map[author:ralph karma:1 text:I'm so pumped]]
}

// class MyConsumer(fedmsg.consumers.FedmsgConsumer): topic = "org.fedoraproject.*"; def consume(self, message): …
func ExampleTail_consumer() {
	consume := func(m *bus.Message) bool {
		fmt.Println("consumed", m.Topic)
		return false
	}

	for m, err := range client.Tail(ctx, client.Endpoint(gateway()), client.Topics("org.fedoraproject.*")) {
		if err != nil {
			log.Fatal(err)
		}
		if !consume(m) {
			break
		}
	}
	// Output: consumed org.fedoraproject.prod.bodhi.update.comment
}

// /etc/fedmsg.d/endpoints.py: "debian": ["tcp://fedmsg.olasd.eu:9940"]
func ExampleEndpointsFile() {
	folder, err := os.MkdirTemp("", "endpoints")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "endpoints.json") // such as fedmsg-config writes
	text := fmt.Sprintf(`{"endpoints": {"debian": [%q]}}`, gateway())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}

	for m, err := range client.Tail(ctx, client.EndpointsFile(file)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Source, m.Topic)
		break
	}
	// Output: debian org.fedoraproject.prod.bodhi.update.comment
}

// "You will take your JSON dictionary and push it by POST through HTTPS. And then after that send the message to the
// bus."
func ExamplePoster() {
	url, token := server()

	p, err := client.NewPoster(client.PosterConfig{URL: url, Token: token})
	if err != nil {
		log.Fatal(err)
	}
	ids, err := p.Post(ctx, &bus.Message{
		ID: "2026-upload-1", Topic: "org.debian.dev.archive.upload", Body: map[string]any{"package": "tea"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored:", ids)
	// Output: stored: [2026-upload-1]
}

// A Publisher that posts has the same topics, ids and signatures as one that connects to a relay.
func ExamplePost() {
	url, token := server()
	poster, err := client.NewPoster(client.PosterConfig{URL: url, Token: token})
	if err != nil {
		log.Fatal(err)
	}

	err = client.Publish(ctx, "upload", map[string]any{"package": "tea"}, client.Post(poster),
		client.Prefix("org.debian"), client.Modname("dak"))
	fmt.Println(err)

	err = client.Publish(ctx, "upload", map[string]any{"package": "tea"}, client.Post(poster),
		client.Prefix("org.example"), client.Modname("dak"))
	var refused *client.Refusal
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Detail)
	}
	// Output:
	// <nil>
	// 403 message 1: archive may not send under the topic "org.example.dev.dak.upload"
}

// "GPG or x509 signatures": what nobody has signed is left out.
func ExampleVerify() {
	folder := certificates()
	defer os.RemoveAll(folder)
	verifier, err := trust.Open(trust.Config{
		CA: filepath.Join(folder, "ca.crt"), CRL: filepath.Join(folder, "crl.pem"),
		Policy:   map[string][]string{"org.fedoraproject.*.git.#": {"git.example.org"}},
		Verdicts: trust.Verdicts{Unsigned: trust.Drop},
	})
	if err != nil {
		log.Fatal(err)
	}
	heard := relay(client.Verify(verifier), client.Skipped(func(err error) { fmt.Println("left out") }))

	signer := signer(folder, "git.example.org")
	for _, options := range [][]client.PublishOption{nil, {client.Sign(signer)}} {
		options = append(options, client.Modname("git"))
		if err := client.Publish(ctx, "receive", map[string]any{"signed": len(options) == 2}, options...); err != nil {
			log.Fatal(err)
		}
	}

	heard(1)
	// Output:
	// left out
	// org.fedoraproject.dev.git.receive {"signed":true}
}

// server starts a bus.http that lets a sender say what is under org.debian.
func server() (url, token string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	l.Close()
	token = "sesame-sesame-sesame"
	source, err := bushttp.New(bushttp.Config{Listen: l.Addr().String(), Senders: map[string]bushttp.Sender{
		"archive": {Token: token, Topics: []string{"org.debian"}},
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for range client.Tail(ctx, client.From(source)) { // and each is stored
		}
	}()
	for {
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
			return "http://" + l.Addr().String(), token
		}
	}
}

func certificates() (folder string) {
	pki, err := pkitest.New(time.Now())
	if err == nil {
		folder, err = os.MkdirTemp("", "pki")
	}
	if err == nil {
		err = pki.Write(folder)
	}
	if err != nil {
		log.Fatal(err)
	}
	return folder
}

func signer(folder, name string) *trust.Signer {
	certificate, _ := os.ReadFile(filepath.Join(folder, name+".crt"))
	key, _ := os.ReadFile(filepath.Join(folder, name+".key"))
	s, err := trust.NewSigner(certificate, key)
	if err != nil {
		log.Fatal(err)
	}
	return s
}
