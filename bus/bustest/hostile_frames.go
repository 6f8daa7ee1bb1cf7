package bustest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// A HostileFrame is what somebody who may publish on a bus can send.
type HostileFrame struct {
	Name string
	bus.Frame
	// OutOfBounds is why no source hands it over (Frame.OutOfBounds); "" where a source may.
	OutOfBounds string
}

// HostileTopic is the topic of those hostile frames that have an ordinary one.
const HostileTopic = "org.example.prod.ferry.hostile"

// Hostile lists what a publisher can send to stop, fill or fool who receives it: frames out of bounds, texts that are
// no message, messages that cost much or have odd metadata, ids and signatures that are forged. The first is out of
// bounds. A source hands over unchanged what is in bounds, and Decode says what of it is a message. None of them may
// stop anything, cost much, or hide an honest message.
//
// The same list is for every room behind a source: send all of it, and an honest message after each.
func Hostile() []HostileFrame {
	return slices.Concat(hostileTopics(), hostileTexts(), hostileNumbers(), hostileShapes(), hostileMetadata(),
		hostileIDs(), hostileProofs(), hostileBodies())
}

// hostile makes a frame of the ordinary topic.
func hostile(name, payload string) HostileFrame {
	return HostileFrame{Name: name, Frame: bus.Frame{Topic: HostileTopic, Payload: []byte(payload)}}
}

// saying makes a frame whose msg is this JSON, with an id and a time of its own.
func saying(name, msg string) HostileFrame { return with(name, `"msg":`+msg) }

// with makes a frame with these fields beside topic, id and time.
func with(name, fields string) HostileFrame {
	return hostile(name, fmt.Sprintf(`{"topic":%q,"msg_id":"2026-hostile-%s","timestamp":1780000000,%s}`,
		HostileTopic, strings.ReplaceAll(name, " ", "-"), fields))
}

func hostileTopics() []HostileFrame {
	under := func(name, topic, fault string) HostileFrame {
		payload := fmt.Appendf(nil, `{"msg":{},"msg_id":"2026-hostile-topic","timestamp":1780000000,"topic":%q}`, topic)
		return HostileFrame{name, bus.Frame{Topic: topic, Payload: payload}, fault}
	}
	return []HostileFrame{
		under("topic over the bound", "org."+strings.Repeat("x", bus.MaxTopic), bus.DroppedTopic),
		under("huge topic", "org."+strings.Repeat("x", 1<<20), bus.DroppedTopic),
		under("empty topic", "", bus.DroppedTopic),
		under("control characters in the topic", "org.example\x1b[2J\r\nx", bus.DroppedTopic),
		under("1000 control characters", "org."+strings.Repeat("\x07", 1000), bus.DroppedTopic),
		under("NUL in the topic", "org.example\x00.prod", bus.DroppedTopic),
		under("topic that is not UTF-8", "org.\xff\xfe", bus.DroppedTopic),
		under("topic at the bound", strings.Repeat("x.", bus.MaxTopic/2), ""),
		under("topic of dots", strings.Repeat(".", 500), ""),
		under("topic of wildcards", "org.example.*.#.>.prod", ""),
		under("topic with markup", `org.example.<b>"x"&amp;.'; DROP TABLE messages; --`, ""),
		under("topic that is written from right to left", "org.example.\u202e\u2066moc.live\u0085\u2028", ""),
		hostile("another topic in the envelope", `{"msg":{},"topic":"org.example.prod.other"}`),
		hostile("two topics in the envelope", `{"msg":{},"topic":"org.example.prod.other","topic":"`+HostileTopic+`"}`),
		hostile("a list for a topic", `{"msg":{},"topic":["`+HostileTopic+`"]}`),
	}
}

// hostileTexts are payloads that are no JSON, or strange JSON.
func hostileTexts() []HostileFrame {
	over := hostile("payload over the bound", `{"msg":"`+strings.Repeat("x", bus.MaxPayload)+`"}`)
	over.OutOfBounds = bus.DroppedLarge
	half := saying("half", `{"a":"`)
	half.Payload = half.Payload[:len(half.Payload)-1]
	full := saying("payload at the bound", `""`)
	full.Payload = []byte(strings.Replace(string(full.Payload), `"msg":"`,
		`"msg":"`+strings.Repeat("x", bus.MaxPayload-len(full.Payload)), 1))
	all := []HostileFrame{over, half, full,
		hostile("empty payload", ""),
		hostile("a megabyte of blanks", strings.Repeat(" ", 1<<20)),
		hostile("garbage", "\xab\x00\xff\x7f\x80garbage"),
		hostile("broken JSON", `{"topic":"`+HostileTopic+`","msg":{"a":`),
		hostile("half a string", `{"topic":"org.exam`),
		hostile("two objects", `{"msg":{}}{"msg":{}}`),
		hostile("lines", "{\n\"topic\": \""+HostileTopic+"\",\n\"msg\": {}\r\n}\n\n"),
		hostile("a byte order mark", "\ufeff{\"msg\":{}}"),
		hostile("UTF-16", "{\x00\"\x00m\x00s\x00g\x00\"\x00:\x001\x00}\x00"),
		hostile("comments", `{/* no */"msg":{},}`),
		hostile("single quotes", `{'msg':{}}`),
		hostile("names in capitals", `{"Topic":"org.example.other","MSG":{"a":1},"Msg_Id":"x","msg":{}}`),
		saying("a megabyte of text", `"`+strings.Repeat("lorem ipsum ", 1<<20/12)+`"`),
		saying("escapes", `"`+strings.Repeat(`\u0041`, 1<<18)+`"`),
		saying("half an escape", `"\u12"`),
		saying("NUL byte", "\"a\x00b\""),
		saying("control bytes", "\"a\x01\x1b\x7fb\r\n\""),
		saying("escaped NUL", `{"a\u0000":"b\u0000c","list":["\u0000"]}`),
	}
	for _, top := range []string{"[1,2,3]", `"text"`, "1", "null", "true", "[]", "{}"} {
		all = append(all, hostile("at the top "+top, top))
	}
	for _, bad := range []struct{ name, text string }{
		{"invalid UTF-8", "\xff\xfe"}, {"half a rune", "\xe2\x82"}, {"overlong", "\xc0\x80"},
		{"surrogate in UTF-8", "\xed\xa0\x80"}, {"beyond Unicode", "\xf5\x80\x80\x80"}, {"lone surrogate", `\ud800`},
		{"surrogates swapped", `\udc00\ud800`}, {"surrogate and text", `\ud800x`},
	} {
		all = append(all, saying(bad.name+" in a value", `{"a":"`+bad.text+`"}`),
			saying(bad.name+" in a name", `{"`+bad.text+`":1}`),
			with(bad.name+" in a user", `"msg":{},"username":"`+bad.text+`"`))
	}
	return all
}
