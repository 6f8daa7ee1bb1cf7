package catalogue

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A sample is messages as they come off a bus, and decoded.
type sample struct {
	lines    [][]byte
	messages []*bus.Message
}

func (s *sample) add(b *testing.B, line []byte) {
	b.Helper()
	m, err := bus.DecodeLine(line, time.Unix(0, 0))
	if err != nil {
		b.Fatal(err)
	}
	s.lines, s.messages = append(s.lines, m.Payload), append(s.messages, m)
}

// fixtureSample gives every fixture of the embedded catalogue.
func fixtureSample(b *testing.B) sample {
	b.Helper()
	var s sample
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		var fixtures []fixture
		if err := json.Unmarshal(data, &fixtures); err != nil {
			b.Fatal(err)
		}
		for _, x := range fixtures {
			s.add(b, x.Message)
		}
	}
	return s
}

// corpusSample gives the messages of real buses, as large as those are. The corpus is not part of the program.
func corpusSample(b *testing.B) sample {
	b.Helper()
	var s sample
	for _, name := range []string{"fedora-classic", "fedora-modern", "debian"} {
		data, err := os.ReadFile("../../../shared/corpus/" + name + ".jsonl")
		if err != nil {
			b.Skip("needs ../shared/corpus")
		}
		for line := range bytes.Lines(data) {
			var l struct {
				Topic   string          `json:"topic"`
				Msg     json.RawMessage `json:"msg,omitempty"`
				Headers json.RawMessage `json:"headers,omitempty"`
				Body    json.RawMessage `json:"body,omitempty"`
			}
			if err := json.Unmarshal(line, &l); err != nil {
				b.Fatal(err)
			}
			message, err := json.Marshal(l) // without what the corpus says about the message
			if err != nil {
				b.Fatal(err)
			}
			s.add(b, message)
		}
	}
	return s
}

// onSamples runs do over the samples, message by message.
func onSamples(b *testing.B, do func(s sample, i int)) {
	b.Helper()
	for _, which := range []struct {
		name string
		read func(*testing.B) sample
	}{{"fixtures", fixtureSample}, {"corpus", corpusSample}} {
		b.Run(which.name, func(b *testing.B) {
			s := which.read(b)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				do(s, i%len(s.lines))
			}
		})
	}
}

// BenchmarkParseJSON is the measure for the others: parsing the envelope alone, by the standard library.
func BenchmarkParseJSON(b *testing.B) {
	onSamples(b, func(s sample, i int) {
		d := json.NewDecoder(bytes.NewReader(s.lines[i]))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkDescribeSets(b *testing.B) {
	c := embeddedCatalogue(b)
	onSamples(b, func(s sample, i int) { c.Describe(s.messages[i]) })
}

func BenchmarkDescribeWithProse(b *testing.B) {
	c := embeddedCatalogue(b)
	onSamples(b, func(s sample, i int) { c.Describe(s.messages[i]).Prose() })
}

func BenchmarkEmbedded(b *testing.B) {
	for b.Loop() {
		embeddedCatalogue(b)
	}
}
