// Package publish makes messages of what somebody types or pipes in, and sends them: what `notifyd publish` does
// between its input and the socket.
//
// A [Sender] sends under one topic. It reads lines of text, a JSON document, or an announcement: the forms that
// fedmsg-logger and fedmsg-announce take.
//
//	s := publish.Sender{Publisher: p, Topic: "org.example.dev.logger.log", Now: time.Now}
//	err := s.Lines(ctx, os.Stdin)
//	fmt.Println(s.Took(), "subscribers have it")
package publish

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
)

// A Publisher is a socket of a bus, such as a zmq.Publisher.
type Publisher interface {
	// Publish queues a message, and gives how many peers will get it.
	Publish(topic string, payload []byte) (int, error)
	// Flush waits until they have it.
	Flush(ctx context.Context) error
}

// A Sender sends the messages of one run, and counts them.
type Sender struct {
	Publisher Publisher
	Topic     string
	Username  string        // of the Unix user
	Signer    *trust.Signer // nil: messages are not signed
	Now       func() time.Time

	sent         int64
	fewest, most int // peers that got a message
}

// flushEvery is the number of messages after which a Sender waits until they are taken: fewer than fit in a peer's
// queue.
const flushEvery = 500

// Lines sends each line that is not blank as {"log": line}.
func (s *Sender) Lines(ctx context.Context, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, bus.MaxPayload)
	for lines.Scan() {
		if line := text(lines.Bytes()); line != "" {
			if err := s.send(ctx, map[string]any{"log": line}); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	return s.end(ctx)
}

// Document sends all that is read as one message: a JSON document, which becomes its body.
func (s *Sender) Document(ctx context.Context, in io.Reader) error {
	text, err := all(in)
	if err != nil {
		return err
	}
	body, err := bus.ParseJSON(text)
	if err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	if err := s.send(ctx, body); err != nil {
		return err
	}
	return s.end(ctx)
}

// Announcement sends all that is read as {"message": text, "link": link}, in the form of fedmsg-announce; without a
// link null.
func (s *Sender) Announcement(ctx context.Context, in io.Reader, link string) error {
	read, err := all(in)
	if err != nil {
		return err
	}
	message := text(read)
	if message == "" {
		return errors.New("there is nothing to announce: the text is empty")
	}
	body := map[string]any{"message": message, "link": nil}
	if link != "" {
		body["link"] = link
	}
	if err := s.send(ctx, body); err != nil {
		return err
	}
	return s.end(ctx)
}

// all reads what may be one message.
func all(in io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, bus.MaxPayload+1))
	if err == nil && len(text) > bus.MaxPayload {
		err = fmt.Errorf("it is larger than %d bytes", bus.MaxPayload)
	}
	if err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	return text, nil
}

// text is what was read, as UTF-8 without white space around it.
func text(read []byte) string {
	return string(bytes.ToValidUTF8(bytes.TrimSpace(read), []byte("\uFFFD")))
}

func (s *Sender) send(ctx context.Context, body any) error {
	now := s.Now()
	id, err := bus.NewID(now, rand.Reader)
	if err != nil {
		return err
	}
	s.sent++
	payload, err := bus.Encode(&bus.Message{
		ID: id, Topic: s.Topic, Time: now, Counter: s.sent, Username: s.Username, Body: body,
	})
	if err == nil && s.Signer != nil {
		payload, err = s.Signer.Sign(payload)
	}
	if err != nil {
		return err
	}
	n, err := s.Publisher.Publish(s.Topic, payload)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("message %d was not sent: nobody is left who has subscribed to %s", s.sent, s.Topic)
	}
	if s.sent == 1 {
		s.fewest = n
	}
	s.fewest, s.most = min(s.fewest, n), max(s.most, n)
	if s.sent%flushEvery == 0 {
		return s.Publisher.Flush(ctx)
	}
	return nil
}

// end waits until what was sent is taken.
func (s *Sender) end(ctx context.Context) error { return s.Publisher.Flush(ctx) }

// Took says how many have taken what was sent: "3", or "2 to 3" where some came or went meanwhile.
func (s *Sender) Took() string {
	if s.fewest == s.most {
		return fmt.Sprint(s.most)
	}
	return fmt.Sprintf("%d to %d", s.fewest, s.most)
}

// Topic is the whole topic of a message. One that already begins with the prefix stays as it is, as in fedmsg.
func Topic(prefix, environment, modname, topic string) string {
	rest := modname + "." + topic
	if strings.HasPrefix(rest, prefix+".") {
		return rest
	}
	return prefix + "." + environment + "." + rest
}
