package daemon

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wneessen/go-mail"
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
	"github.com/notifyd/notifyd/backends/email"
	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
)

// BenchmarkDelivery measures mails through one SMTP server on this machine, all in one run: go-mail alone on one
// connection, the email backend, an outbox with what was owed before, and a whole daemon from the bus to the server.
// All have the default configuration. The server is Postfix's smtp-sink where it is installed.
func BenchmarkDelivery(b *testing.B) {
	b.Run("go-mail", func(b *testing.B) { perMail(b, goMailAlone) })
	b.Run("backend", func(b *testing.B) { perMail(b, backendAlone) })
	b.Run("outbox", func(b *testing.B) { perMail(b, outboxAlone) })
	b.Run("daemon", func(b *testing.B) {
		perMail(b, func(b *testing.B, port int, begin func()) { busToMail(b, port, 0, begin) })
	})
	b.Run("latency at 1000", func(b *testing.B) { mailLatency(b, 1000) })
}

// perMail reports mails a second, and the processor time of this process (without that of the server) for each, which
// says more on a busy machine.
func perMail(b *testing.B, send func(b *testing.B, port int, begin func())) {
	var before float64
	send(b, smtpSink(b), func() { before = processorSeconds(); b.ResetTimer() })
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	b.ReportMetric(1e6*(processorSeconds()-before)/float64(b.N), "cpu-µs/mail")
}

func processorSeconds() float64 {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

// smtpSink starts a server that takes everything, and gives its port.
func smtpSink(b *testing.B) int {
	path, err := exec.LookPath("smtp-sink")
	if err != nil {
		path = "/usr/sbin/smtp-sink"
	}
	port := exectest.FreePort(b)
	args := []string{"127.0.0.1:" + strconv.Itoa(port), "1000"}
	if os.Getuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...)
	}
	sink := exec.Command(path, args...)
	sink.Stdout, sink.Stderr = io.Discard, io.Discard
	if sink.Start() != nil {
		return mailServer(b).Addr().Port
	}
	b.Cleanup(func() { sink.Process.Kill(); sink.Wait() })
	exectest.Eventually(b, 10*time.Second, "smtp-sink listens", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return port
}

func mailServer(b *testing.B) *fakesmtp.Server {
	s, err := fakesmtp.Open(fakesmtp.Options{Keep: 200_000})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	b.Cleanup(func() { stop(); running.Wait() })
	return s
}

// goMailAlone sends mails of 2 kB in two parts on one connection.
func goMailAlone(b *testing.B, port int, begin func()) {
	client, err := mail.NewClient("127.0.0.1", mail.WithPort(port), mail.WithTLSPolicy(mail.NoTLS), mail.WithoutNoop(),
		mail.WithoutRset())
	if err != nil {
		b.Fatal(err)
	}
	session, err := client.DialToSMTPClientWithContext(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	text := string(bytes.Repeat([]byte("alice built the package golang 1.2.3\r\n"), 20))
	begin()
	for range b.N {
		m := mail.NewMsg()
		if err := m.From("notifyd@example.org"); err != nil {
			b.Fatal(err)
		}
		if err := m.To("alice@example.org"); err != nil {
			b.Fatal(err)
		}
		m.Subject("alice built a package")
		m.SetBodyString(mail.TypeTextPlain, text)
		m.AddAlternativeString(mail.TypeTextHTML, "<p>"+text+"</p>")
		if err := client.SendWithSMTPClient(session, m); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	session.Quit()
}

func mailBackend(b *testing.B, port int) *email.Backend {
	back, err := email.New(email.Config{Host: "127.0.0.1", Port: port, TLS: email.TLSNone, From: "n@example.org"},
		slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	return back
}

// backendAlone sends with as many goroutines as the backend can use.
func backendAlone(b *testing.B, port int, begin func()) {
	back := mailBackend(b, port)
	b.SetParallelism(4)
	begin()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p := backends.Parcel{ID: rand.Text(), To: "alice@example.org", Notices: backendtest.Samples()[:1]}
			if err := back.Send(b.Context(), p); err != nil {
				b.Error(err)
			}
		}
	})
}

