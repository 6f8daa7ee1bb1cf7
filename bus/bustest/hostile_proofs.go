package bustest

import (
	"bytes"
	"compress/zlib"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// hostileProofs are signatures and certificates that are junk, huge or costly to look at.
func hostileProofs() (all []HostileFrame) {
	encode := base64.StdEncoding.EncodeToString
	blocks := func(der []byte, count int) string {
		one := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		return encode(bytes.Repeat(one, count))
	}
	ordinary, huge := certificate(2048), certificate(1<<16)
	proof := func(name, crypto, signature, certificate string) {
		all = append(all, with("proof "+name, fmt.Sprintf(`"msg":{"p":1},"crypto":%s,"signature":%s,"certificate":%s`,
			crypto, signature, certificate)))
	}
	quoted := func(s string) string { return `"` + s + `"` }
	for _, crypto := range []string{`"x509"`, `"gpg"`, `"unknown"`, "null"} {
		proof("junk, "+crypto, crypto, quoted("AAAA"), quoted("BBBB"))
		proof("no base64, "+crypto, crypto, quoted("\u00e9%%%"), quoted("=====\\u0000"))
		proof("empty, "+crypto, crypto, `""`, `""`)
		proof("a megabyte, "+crypto, crypto, quoted(strings.Repeat("QUJD", 1<<18)), quoted(strings.Repeat("QUJD", 1<<18)))
		lines := quoted(strings.Repeat(`\n`, 1<<19))
		proof("a megabyte of line breaks, "+crypto, crypto, lines, lines)
	}
	proof("certificate of nobody", `"x509"`, quoted(encode(make([]byte, 256))), quoted(blocks(ordinary, 1)))
	proof("2000 certificates", `"x509"`, quoted(encode(make([]byte, 256))), quoted(blocks(ordinary, 2000)))
	proof("key of 65536 bits", `"x509"`, quoted(encode(make([]byte, 1<<13))), quoted(blocks(huge, 1)))
	proof("certificate cut in half", `"x509"`, quoted("AAAA"), quoted(blocks(ordinary[:len(ordinary)/2], 1)))
	proof("ASN.1 of 2 GiB", `"x509"`, quoted("AAAA"), quoted(blocks([]byte("\x30\x84\x7f\xff\xff\xff\x02\x01\x01"), 1)))
	proof("ASN.1 without an end", `"x509"`, quoted("AAAA"), quoted(blocks(bytes.Repeat([]byte("\x30\x80"), 50_000), 1)))
	endless := strings.Repeat("-----BEGIN CERTIFICATE-----\n", 20_000)
	proof("PEM without an end", `"x509"`, quoted("AAAA"), quoted(encode([]byte(endless))))
	for _, packets := range []struct {
		name string
		text []byte
	}{
		{"of 4 GiB", []byte("\xC2\xFF\xFF\xFF\xFF\xFF\x04")},
		{"without an end", bytes.Repeat([]byte("\xC2\xE0"), 100_000)},
		{"of no known kind", bytes.Repeat([]byte("\xFF\x01\x00"), 100_000)},
		{"that is packed", packed(32 << 20)},
		{"of 100000 signatures", bytes.Repeat([]byte("\xC2\x0A\x04\x00\x01\x08\x00\x00\x00\x00\x00\x00"), 100_000)},
		{"with large subpackets", append([]byte("\xC2\xC0\x20\x04\x00\x01\x08\xFF\xFF"), make([]byte, 300)...)},
	} {
		proof("OpenPGP "+packets.name, `"gpg"`, quoted(encode(packets.text)), "null")
	}
	return all
}

// certificate is one in DER that nobody has signed who counts, for an RSA key of so many bits that nobody has.
func certificate(bits int) []byte {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	modulus := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1))
	name := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ferry.example.org"},
		NotBefore: time.Unix(1_700_000_000, 0), NotAfter: time.Unix(1_900_000_000, 0),
	}
	der, err := x509.CreateCertificate(nil, name, name, &rsa.PublicKey{N: modulus, E: 65537}, key)
	if err != nil {
		panic(fmt.Sprintf("bug: bustest: %v", err))
	}
	return der
}

// packed is an OpenPGP packet of compressed data (RFC 9580, 5.6) that unpacks to size bytes.
func packed(size int) []byte {
	var b bytes.Buffer
	b.WriteByte(2) // ZLIB
	w := zlib.NewWriter(&b)
	w.Write(make([]byte, size)) // into memory: it cannot fail
	w.Close()
	n := b.Len()
	return append([]byte{0xC8, 0xFF, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, b.Bytes()...)
}
