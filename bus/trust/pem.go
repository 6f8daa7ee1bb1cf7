package trust

import (
	"bytes"
	"encoding/pem"
	"fmt"
)

var pemBegin = []byte("-----BEGIN")

// pemBlocks gives the blocks of a file in PEM, which are all of one type. Text between them is passed over. A block
// that is damaged or cut off is an error, while pem.Decode passes over it too: the site would quietly lose those
// publishers whose certificates the rest of the file stands for.
func pemBlocks(file []byte, kind, expected string) ([][]byte, error) {
	var blocks [][]byte
	for rest := file; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != kind {
			return nil, fmt.Errorf("it holds a %s; expected %s only", block.Type, expected)
		}
		blocks = append(blocks, block.Bytes)
	}
	if n := bytes.Count(file, pemBegin); n > len(blocks) {
		return nil, fmt.Errorf("%d of the %d blocks of PEM that it begins are damaged or cut off", n-len(blocks), n)
	}
	return blocks, nil
}
