package sections

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

const magic = "test\n"

var names = map[byte]string{'a': "numbers", 'b': "texts", End: "end"}

// file gives a file of numbers in several sections, and of texts.
func file(t testing.TB, numbers int, texts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b, magic)
	w.Begin('a')
	for i := range numbers {
		w.Continue()
		w.Number(uint64(i) * 977)
	}
	w.Begin('b')
	w.Byte(42)
	w.Texts(texts)
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads such a file.
func read(from io.Reader) (numbers []uint64, texts []string, err error) {
	r := NewReader(from, names, 2)
	if err := r.Magic(magic); err != nil {
		return nil, nil, err
	}
	for {
		s, err := r.Next()
		switch {
		case err != nil:
			return nil, nil, err
		case s.Kind == End:
			return numbers, texts, r.CheckEnd(s)
		case s.Kind == 'b':
			s.Byte()
			texts = append(texts, s.Texts()...)
		default:
			for s.Len() > 0 {
				numbers = append(numbers, s.Number())
			}
		}
		if s.Err() != nil {
			return nil, nil, s.Err()
		}
		r.Release(s)
	}
}

func TestFile(t *testing.T) {
	want := []string{"", "one", strings.Repeat("long ", 100_000)}
	numbers, texts, err := read(bytes.NewReader(file(t, 300_000, want...)))
	if err != nil || len(numbers) != 300_000 || numbers[299_999] != 299_999*977 || !slices.Equal(texts, want) {
		t.Errorf("%d numbers, %d texts, %v", len(numbers), len(texts), err)
	}
}

// TestDamage changes each byte of a file, cuts it at each place and adds to it.
func TestDamage(t *testing.T) {
	good := file(t, 50, "one", "two")
	check := func(data []byte, what string) {
		t.Helper()
		if _, _, err := read(bytes.NewReader(data)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range good {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(good)
			bad[i] ^= flip
			check(bad, fmt.Sprintf("byte %d flipped by %#x", i, flip))
		}
		check(good[:i], fmt.Sprintf("cut at byte %d", i))
	}
	check(append(bytes.Clone(good), 0), "one byte more")
}

// TestTooLong writes a section that cannot be read, and wants the writer to say so.
func TestTooLong(t *testing.T) {
	w := NewWriter(io.Discard, magic)
	w.Begin('b')
	w.Text(strings.Repeat("x", Most))
	if err := w.Finish(); err == nil || w.Err() == nil {
		t.Error("a section of more than Most was written")
	}
}

// TestWrong reads more than there is, and less than is allowed.
func TestWrong(t *testing.T) {
	for _, c := range []struct {
		content string
		read    func(*Section)
		want    string
	}{
		{"", func(s *Section) { s.Byte() }, "ends too early"},
		{"\xff", func(s *Section) { s.Number() }, "ends within a number"},
		{"\x05", func(s *Section) { s.Below(5) }, "5 where only 5 are known"},
		{"\x05abc", func(s *Section) { s.Text() }, "tells of 5 things and has 3 bytes"},
		{"", func(s *Section) { s.Wrong("of %s", "another sort") }, "of another sort"},
	} {
		s := &Section{name: "test", number: 3, rest: []byte(c.content)}
		c.read(s)
		s.Wrong("later")
		if want := "section 3 (test): " + c.want; s.Err() == nil || !strings.HasSuffix(s.Err().Error(), want) {
			t.Errorf("%q: %v, want %s", c.content, s.Err(), want)
		}
		if s.Len() != 0 || s.Number() != 0 || s.Text() != "" || s.Count(9) != 0 {
			t.Errorf("%q: something is read behind an error", c.content)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(file(f, 50, "one", "two"))
	f.Add(file(f, 0))
	f.Add([]byte(magic + "a\xff\xff\xff\xff"))
	f.Add([]byte(magic + "a\x00\x00\x20\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		numbers, texts, err := read(bytes.NewReader(data))
		if err == nil && len(numbers)+len(texts) > len(data) {
			t.Errorf("%d numbers and %d texts of %d bytes", len(numbers), len(texts), len(data))
		}
	})
}
