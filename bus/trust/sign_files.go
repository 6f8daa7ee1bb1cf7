package trust

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"

	"github.com/notifyd/notifyd/internal/watch"
)

// maxPEM bounds the files of a Signer.
const maxPEM = 1 << 20

// SignerFiles is the source of the Signers of two files, both PEM: a certificate that is renewed takes effect by
// itself. While the two do not belong together, as between two writes, the last good Signer stays. Without files it is
// nil.
func SignerFiles(certificate, key string) watch.Source[*Signer] {
	if certificate == "" {
		return watch.Source[*Signer]{
			Name: "bus.publish",
			Read: func() (watch.Content[*Signer], error) {
				return watch.Content[*Signer]{Make: func() (*Signer, error) { return nil, nil }}, nil
			},
			Figures: func(*Signer) []any { return []any{"signs", false} },
		}
	}
	return watch.Source[*Signer]{
		Name: "bus.publish", File: certificate,
		Look: func() ([]fs.FileInfo, error) {
			c, err := os.Stat(certificate)
			if err != nil {
				return nil, err
			}
			k, err := os.Stat(key)
			return []fs.FileInfo{c, k}, err
		},
		Read: func() (watch.Content[*Signer], error) { return readSigner(certificate, key) },
		Figures: func(s *Signer) []any {
			return []any{"signs", s.Name(), "until", day(s.leaf.NotAfter)}
		},
	}
}

func readSigner(certificate, key string) (content watch.Content[*Signer], err error) {
	c, err := watch.ReadFile(certificate, maxPEM)
	if err != nil {
		return content, err
	}
	k, err := watch.ReadFile(key, maxPEM)
	if err != nil {
		return content, err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d ", len(c))
	sum.Write(c)
	sum.Write(k)
	content.Sum = [sha256.Size]byte(sum.Sum(nil))
	content.Make = func() (*Signer, error) { return NewSigner(c, k) }
	return content, nil
}
