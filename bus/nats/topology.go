package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/notifyd/notifyd/bus/sessions"
)

// The bounds of the stream of dead letters: the last ones are enough to see what is wrong.
const (
	deadLetters      = 10_000
	deadLettersBytes = 64 << 20
)

// declare looks for stream and consumer, and makes what is to be made.
func (s *session) declare(ctx context.Context) error {
	if err := s.declareStream(ctx); err != nil {
		return err
	}
	if err := s.declareDeadLetters(ctx); err != nil {
		return err
	}
	if err := s.declareConsumer(ctx); err != nil {
		return err
	}
	s.noteLost()
	return nil
}

func (s *session) declareStream(ctx context.Context) (err error) {
	name := s.config.Stream
	s.stream, err = s.js.Stream(ctx, name)
	if err == nil || !errors.Is(err, jetstream.ErrStreamNotFound) || s.config.Create != createStream {
		return explain(err, "look for the stream %q", name)
	}
	s.stream, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: name, Subjects: s.config.Subjects, MaxAge: s.config.MaxAge, Replicas: s.config.Replicas,
		Description: "made by notifyd",
	})
	if err == nil {
		s.log.Warn("the stream was not there and is made", "subjects", s.config.Subjects)
	}
	return explain(err, "make the stream %q", name)
}

// declareDeadLetters looks for a stream that keeps dead letters, and makes it.
func (s *session) declareDeadLetters(ctx context.Context) error {
	subject := s.config.DeadLetter
	if subject == "" {
		return nil
	}
	_, err := s.js.StreamNameBySubject(ctx, subject)
	if err == nil || !errors.Is(err, jetstream.ErrStreamNotFound) || s.config.Create == createNothing {
		return explain(err, "look for a stream that keeps the dead letters %q", subject)
	}
	_, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: strings.ReplaceAll(subject, ".", "_"), Subjects: []string{subject}, MaxMsgs: deadLetters,
		MaxBytes: deadLettersBytes, Replicas: s.config.Replicas, Description: "what notifyd could not read",
	})
	return explain(err, "make the stream of dead letters %q", subject)
}

// declareConsumer looks for the consumer, and makes it where it is not there, or what it says of it.
func (s *session) declareConsumer(ctx context.Context) error {
	name := s.config.Durable
	consumer, err := s.stream.Consumer(ctx, name)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound) && s.config.Create != createNothing:
		consumer, err = s.stream.CreateConsumer(ctx, s.newConsumer())
		if err != nil {
			return explain(err, "make the consumer %q", name)
		}
		s.noteMade()
	case err != nil:
		return explain(err, "look for the consumer %q", name)
	case consumer.CachedInfo().Config.AckPolicy != jetstream.AckExplicitPolicy:
		return sessions.Fail(FailedTopology, fmt.Errorf("the consumer %q does not acknowledge explicitly: delete it, or "+
			"make another", name))
	case s.config.Create != createNothing && s.differs(consumer.CachedInfo().Config):
		c := s.settings(consumer.CachedInfo().Config)
		if consumer, err = s.stream.UpdateConsumer(ctx, c); err != nil {
			return explain(err, "change the consumer %q to what the configuration says", name)
		}
		s.log.Info("the consumer was changed to what the configuration says")
	}
	s.info = consumer.CachedInfo()
	s.ledger.of(s.stream.CachedInfo().Created, s.info.Created)
	return nil
}

// newConsumer is a consumer that goes on where one before has come to, or begins.
func (s *session) newConsumer() jetstream.ConsumerConfig {
	c := s.settings(jetstream.ConsumerConfig{
		Durable: s.config.Durable, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, Description: "made by notifyd",
	})
	next, stream := s.ledger.next()
	switch {
	case next > 0 && stream.Equal(s.stream.CachedInfo().Created):
		c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, next
	case next == 0 && s.config.Start == startNew:
		c.DeliverPolicy = jetstream.DeliverNewPolicy
	}
	return c
}

// noteMade says that there was no consumer until now.
func (s *session) noteMade() {
	if next, _ := s.ledger.next(); next == 0 {
		s.log.Info("the consumer was not there and is made", "start", s.config.Start)
		return
	}
	s.log.Warn("the consumer was not there and is made: it goes on where the one before has come to, if the stream is the same")
}

// settings puts what the configuration says into c.
func (s *session) settings(c jetstream.ConsumerConfig) jetstream.ConsumerConfig {
	c.AckWait, c.MaxAckPending = s.config.AckWait, s.config.MaxAckPending
	c.FilterSubject, c.FilterSubjects = "", nil
	if len(s.config.Subjects) == 1 {
		c.FilterSubject = s.config.Subjects[0]
	} else {
		c.FilterSubjects = s.config.Subjects
	}
	return c
}

// differs reports whether a consumer is not what the configuration says.
func (s *session) differs(c jetstream.ConsumerConfig) bool {
	want := s.settings(c)
	return c.AckWait != want.AckWait || c.MaxAckPending != want.MaxAckPending || c.FilterSubject != want.FilterSubject ||
		!slices.Equal(c.FilterSubjects, want.FilterSubjects)
}

// noteLost says that the stream has dropped messages that we have not acknowledged: its limits are too small for the
// time that we were away. Of a consumer that gets a part of the stream that cannot be said.
func (s *session) noteLost() {
	first, floor := s.stream.CachedInfo().State.FirstSeq, s.info.AckFloor.Stream
	if !s.config.whole() || floor == 0 || first <= floor+1 {
		return
	}
	s.resumed = true
	s.log.Warn("the stream has dropped messages that were not acknowledged", "first_lost", floor+1, "last_lost", first-1)
}

// explain says what was refused, and what helps.
func explain(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	what := fmt.Sprintf(format, args...)
	api := (*jetstream.APIError)(nil)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrConsumerNotFound):
		return sessions.Fail(FailedTopology, fmt.Errorf("%s: it is not there", what))
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return sessions.Fail(FailedTopology, fmt.Errorf("%s: the server, or the account, has no JetStream", what))
	case errors.Is(err, jetstream.ErrConsumerMultipleFilterSubjectsNotSupported):
		return sessions.Fail(FailedTopology, fmt.Errorf("%s: more than one of subjects needs a server of 2.10 or later",
			what))
	case errors.Is(err, jetstream.ErrNotPullConsumer):
		return sessions.Fail(FailedTopology, fmt.Errorf("%s: it pushes; a pull consumer was expected", what))
	case errors.As(err, &api):
		return sessions.Fail(FailedTopology, fmt.Errorf("%s: the server refuses it: %s", what, clip(err.Error())))
	}
	return fmt.Errorf("%s: %w", what, err)
}
