package trust_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

// with gives a payload with fields set, as somebody on the way would; nil takes a field away.
func with(t testing.TB, payload string, fields map[string]any) string {
	t.Helper()
	v, err := bus.ParseExact([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	e := v.(map[string]any)
	for name, value := range fields {
		if e[name] = value; value == nil {
			delete(e, name)
		}
	}
	text, err := bus.Canonical(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

type fields = map[string]any

func TestWhatIsChangedAfterSigning(t *testing.T) {
	p := newPKI(t, "CA")
	v := p.verifier()
	signed := sign(t, p.signer("app01.example.org"), with(t, plain, fields{"seq_id": json.Number("7"), "username": "u"}))
	unnumbered := with(t, signed, fields{"seq_id": nil})
	signature := base64.StdEncoding.EncodeToString(make([]byte, 128))
	for _, c := range []struct{ name, payload string }{
		{"msg", with(t, signed, fields{"msg": fields{"log": "all passwords must be changed"}})},
		{"topic", with(t, signed, fields{"topic": "org.example.other"})},
		{"id", with(t, signed, fields{"msg_id": "2026-2"})},
		{"no id", with(t, signed, fields{"msg_id": nil})},
		{"counter", with(t, signed, fields{"i": 2})},
		{"time", with(t, signed, fields{"timestamp": 1795953601})},
		{"time as float", with(t, signed, fields{"timestamp": json.Number("1795953600.0")})},
		{"username", with(t, signed, fields{"username": "root"})},
		{"a signed sequence", with(t, signed, fields{"seq_id": 8})},
		{"a signed sequence is gone", unnumbered},
		{"scheme is gone", with(t, signed, fields{"crypto": nil})},
		{"an unknown field", with(t, signed, fields{"body": fields{}})},
		{"one of an archive's fields only", with(t, signed, fields{"source_name": "datanommer"})},
		{"signature of nought", with(t, signed, fields{"signature": signature})},
		{"signature too long", with(t, signed, fields{"signature": "AAAA" + signature})},
		{"signature that is huge", with(t, signed, fields{"signature": strings.Repeat("A", 100<<10)})},
		{"no signature", with(t, signed, fields{"signature": nil})},
		{"no certificate", with(t, signed, fields{"certificate": nil})},
		{"signature is a number", with(t, signed, fields{"signature": 5})},
		{"certificate is a list", with(t, signed, fields{"certificate": []any{"x"}})},
	} {
		if got := expect(t, v, c.payload, bus.Invalid); got.Signer != "" {
			t.Errorf("%s: signer %q", c.name, got.Signer)
		}
	}
	bare := fields{"signature": nil, "certificate": nil} // base64 has several spellings of the same bytes
	for i := range 400 {                                 // no byte of what is signed can be another digit or letter
		at := i * len(signed) / 400
		other := byte('x')
		if signed[at] >= '0' && signed[at] <= '9' {
			other = '0' + (signed[at]-'0'+1)%10
		}
		forged := signed[:at] + string(other) + signed[at+1:]
		m, err := bus.DecodeLine([]byte(forged), now)
		if err != nil || forged == signed || m.Proof() == nil {
			continue
		}
		if got, _ := v.Judge(m, now); got.Verdict == bus.Signed && with(t, forged, bare) != with(t, signed, bare) {
			t.Errorf("signed all the same: %s", forged)
		}
	}
}

func TestFieldsThatToolsAddAfterSigning(t *testing.T) {
	p := newPKI(t, "CA")
	s, v := p.signer("app01.example.org"), p.verifier()
	signed := sign(t, s, plain)
	archived := fields{"source_name": "datanommer", "source_version": "1", "timestamp": json.Number("1795953600.0")}
	and := func(more fields) fields {
		all := fields{}
		for _, m := range []fields{archived, more} {
			for k, v := range m {
				all[k] = v
			}
		}
		return all
	}
	for _, c := range []struct {
		name    string
		payload string
		want    bus.Verdict
		added   string
	}{
		{"replay store", with(t, signed, fields{"seq_id": 7}), bus.Signed, "seq_id"},
		{"gilmsg", with(t, signed, fields{"gilmsg_version": "1"}), bus.Signed, "gilmsg_version"},
		{"hub, no headers", with(t, signed, fields{"headers": fields{}}), bus.Signed, "headers"},
		{"hub", with(t, signed, fields{"headers": fields{"fedora_messaging_severity": 40}}), bus.BodyOnly, "headers"},
		{"all tools", with(t, signed, and(fields{"seq_id": 7, "gilmsg_version": "1", "users": []any{}, "meta": fields{}})),
			bus.Signed, "gilmsg_version, meta, seq_id, source_name, source_version, users"},
		{"archive, float", with(t, signed, archived), bus.Signed, "source_name, source_version"},
		{"archive, integer", with(t, signed, and(fields{"timestamp": 1795953600})), bus.Signed, "source_version"},
		{"archive, headers", with(t, signed, and(fields{"headers": fields{"a": "b"}})), bus.BodyOnly, "headers"},
		{"archive, other time", with(t, signed, and(fields{"timestamp": json.Number("1795953601.0")})), bus.Invalid, ""},
		{"archive, half a second", with(t, signed, and(fields{"timestamp": json.Number("1795953600.5")})), bus.Invalid, ""},
		{"sequence that is signed", sign(t, s, with(t, plain, fields{"seq_id": 7})), bus.Signed, ""},
		{"headers that are signed", sign(t, s, with(t, plain, fields{"headers": fields{"a": "b"}})), bus.Signed, ""},
		{"float time that is signed", with(t, sign(t, s, with(t, plain, fields{"timestamp": json.Number("1795953600.0")})),
			fields{"source_name": "d", "source_version": "1"}), bus.Signed, "source_name, source_version"},
		{"sequence signed, version added", with(t, sign(t, s, with(t, plain, fields{"seq_id": 7})),
			fields{"gilmsg_version": 1}), bus.Signed, "gilmsg_version"},
	} {
		got := expect(t, v, c.payload, c.want)
		if c.want != bus.Invalid && (!strings.Contains(got.Reason, c.added) || c.added == "" && got.Reason != "") {
			t.Errorf("%s: reason %q, want it to say %q", c.name, got.Reason, c.added)
		}
	}
}
