package scram

import (
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// A Client logs in once. Its methods are called in the order of the messages.
type Client struct {
	user, password, nonce string

	bare string // the first message without its header
	said string // all that was said, which both sides sign
	keys keys
}

// NewClient makes a Client. nonce is random, printable and without a comma: 18 bytes in base64, for example.
func NewClient(user, password, nonce string) *Client {
	return &Client{user: user, password: password, nonce: nonce}
}

// First is the client's first message.
func (c *Client) First() string {
	c.bare = "n=" + escape.Replace(prepare(c.user)) + ",r=" + c.nonce
	return noBinding + c.bare
}

// Final answers the server's first message. It refuses a challenge that is weak, or that costs minutes.
func (c *Client) Final(challenge string) (string, error) {
	values, err := fields(challenge, "rsi")
	if err != nil {
		return "", err
	}
	nonce := values[0]
	if c.nonce == "" || !strings.HasPrefix(nonce, c.nonce) || len(nonce) == len(c.nonce) {
		return "", errNonce
	}
	salt, err := base64.StdEncoding.DecodeString(values[1])
	if err != nil || len(salt) == 0 {
		return "", errMessage
	}
	iterations, err := strconv.Atoi(values[2])
	if err != nil || iterations < MinIterations || iterations > maxIterations {
		return "", fmt.Errorf("%w: %q iterations, expected %d to %d", errMessage, values[2], MinIterations, maxIterations)
	}
	if c.keys, err = newKeys(c.password, salt, iterations); err != nil {
		return "", err
	}
	final := "c=" + encode([]byte(noBinding)) + ",r=" + nonce
	c.said = c.bare + "," + challenge + "," + final
	return final + ",p=" + encode(c.keys.proof(c.keys.client, c.said)), nil
}

// Verify checks the server's final message, by which it shows that it knows the password too.
func (c *Client) Verify(final string) error {
	values, err := fields(final, "v")
	if err != nil {
		return err
	}
	got, err := base64.StdEncoding.DecodeString(values[0])
	if err != nil || c.said == "" || !hmac.Equal(got, sign(c.keys.server, c.said)) {
		return errSignature
	}
	return nil
}
