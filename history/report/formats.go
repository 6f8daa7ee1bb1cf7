package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// JSON gives the report as data.
func (r *Result) JSON() ([]byte, error) {
	out, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("report %s: JSON: %w", r.Name, err)
	}
	return append(out, '\n'), nil
}

// CSV gives a line for each group and each message of a list (RFC 4180).
func (r *Result) CSV() (string, error) {
	var b strings.Builder
	w := csv.NewWriter(&b)
	write := func(fields ...string) {
		for i := range fields {
			fields[i] = plainCell(fields[i])
		}
		_ = w.Write(fields) // of a Builder: Error below says it all
	}
	write("section", "name", "messages", "messages_before", "first", "last", "link", "more")
	for _, s := range r.Sections {
		for _, row := range s.Rows {
			before := ""
			if r.Compared && !s.vague {
				before = strconv.Itoa(row.Before)
			}
			var more []string
			for i, c := range row.Cells {
				more = append(more, s.Columns[i]+": "+c.words())
			}
			write(s.Title, row.Name, strconv.Itoa(row.Count), before, row.First.Format(time.RFC3339),
				row.Last.Format(time.RFC3339), row.Link, strings.Join(more, "; "))
		}
		for _, i := range s.Items {
			stamp := i.Time.Format(time.RFC3339)
			write(s.Title, i.Text, "1", "", stamp, stamp, i.Link, "")
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return "", fmt.Errorf("report %s: CSV: %w", r.Name, err)
	}
	return b.String(), nil
}

// plainCell keeps a spreadsheet from reading as a formula what somebody has published.
func plainCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t", rune(s[0])) {
		return "'" + s
	}
	return s
}
