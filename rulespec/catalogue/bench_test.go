package catalogue

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// sample gives every fixture of the embedded catalogue: a mixed sample of messages.
func sample(b *testing.B) (lines [][]byte, messages []*bus.Message) {
	b.Helper()
	files, err := os.ReadDir("testdata")
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		data, err := os.ReadFile("testdata/" + f.Name())
		if err != nil {
			b.Fatal(err)
		}
		var fixtures []fixture
		if err := json.Unmarshal(data, &fixtures); err != nil {
			b.Fatal(err)
		}
		for _, x := range fixtures {
			m, err := bus.DecodeLine(x.Message, time.Unix(0, 0))
			if err != nil {
				b.Fatal(err)
			}
			lines, messages = append(lines, x.Message), append(messages, m)
		}
	}
	return lines, messages
}

// BenchmarkParseJSON is the measure for the others: parsing the envelope alone, by the standard library.
func BenchmarkParseJSON(b *testing.B) {
	lines, _ := sample(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d := json.NewDecoder(bytes.NewReader(lines[i%len(lines)]))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDescribeSets(b *testing.B) {
	c := embeddedCatalogue(b)
	_, messages := sample(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Describe(messages[i%len(messages)])
	}
}

func BenchmarkDescribeWithProse(b *testing.B) {
	c := embeddedCatalogue(b)
	_, messages := sample(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Describe(messages[i%len(messages)]).Prose()
	}
}

func BenchmarkEmbedded(b *testing.B) {
	for b.Loop() {
		embeddedCatalogue(b)
	}
}
