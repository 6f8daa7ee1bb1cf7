// Package publish makes bodies of messages of what somebody types or pipes in: what `notifyd publish` does between its
// input and a client.Publisher.
//
// A [Sender] sends under one topic. It reads lines of text, a JSON document, or an announcement: the forms that
// fedmsg-logger and fedmsg-announce take.
//
//	s := publish.Sender{Publisher: p, Topic: "repo.update"}
//	err := s.Lines(ctx, os.Stdin)
package publish

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/notifyd/notifyd/bus"
)

// A Publisher sends messages, as a client.Publisher does.
type Publisher interface {
	// Publish sends a message, and gives its id.
	Publish(ctx context.Context, topic string, body any) (string, error)
	// Flush waits until those who take it have it.
	Flush(ctx context.Context) error
}

// A Sender sends the messages of one run.
type Sender struct {
	Publisher Publisher
	Topic     string
}

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
	_, err := s.Publisher.Publish(ctx, s.Topic, body)
	return err
}

// end waits until what was sent is taken.
func (s *Sender) end(ctx context.Context) error { return s.Publisher.Flush(ctx) }
