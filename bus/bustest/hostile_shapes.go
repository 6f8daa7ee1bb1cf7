package bustest

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// hostileNumbers are numbers that no machine type holds, and words that Python writes for some.
func hostileNumbers() (all []HostileFrame) {
	digits := strings.Repeat("9", 5000) // over the 4300 digits that CPython reads
	for _, number := range []string{
		"NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1", "0x10", "1e", "-0", "1e400", "-1e400", "1e-400",
		"1e999999999999", "9223372036854775808", "-9223372036854775809", "18446744073709551616",
		digits, "-" + digits, "0." + digits, digits + "e" + digits[:20], "1e" + digits,
	} {
		name := "number " + number[:min(len(number), 24)]
		if len(number) > 24 {
			name += fmt.Sprintf(" and %d more", len(number)-24)
		}
		all = append(all, saying(name, `{"n":`+number+`,"list":[`+number+`]}`))
	}
	return all
}

// hostileShapes are texts of few bytes that become large or deep trees.
func hostileShapes() []HostileFrame {
	const keys = 400_000
	deep := func(open, inner, shut string, depth int) string {
		return strings.Repeat(open, depth) + inner + strings.Repeat(shut, depth)
	}
	all := []HostileFrame{
		saying("400000 keys", "{"+repeated(`"k%06d":1`, keys)+"}"),
		saying("400000 keys one level deeper", `{"a":{`+repeated(`"k%06d":1`, keys)+"}}"),
		saying("400000 keys of text", "{"+repeated(`"k%d":"x"`, keys)+"}"),
		with("400000 keys in the envelope", `"msg":{},`+repeated(`"k%06d":1`, keys)),
		with("400000 headers", `"msg":{},"headers":{`+repeated(`"k%06d":1`, keys)+"}"),
		saying("400000 times one key", "{"+repeated(`"k":%d`, keys)+"}"),
		saying("keys that begin alike", "{"+repeated(`"`+strings.Repeat("k", 200)+`%06d":0`, 20_000)+"}"),
		saying("one key of a megabyte", `{"`+strings.Repeat("k", 1<<20)+`":1}`),
		saying("100000 objects", "["+repeated(`{"a":%d}`, 100_000)+"]"),
		saying("400000 texts", "["+repeated(`"%d"`, keys)+"]"),
		saying("as many numbers as are read", "["+strings.Repeat("0,", bus.MaxRead/34-100)+"0]"),
		saying("many values", "["+strings.Repeat("0,", 1<<20)+"0]"),
		saying("many empty lists", "["+strings.Repeat("[],", 200_000)+"[]]"),
		saying("deep and wide", deep(`{"a":[1,2,3,`, "1", "]}", bus.MaxDepth/2-2)),
		hostile("deep without end", `{"topic":"`+HostileTopic+`","msg":`+strings.Repeat("[", 100_000)),
		hostile("deep objects without end", `{"topic":"`+HostileTopic+`","msg":`+strings.Repeat(`{"a":`, 100_000)),
	}
	for _, depth := range []int{bus.MaxDepth - 2, bus.MaxDepth, bus.MaxDepth + 1, 1000, 10_000, 1_000_000} {
		all = append(all, saying(fmt.Sprint("lists of depth ", depth), deep("[", "", "]", depth)),
			saying(fmt.Sprint("objects of depth ", depth), deep(`{"a":`, "1", "}", depth)))
	}
	return all
}

// hostileBodies are messages whose kind is known and whose fields are not what they should be.
func hostileBodies() (all []HostileFrame) {
	texts := strings.Join([]string{
		`\r\nBcc: everybody@example.org\r\n\r\n`, `<script>alert(1)</script>`, `\u001b]0;title\u0007\u001b[2J`,
		`\u0002\u000304,12red\u000f\r\nQUIT :gone`, `\u202emoc.live\u2066`, `'; DROP TABLE messages; --`, `{{.}} %s %n ${x}`,
	}, " ")
	long := strings.Repeat("x", 1<<20)
	topics := []string{
		"org.fedoraproject.prod.git.receive", "org.fedoraproject.prod.buildsys.build.state.change",
		"org.fedoraproject.prod.bodhi.update.comment", "org.fedoraproject.prod.announce.announcement",
	}
	bodies := []struct{ name, msg string }{
		{"null", "null"},
		{"a text", `"` + texts + `"`},
		{"a list", "[[],{},null]"},
		{"wrong types", `{"commit":5,"new":"three","name":{"a":1},"owner":["x"],"update":null,"comment":{"text":7,"update":[]}}`},
		{"texts with controls", fmt.Sprintf(`{"commit":{"summary":%[1]q,"username":%[1]q,"repo":%[1]q,"rev":%[1]q},"new":3,`+
			`"name":%[1]q,"version":%[1]q,"release":"1","owner":%[1]q,"message":%[1]q,"link":"javascript:alert(1)"}`, "X")},
		{"long texts", `{"commit":{"summary":"` + long + `","username":"u","repo":"r","rev":"x"},"new":3,"name":"` + long +
			`","message":"` + long + `","link":"https://evil.example/` + long + `"}`},
		{"10000 packages", `{"commit":{"repo":"r","stats":{"files":{` + repeated(`"f%d":{"additions":1}`, 10_000) +
			`}}},"update":{"builds":[` + repeated(`{"nvr":"p%d-1-1"}`, 10_000) + `]},"name":"n","new":3}`},
	}
	for _, topic := range topics {
		for _, body := range bodies {
			msg := strings.ReplaceAll(body.msg, `"X"`, `"`+texts+`"`)
			all = append(all, HostileFrame{Name: body.name + " under " + topic, Frame: bus.Frame{Topic: topic,
				Payload: fmt.Appendf(nil, `{"topic":%q,"msg_id":"2026-%s-%s","timestamp":1780000000,"msg":%s}`, topic,
					strings.ReplaceAll(body.name, " ", "-"), topic[len(topic)-12:], msg)}})
		}
	}
	return all
}

// repeated is a list of count values, each with its number.
func repeated(format string, count int) string {
	values := make([]string, count)
	for i := range values {
		values[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(values, ",")
}
