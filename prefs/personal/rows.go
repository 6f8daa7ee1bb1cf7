package personal

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// page is how many rows are held at once. A notice has at most some 100 KiB.
const page = 100

// filters writes the filters in their text form.
func (x *Exporter) filters(ctx context.Context, user prefs.User, own []prefs.Destination) ([]byte, error) {
	list, err := x.Prefs.Filters.List(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	return rulespec.Format(prefs.File(list, own)), nil
}

// table writes the rows of a table as a list in JSON.
func (x *Exporter) table(ctx context.Context, w io.Writer, t Table, of map[string]any) error {
	keys := strings.Split(t.Key, ", ")
	var last []any
	for n := 0; ; {
		rows, err := x.page(ctx, t, keys, of, last)
		if err != nil {
			return err
		}
		for _, r := range rows {
			begin := ",\n"
			if n == 0 {
				begin = "[\n"
			}
			line, err := json.Marshal(r.shown(t))
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%s  %s", begin, line); err != nil {
				return err
			}
			n++
		}
		if len(rows) < page {
			end := "\n]\n"
			if n == 0 {
				end = "[]\n"
			}
			_, err := io.WriteString(w, end)
			return err
		}
		last = rows[page-1].of(keys)
	}
}

// A record is a row as the database gives it: values by column, and the types of columns.
type record struct {
	values map[string]any
	types  map[string]string
}

func (r record) of(columns []string) (values []any) {
	for _, c := range columns {
		values = append(values, r.values[c])
	}
	return values
}

// page reads the rows behind those with the last key.
func (x *Exporter) page(ctx context.Context, t Table, keys []string, of map[string]any, last []any) ([]record, error) {
	query := x.Reader.WithContext(ctx).Table(cmp.Or(t.From, t.Name)).Where(t.Of, of)
	if last != nil {
		marks := strings.TrimSuffix(strings.Repeat("?, ", len(keys)), ", ")
		query = query.Where("("+t.Key+") > ("+marks+")", last...)
	}
	rows, err := query.Order(t.Key).Limit(page).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []record
	for rows.Next() {
		r, err := read(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

func read(rows *sql.Rows) (record, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return record{}, err
	}
	values := make([]any, len(types))
	into := make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return record{}, err
	}
	r := record{map[string]any{}, map[string]string{}}
	for i, c := range types {
		r.values[c.Name()], r.types[c.Name()] = values[i], strings.ToLower(c.DatabaseTypeName())
	}
	return r, nil
}

// shown gives a row as people and programs read it.
func (r record) shown(t Table) map[string]any {
	out := map[string]any{}
	for column, value := range r.values {
		if !slices.Contains(t.Hide, column) {
			out[column] = r.readable(t, column, value)
		}
	}
	if to, _ := out["destination"].(string); strings.HasPrefix(to, "account:") {
		delete(out, "notice") // while it waits it lets somebody in
	}
	return out
}

// readable makes times, truths and JSON of what the database stores for them.
func (r record) readable(t Table, column string, value any) any {
	if bytes, ok := value.([]byte); ok {
		if !utf8.Valid(bytes) {
			return base64.StdEncoding.EncodeToString(bytes)
		}
		value = string(bytes)
	}
	switch v := value.(type) {
	case int64:
		switch {
		case r.types[column] == "numeric": // a truth, on SQLite
			return v != 0
		case isTime(column) && v > 0 && v < maxTime:
			return time.UnixMicro(v).UTC().Format(time.RFC3339)
		case isTime(column):
			return nil // never
		}
	case string:
		if slices.Contains(t.JSON, column) && json.Valid([]byte(v)) {
			return json.RawMessage(v)
		}
	}
	return value
}

// maxTime is behind any time that is one: the queue's "never" is more.
const maxTime = 253402300800_000_000 // the year 10000, in microseconds

func isTime(column string) bool {
	return strings.HasSuffix(column, "_at") || column == "since" || column == "until"
}
