package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/airtill/airtill/platform/scp80"
)

var errAtRest = errors.New("not sealed by this vault")

// formAtRest is the first octet of what Seal makes: AES-256-GCM, nonce in front.
const formAtRest = 1

// Seal encrypts what the platform keeps in its own store.
func (v *Vault) Seal(plain []byte) ([]byte, error) {
	return v.current.Load().rest.Seal([]byte{formAtRest}, nil, plain, []byte{formAtRest}), nil
}

// Open decrypts what Seal has encrypted.
func (v *Vault) Open(sealed []byte) ([]byte, error) {
	rest := v.current.Load().rest
	if len(sealed) < 1+rest.Overhead() || sealed[0] != formAtRest {
		return nil, errAtRest
	}
	plain, err := rest.Open(nil, nil, sealed[1:], sealed[:1])
	if err != nil {
		return nil, errAtRest
	}
	return plain, nil
}

// textMark is what sealed texts begin with.
const textMark = "sealed:"

// lenTag is the length of a sealed text's tag.
const lenTag = aes.BlockSize

// textSealer seals texts so that the same one always looks the same: a keyed hash of
// kind and text is both the tag and the IV (a synthetic IV, as in RFC 5297, with HMAC
// for the MAC). Equal texts of a kind show as equal, and nothing else shows.
type textSealer struct {
	hash   *hasher
	cipher cipher.Block
}

type (
	forTextHash struct{}
	textHash    = scp80.Key[forTextHash]
)

func newTextSealer(rest restMaster) (textSealer, error) {
	octets, err := hkdf.Expand(sha256.New, rest.Reveal(), "airtill texts at rest 1", 64)
	if err != nil {
		return textSealer{}, fmt.Errorf("ready the keys for texts at rest: %w", err)
	}
	block, err := aes.NewCipher(octets[32:])
	if err != nil {
		return textSealer{}, fmt.Errorf("ready the keys for texts at rest: %w", err)
	}
	return textSealer{hash: newHasher(scp80.NewKey[textHash](octets[:32])), cipher: block}, nil
}

func (t textSealer) tag(kind, plain string) [lenTag]byte {
	sum := t.hash.sum(kind, plain)
	return [lenTag]byte(sum[:])
}

// SealText encrypts a text of a kind - a phone number, a name - that the platform keeps
// in its own store. The same text of a kind gives the same result, so it can be found
// by it; who has the store learns no more than that two are the same.
func (v *Vault) SealText(kind, plain string) string {
	t := v.current.Load().texts
	tag := t.tag(kind, plain)
	sealed := append(tag[:], plain...)
	cipher.NewCTR(t.cipher, sealed[:lenTag]).XORKeyStream(sealed[lenTag:], sealed[lenTag:])
	return textMark + base64.RawURLEncoding.EncodeToString(sealed)
}

// OpenText decrypts what SealText has encrypted as that kind.
func (v *Vault) OpenText(kind, sealed string) (string, error) {
	text, marked := strings.CutPrefix(sealed, textMark)
	octets, err := base64.RawURLEncoding.DecodeString(text)
	oneForm := base64.RawURLEncoding.EncodeToString(octets) == text // decoding skips newlines
	if !marked || err != nil || !oneForm || len(octets) < lenTag {
		return "", errAtRest
	}
	t, tag, plain := v.current.Load().texts, octets[:lenTag], octets[lenTag:]
	cipher.NewCTR(t.cipher, tag).XORKeyStream(plain, plain)
	if want := t.tag(kind, string(plain)); !hmac.Equal(tag, want[:]) {
		return "", errAtRest
	}
	return string(plain), nil
}
