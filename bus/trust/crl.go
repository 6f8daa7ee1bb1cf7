package trust

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// A revocationList is a CRL (RFC 5280, 5), version 1 or 2. crypto/x509 reads version 2 only, and easy-rsa writes 1.
type revocationList struct {
	issuer     pkix.Name
	thisUpdate time.Time
	nextUpdate time.Time // zero: never out of date
	revoked    map[string]bool
	encoded    encodedList
}

// An encodedList is the ASN.1 of a CRL.
type encodedList struct {
	TBS       encodedTBS
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

type encodedTBS struct {
	Raw        asn1.RawContent
	Version    int `asn1:"optional,default:0"`
	Algorithm  pkix.AlgorithmIdentifier
	Issuer     asn1.RawValue
	ThisUpdate time.Time
	NextUpdate time.Time        `asn1:"optional"`
	Revoked    []encodedEntry   `asn1:"optional"`
	Extensions []pkix.Extension `asn1:"optional,explicit,tag:0"`
}

type encodedEntry struct {
	Serial     *big.Int
	At         time.Time
	Extensions []pkix.Extension `asn1:"optional"`
}

// parseCRLs reads a file of lists, PEM or DER; none where it is nil.
func parseCRLs(file []byte) ([]*revocationList, error) {
	if file == nil {
		return nil, nil
	}
	if !bytes.Contains(file, pemBegin) {
		list, err := parseCRL(file)
		return []*revocationList{list}, err
	}
	blocks, err := pemBlocks(file, "X509 CRL", "lists of revoked certificates")
	if err != nil {
		return nil, err
	}
	var lists []*revocationList
	for _, der := range blocks {
		list, err := parseCRL(der)
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	if len(lists) == 0 {
		return nil, errors.New("it holds no list of revoked certificates in PEM or DER")
	}
	return lists, nil
}

func parseCRL(der []byte) (*revocationList, error) {
	list := &revocationList{revoked: map[string]bool{}}
	if rest, err := asn1.Unmarshal(der, &list.encoded); err != nil || len(rest) > 0 {
		return nil, errors.New("it is no list of revoked certificates (CRL), or is damaged")
	}
	tbs := list.encoded.TBS
	var issuer pkix.RDNSequence
	if _, err := asn1.Unmarshal(tbs.Issuer.FullBytes, &issuer); err != nil {
		return nil, errors.New("the list of revoked certificates has no issuer")
	}
	list.issuer.FillFromRDNSequence(&issuer)
	if err := checkCritical(tbs.Extensions); err != nil {
		return nil, err
	}
	list.thisUpdate, list.nextUpdate = tbs.ThisUpdate, tbs.NextUpdate
	for _, entry := range tbs.Revoked {
		if err := checkCritical(entry.Extensions); err != nil {
			return nil, err
		}
		list.revoked[entry.Serial.String()] = true
	}
	list.encoded.TBS.Revoked = nil
	return list, nil
}

// checkCritical refuses a list that is not what it looks like: of some reasons or some certificates only, the changes
// since another list, or for the certificates of another CA.
func checkCritical(extensions []pkix.Extension) error {
	for _, e := range extensions {
		if e.Critical {
			return fmt.Errorf("the list of revoked certificates has the critical extension %s, which is not known here", e.Id)
		}
	}
	return nil
}

// signatureAlgorithms are those that a CA signs a list with (RFC 3279, 4055, 5758, 8410).
var signatureAlgorithms = map[string]x509.SignatureAlgorithm{
	"1.2.840.113549.1.1.5":  x509.SHA1WithRSA,
	"1.2.840.113549.1.1.11": x509.SHA256WithRSA,
	"1.2.840.113549.1.1.12": x509.SHA384WithRSA,
	"1.2.840.113549.1.1.13": x509.SHA512WithRSA,
	"1.2.840.10045.4.1":     x509.ECDSAWithSHA1,
	"1.2.840.10045.4.3.2":   x509.ECDSAWithSHA256,
	"1.2.840.10045.4.3.3":   x509.ECDSAWithSHA384,
	"1.2.840.10045.4.3.4":   x509.ECDSAWithSHA512,
	"1.3.101.112":           x509.PureEd25519,
}

// add adds a list to the CA that has signed it, and reports whether it is c.
func (c *ca) add(list *revocationList) bool {
	l := list.encoded
	if !bytes.Equal(l.TBS.Issuer.FullBytes, c.RawSubject) {
		return false
	}
	algorithm := signatureAlgorithms[l.Algorithm.Algorithm.String()]
	if c.CheckSignature(algorithm, l.TBS.Raw, l.Signature.RightAlign()) != nil {
		return false
	}
	c.lists = append(c.lists, list)
	return true
}

// listed reports whether a list of c is in date.
func (c *ca) listed(now time.Time) bool {
	for _, list := range c.lists {
		if list.inDate(now) {
			return true
		}
	}
	return false
}

func (l *revocationList) inDate(now time.Time) bool {
	return !now.Before(l.thisUpdate.Add(-clockSkew)) && (l.nextUpdate.IsZero() || !now.After(l.nextUpdate))
}

// clockSkew is how far the clock of a CA may be ahead of ours.
const clockSkew = 5 * time.Minute
