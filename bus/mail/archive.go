package mail

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Archive calls do for each mail in an archive: an mbox file (RFC 4155, with ">From " in texts taken back), a file with
// one mail, or a Maildir folder, whose mails come in the order of their names, which is about that of time. where says
// which mail it is. It holds one mail at a time.
func Archive(path string, do func(m *Mail, where string) error) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return maildir(path, do)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return mbox(file, func(m *Mail, number int) error {
		if number == 0 {
			return do(m, path)
		}
		return do(m, fmt.Sprintf("%s, mail %d", path, number))
	})
}

// maildir reads the mails of a Maildir folder.
func maildir(folder string, do func(m *Mail, where string) error) error {
	var names []string
	for _, sub := range []string{"cur", "new"} {
		entries, err := os.ReadDir(filepath.Join(folder, sub))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is no Maildir: it has no folder %s", folder, sub)
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && e.Name()[0] != '.' {
				names = append(names, filepath.Join(sub, e.Name()))
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return bytes.Compare([]byte(filepath.Base(a)), []byte(filepath.Base(b)))
	})
	for _, name := range names {
		path := filepath.Join(folder, name)
		m, err := readFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a mail program has moved it meanwhile
		}
		if err != nil {
			return err
		}
		if err := do(m, path); err != nil {
			return err
		}
	}
	return nil
}

func readFile(path string) (*Mail, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return Read(file)
}

var fromLine = []byte("From ")

// mbox reads the mails of an mbox file. A mail begins with a line "From ", at the start or behind an empty line. A file
// that does not begin so is one mail, with the number 0.
func mbox(from io.Reader, do func(m *Mail, number int) error) error {
	in := bufio.NewReaderSize(from, 64<<10)
	var raw bytes.Buffer
	number := 0
	give := func() error {
		if number == 0 {
			return nil
		}
		return do(parse(raw.Bytes()), number)
	}
	atStart, empty := true, true // at the start of a line; the line before was empty
	for {
		piece, err := in.ReadSlice('\n') // of a long line a piece
		if atStart && empty && bytes.HasPrefix(piece, fromLine) {
			if err := give(); err != nil {
				return err
			}
			raw.Reset()
			number++
		} else if number == 0 && len(bytes.TrimSpace(piece)) > 0 {
			m, err := Read(io.MultiReader(bytes.NewReader(bytes.Clone(piece)), in)) // a file with one mail
			if err != nil {
				return err
			}
			return do(m, 0)
		}
		if atStart {
			empty = len(bytes.TrimRight(piece, "\r\n")) == 0
			piece = unquoted(piece)
		}
		if number > 0 && raw.Len() < MaxMail {
			raw.Write(piece)
		}
		atStart = err == nil
		if err == io.EOF {
			return give()
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// unquoted takes the ">" back that stands before "From " in the text of a mail.
func unquoted(line []byte) []byte {
	if rest := bytes.TrimLeft(line, ">"); len(rest) < len(line) && bytes.HasPrefix(rest, fromLine) {
		return line[1:]
	}
	return line
}
