package bustest

import (
	"fmt"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// Costly lists messages that cost a receiver as much as their senders could make them: each shape once as large as a
// bus accepts, and once as large as is read whole (bus.MaxRead).
func Costly() (all []HostileFrame) {
	for _, c := range costly {
		all = append(all, c.frame(c.name, bus.MaxPayload-4096))
		for size := bus.MaxRead - 300; size > 1000; size = size * 19 / 20 {
			h := c.frame(c.name+", read", size)
			if m, err := bus.Decode(h.Frame, time.Now()); err == nil && m.Body != nil {
				all = append(all, h)
				break
			}
		}
	}
	return all
}

// A costlyShape is a text that repeats a piece, with its number where it has a verb of package fmt.
type costlyShape struct {
	name               string
	form               func(name, text string) HostileFrame
	begin, piece, last string
}

func (c costlyShape) frame(name string, size int) HostileFrame {
	var b strings.Builder
	b.WriteString(c.begin)
	for i := 0; b.Len()+len(c.last) < size; i++ {
		if strings.Contains(c.piece, "%") {
			fmt.Fprintf(&b, c.piece, i)
		} else {
			b.WriteString(c.piece)
		}
	}
	b.WriteString(c.last)
	return c.form(name, b.String())
}

var costly = []costlyShape{
	{"keys", saying, `{`, `"%x":1,`, `"":1}`},
	{"keys one level deeper", saying, `{"a":{`, `"%x":1,`, `"":1}}`},
	{"keys that begin alike", saying, `{`, `"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk%x":1,`, `"":1}`},
	{"objects in fields", saying, `{`, `"%x":{"a":1},`, `"":1}`},
	{"empty objects in fields", saying, `{`, `"%x":{},`, `"":1}`},
	{"objects in a list", saying, `{"a":[`, `{"package":"%x"},`, `1]}`},
	{"numbers", saying, `{"a":[`, `%d,`, `1]}`},
	{"floats", saying, `{"a":[`, `%d.7e300,`, `1]}`},
	{"texts", saying, `{"a":[`, `"%x",`, `1]}`},
	{"deep lists", saying, `{"a":[`, `[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],`, `1]}`},
	{"deep objects", saying, `{"a":[`, `{"":{"":{"":{"":{"":{"":{"":{"":{"":1}}}}}}}}},`, `1]}`},
	{"a long text", saying, `{"title":"`, `x`, `"}`},
	{"a long text of spaces", saying, `{"title":"`, ` `, `"}`},
	{"a long text of umlauts", saying, `{"title":"`, `ü`, `"}`},
	{"a long text of line breaks", saying, `{"title":"`, `\n`, `"}`},
	{"a long text of what is not seen", saying, `{"title":"`, `\u202e`, `"}`},
	{"a long text of surrogates", saying, `{"title":"`, `\ud83d\ude00`, `"}`},
	{"a long key", saying, `{"`, `k`, `":1}`},
	{"a long number", saying, `{"n":`, `9`, `}`},
	{"blanks", saying, `{"a":`, ` `, `1}`},
	{"users", saying, `{"users":[`, `"u%x",`, `1]}`},
	{"users with addresses", saying, `{"users":[`, `"=?utf-8?q?=C3=BC?= <u%x@example.org>",`, `1]}`},
	{"users of long names", saying, `{"users":[`, `"%xéééééééééééééééééééééééééééééééééééééééééééééé",`, `1]}`},
	{"an address of encoded words", saying, `{"user":"`, `=?utf-8?q?a?= `, `<a@b>"}`},
	{"users in every object", saying, `{`, `"%[1]x":{"users":["a <b%[1]x@c.d>","a@b"],"author":"x%[1]x"},`, `"":1}`},
	{"packages", saying, `{"packages":[`, `"p%x",`, `1]}`},
	{"builds", saying, `{`, `"%[1]x":{"nvr":"p%[1]x-1-2"},`, `"":1}`},
	{"headers", with, `"msg":{},"headers":{`, `"%x":1,`, `"":1}`},
	{"headers of users", with, `"msg":{},"headers":{`, `"fedora_messaging_user_%x":true,`, `"":1}`},
	{"fields of the envelope", with, `"msg":{}`, `,"%x":1`, ``},
	{"a long msg_id", with, `"msg":{},"msg_id":"`, `x`, `"`},
}
