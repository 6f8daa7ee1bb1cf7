package migrations

import (
	"testing"
	"time"
)

// AnswerWithin gives statements less time, for the test.
func AnswerWithin(t *testing.T, limit time.Duration) {
	before := answerWithin
	answerWithin = limit
	t.Cleanup(func() { answerWithin = before })
}