// outboxAlone sends what was owed before the start, to as many destinations.
func outboxAlone(b *testing.B, port int, begin func()) {
	d := migratest.Open(b, migratest.SQLite(b))
	o := outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{}, time.Now, rand.Reader)
	var some []outbox.Delivery
	for i := range b.N {
		n := backendtest.Samples()[0]
		n.ID = fmt.Sprint("m", i)
		some = append(some, outbox.Delivery{Message: n.ID, Destination: fmt.Sprint(i), Backend: "email",
			Address: fmt.Sprintf("p%d@example.org", i), Notice: n, DueAt: time.Now()})
	}
	for part := range slices.Chunk(some, 500) {
		if err := d.Writer.Transaction(func(tx *gorm.DB) error { _, err := o.Add(tx, part); return err }); err != nil {
			b.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	begin()
	go func() { ended <- o.Run(ctx, map[string]backends.Backend{"email": mailBackend(b, port)}) }()
	untilMailed(b, o, b.N)
	b.StopTimer()
	stop()
	<-ended
}

func untilMailed(b *testing.B, o *outbox.Outbox, n int) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(5 * time.Minute); ; <-tick.C {
		for _, c := range o.Counts() {
			if c.Backend == "email" && int(c.Sent) >= n {
				return
			}
		}
		if time.Now().After(deadline) {
			b.Fatalf("not all of %d mails are sent: %+v", n, o.Counts())
		}
	}
}

// mailPeople have a filter each, on a package of their own.
const mailPeople = 500

func mailDatabase(b *testing.B) string {
	file := migratest.SQLite(b)
	d, err := migrations.Open(b.Context(), file)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	d.Writer.Exec("PRAGMA synchronous = OFF")
	store := openPrefs(d)
	for i := range mailPeople {
		name := fmt.Sprintf("person%d", i)
		user, err := store.Accounts.Register(b.Context(), name, "", "email", name+"@example.org")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := store.Filters.Save(b.Context(), user.ID, about(fmt.Sprintf("package%d", i), false)); err != nil {
			b.Fatal(err)
		}
	}
	return file
}

// busToMail publishes b.N messages, each of which is owed to one person, at so many a second (0: as fast as they are
// committed), and waits until all are mailed. It gives when each was published.
func busToMail(b *testing.B, port, rate int, begin func()) (published map[string]time.Time) {
	publisher, err := zmq.Bind(b.Context(), "tcp://127.0.0.1:0", zmq.PublisherConfig{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 2)
	go func() { ended <- publisher.Run(ctx) }()
	path := writeFile(b, b.TempDir(), "notifyd.yaml", "database: {dsn: '"+mailDatabase(b)+"'}", "web: {listen: ''}",
		"metrics: {listen: ''}", "bus: {zmq: {endpoints: {town: '"+publisher.Addr()+"'}}}",
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: n@example.org}}", port))
	f, err := config.Read(path, nil)
	if err != nil {
		b.Fatal(err)
	}
	log := &exectest.Log{}
	s, err := Open(ctx, f, Env{Now: time.Now, Stderr: log, Version: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	go func() { ended <- s.Run(ctx) }()
	if err := publisher.WaitSubscribed(ctx, "org.example.test.git.receive"); err != nil {
		b.Fatal(err)
	}
	published = map[string]time.Time{}
	messages := func(i int) (string, []byte) {
		m := push(fmt.Sprint("2026-", i), fmt.Sprintf("package%d", i%mailPeople))
		published[fmt.Sprint("2026-", i)] = time.Now()
		return m.Topic, m.Payload
	}
	send := sender(b, messages, publisher, s)
	send(200)
	untilMailed(b, s.outbox, 200)
	clear(published) // those came all at once, to warm up
	begin()
	if rate == 0 {
		send(b.N)
	}
	for start, i := time.Now(), 0; rate > 0 && i < b.N; i++ {
		if pause := time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(rate))); pause > time.Millisecond {
			<-time.After(pause)
		}
		if _, err := publisher.Publish(messages(200 + i)); err != nil {
			b.Fatal(err)
		}
	}
	untilMailed(b, s.outbox, 200+b.N)
	b.StopTimer()
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Error(err)
	}
	return published
}

// mailLatency reports the time from a message on the bus to its mail at the server.
func mailLatency(b *testing.B, rate int) {
	server := mailServer(b)
	published := busToMail(b, server.Addr().Port, rate, b.ResetTimer)
	var took []time.Duration
	for _, m := range server.Messages() {
		_, rest, _ := bytes.Cut(m.Data, []byte("X-Notifyd-Message-Id: "))
		id, _, _ := bytes.Cut(rest, []byte("\r\n"))
		if at, ok := published[string(id)]; ok {
			took = append(took, m.Received.Sub(at))
		}
	}
	slices.Sort(took)
	if len(took) < b.N {
		b.Fatalf("%d mails of %d", len(took), b.N)
	}
	for _, q := range []int{50, 90, 99} {
		b.ReportMetric(float64(took[len(took)*q/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", q))
	}
}
