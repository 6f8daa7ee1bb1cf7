package kerberos

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/messages"
)

// kdcs asks the KDCs that a krb5.conf names, or that the DNS names where it names none. They are asked by TCP, which
// every KDC takes, or by https where they stand behind a proxy (MS-KKDCP), as Fedora's do.
type kdcs struct {
	conf *config.Config
	tls  *tls.Config
}

// The bounds on a question to one KDC. Where groups stand in tickets an answer has some 64 KiB.
const (
	maxAnswer = 256 << 10
	maxKDCs   = 8
	waitKDC   = 10 * time.Second
)

// ask sends a question to the KDCs of a realm, one after another, until one answers. A refusal is a
// messages.KRBError.
func (k kdcs) ask(ctx context.Context, realm string, question []byte) ([]byte, error) {
	addresses, err := k.of(ctx, realm)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, address := range addresses {
		answer, err := k.askOne(ctx, address, realm, question)
		if err == nil {
			var refused messages.KRBError
			if refused.Unmarshal(answer) == nil {
				return nil, refused
			}
			return answer, nil
		}
		problems = append(problems, address+": "+err.Error())
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("no KDC of %s answers: %s", realm, strings.Join(problems, "; "))
}

// of returns where the KDCs of a realm are.
func (k kdcs) of(ctx context.Context, realm string) ([]string, error) {
	for _, r := range k.conf.Realms {
		if r.Realm == realm && len(r.KDC) > 0 {
			return r.KDC[:min(len(r.KDC), maxKDCs)], nil
		}
	}
	_, found, err := net.DefaultResolver.LookupSRV(ctx, "kerberos", "tcp", realm)
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("krb5.conf names no kdc of %s, and the DNS has no _kerberos._tcp.%s", realm, realm)
	}
	var addresses []string
	for _, f := range found[:min(len(found), maxKDCs)] {
		addresses = append(addresses, net.JoinHostPort(strings.TrimSuffix(f.Target, "."), strconv.Itoa(int(f.Port))))
	}
	return addresses, nil
}

func (k kdcs) askOne(ctx context.Context, address, realm string, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, waitKDC)
	defer cancel()
	framed := append(binary.BigEndian.AppendUint32(nil, uint32(len(question))), question...)
	if strings.Contains(address, "://") {
		return k.askProxy(ctx, address, realm, framed)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if until, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(until); err != nil {
			return nil, err
		}
	}
	if _, err := conn.Write(framed); err != nil {
		return nil, err
	}
	return unframe(conn)
}

// unframe reads what has its length before it.
func unframe(from io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(from, size[:]); err != nil {
		return nil, errors.New("it gives no answer")
	}
	length := binary.BigEndian.Uint32(size[:])
	if length == 0 || length > maxAnswer {
		return nil, errors.New("it does not speak Kerberos")
	}
	answer := make([]byte, length)
	if _, err := io.ReadFull(from, answer); err != nil {
		return nil, errors.New("its answer is cut")
	}
	return answer, nil
}

// askProxy asks a proxy of KDCs: MS-KKDCP, 2.2.2.
func (k kdcs) askProxy(ctx context.Context, address, realm string, framed []byte) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("host:port or an https URL was expected")
	}
	question, err := proxied(framed, realm)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/kerberos")
	request.Header.Set("User-Agent", "notifyd")
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: k.tls, DisableKeepAlives: true,
		MaxResponseHeaderBytes: 64 << 10}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers with status %d", response.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil || len(answer) > maxAnswer {
		return nil, errors.New("its answer is cut or too long")
	}
	var message struct {
		Kerberos []byte        `asn1:"explicit,tag:0"`
		Domain   asn1.RawValue `asn1:"optional,tag:1"`
		Hint     asn1.RawValue `asn1:"optional,tag:2"`
	}
	if _, err := asn1.Unmarshal(answer, &message); err != nil {
		return nil, errors.New("it is no proxy of KDCs")
	}
	return unframe(bytes.NewReader(message.Kerberos))
}

// generalString is the number of ASN.1's type of a realm, which encoding/asn1 does not write.
const generalString = 27

// proxied returns a KDC-PROXY-MESSAGE.
func proxied(framed []byte, realm string) ([]byte, error) {
	name, err := asn1.Marshal(asn1.RawValue{Tag: generalString, Bytes: []byte(realm)})
	if err != nil {
		return nil, err
	}
	message, err := asn1.Marshal(framed)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal([]asn1.RawValue{
		{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: message},
		{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: name},
	})
}
