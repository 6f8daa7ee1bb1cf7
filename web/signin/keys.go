package signin

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// How often the keys of a provider are fetched at most. Whoever signs in has a code of the provider; a logout token may
// come from anybody, who could name an unknown key each time, so it has an allowance of its own.
const (
	keysForSignIn = 10 * time.Second
	keysForLogout = time.Minute
)

// asymmetric are the algorithms of signatures that are believed. None of them can be made with the client's secret.
var asymmetric = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512,
	jose.PS256, jose.PS384, jose.PS512, jose.EdDSA}

// A keySet is the current public keys of a provider. It fetches them when a token names a key that it does not have.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time

	known atomic.Pointer[[]jose.JSONWebKey]
	turn  chan struct{} // holds one token: who has it may fetch
}

func newKeySet(url string, client *http.Client, now func() time.Time) *keySet {
	k := &keySet{url: url, client: client, now: now, turn: make(chan struct{}, 1)}
	k.known.Store(&[]jose.JSONWebKey{})
	k.turn <- struct{}{}
	return k
}

// A keyView is a keySet with an allowance of fetches. It implements oidc.KeySet.
type keyView struct {
	*keySet
	every time.Duration
	next  time.Time // before that nothing is fetched; of who has the turn
}

func (k *keySet) view(every time.Duration) *keyView { return &keyView{keySet: k, every: every} }

var errUnknownKey = errors.New("no key of the provider fits the token's signature")

// VerifySignature implements oidc.KeySet. It gives the content of a signed token.
func (v *keyView) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, asymmetric)
	if err != nil {
		return nil, fmt.Errorf("read token: %w", err)
	}
	if len(signed.Signatures) != 1 {
		return nil, errors.New("the token does not have exactly one signature")
	}
	if content, ok := verify(signed, *v.known.Load()); ok {
		return content, nil
	}
	select {
	case <-v.turn:
		defer func() { v.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if content, ok := verify(signed, *v.known.Load()); ok { // somebody else has fetched them meanwhile
		return content, nil
	}
	now := v.now()
	if now.Before(v.next) {
		return nil, errUnknownKey
	}
	v.next = now.Add(v.every)
	fetched, err := v.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch the provider's keys: %w", err)
	}
	v.known.Store(&fetched)
	if content, ok := verify(signed, fetched); ok {
		return content, nil
	}
	return nil, errUnknownKey
}

// verify tries the keys that the token may be signed with: the one that it names, or all where it names none.
func verify(signed *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, bool) {
	id := signed.Signatures[0].Header.KeyID
	for _, key := range keys {
		if id != "" && key.KeyID != id {
			continue
		}
		if content, err := signed.Verify(key.Key); err == nil {
			return withoutSources(content), true
		}
	}
	return nil, false
}

// keysMost bounds the keys of a provider: a token that names none is tried with each.
const keysMost = 32

// fetch asks the provider for its keys. It leaves out what is no public key for signatures, and what cannot be read.
func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Cache-Control", "no-cache")
	answer, err := k.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", answer.Status)
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	var usable []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && key.Use != "enc" && isPublic(key.Key) && len(usable) < keysMost {
			usable = append(usable, key)
		}
	}
	if len(usable) == 0 {
		return nil, errors.New("there is no key for signatures among them")
	}
	return usable, nil
}

func isPublic(key any) bool {
	switch key.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}
