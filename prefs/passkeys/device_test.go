package passkeys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// A device keeps one passkey (ES256), as an authenticator does.
type device struct {
	t       *testing.T
	key     *ecdsa.PrivateKey
	id      []byte
	counter uint32
	origin  string
	host    string
}

func newDevice(t *testing.T) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{t: t, key: key, id: make([]byte, 16), origin: "https://notify.example.org", host: "notify.example.org"}
	if _, err := rand.Read(d.id); err != nil {
		t.Fatal(err)
	}
	return d
}

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// data is the authenticator data (WebAuthn, section 6.1), with the new key where it is made.
func (d *device) data(makes bool) []byte {
	host := sha256.Sum256([]byte(d.host))
	flags := byte(0x05) // present, verified
	if makes {
		flags |= 0x40
	}
	out := binary.BigEndian.AppendUint32(append(host[:], flags), d.counter)
	if !makes {
		return out
	}
	out = append(out, make([]byte, 16)...) // AAGUID
	out = append(binary.BigEndian.AppendUint16(out, uint16(len(d.id))), d.id...)
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		d.t.Fatal(err)
	}
	// COSE_Key: {1: 2, 3: -7, -1: 1, -2: x, -3: y}
	out = append(out, 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32)
	out = append(out, point[1:33]...)
	return append(append(out, 0x22, 0x58, 32), point[33:]...)
}

func (d *device) client(kind string, c Ceremony) []byte {
	raw, err := json.Marshal(map[string]any{"type": kind, "challenge": c.Data.Challenge, "origin": d.origin})
	if err != nil {
		d.t.Fatal(err)
	}
	return raw
}

func (d *device) answer(response map[string]any) []byte {
	raw, err := json.Marshal(map[string]any{"id": b64(d.id), "rawId": b64(d.id), "type": "public-key",
		"response": response, "clientExtensionResults": map[string]any{}})
	if err != nil {
		d.t.Fatal(err)
	}
	return raw
}

// makes is what the browser sends where a passkey is made.
func (d *device) makes(c Ceremony) []byte {
	data := d.data(true)
	object := []byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58")
	object = append(append(object, byte(len(data))), data...)
	return d.answer(map[string]any{"clientDataJSON": b64(d.client("webauthn.create", c)),
		"attestationObject": b64(object)})
}

// shows is what the browser sends where the passkey is shown.
func (d *device) shows(c Ceremony) []byte {
	data, client := d.data(false), d.client("webauthn.get", c)
	digest := sha256.Sum256(client)
	signed := sha256.Sum256(append(data, digest[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, signed[:])
	if err != nil {
		d.t.Fatal(err)
	}
	return d.answer(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data),
		"signature": b64(signature)})
}
