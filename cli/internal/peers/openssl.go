package peers

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// OpenSSL is the openssl program: cryptography that nobody here wrote. Its keys are on
// command lines, so they must be a test's own.
type OpenSSL struct{ t testing.TB }

// NewOpenSSL wants the program.
func NewOpenSSL(t testing.TB) OpenSSL {
	t.Helper()
	Want(t, "openssl")
	return OpenSSL{t}
}

// Encipher enciphers whole blocks with a cipher that openssl names, its IV zero.
func (o OpenSSL) Encipher(cipher string, key, plain []byte) []byte {
	o.t.Helper()
	return o.run(plain, enc(cipher, key, "-e")...)
}

// Decipher undoes Encipher.
func (o OpenSSL) Decipher(cipher string, key, ciphered []byte) []byte {
	o.t.Helper()
	return o.run(ciphered, enc(cipher, key, "-d")...)
}

func enc(cipher string, key []byte, way string) []string {
	iv := strings.Repeat("0", 32)
	if strings.HasPrefix(cipher, "des") {
		iv = iv[:16]
	}
	args := []string{"enc", way, "-" + cipher, "-K", hex.EncodeToString(key), "-nopad", "-provider", "legacy", "-provider", "default"}
	if strings.HasSuffix(cipher, "-ecb") {
		return args
	}
	return append(args, "-iv", iv)
}

// Unwrap undoes AES key wrapping with padding (RFC 5649).
func (o OpenSSL) Unwrap(key, wrapped []byte) []byte {
	o.t.Helper()
	return o.run(wrapped, "enc", "-d", "-id-aes256-wrap-pad", "-K", hex.EncodeToString(key), "-iv", "a65959a6")
}

// CMAC is the whole CMAC of a message under AES-256.
func (o OpenSSL) CMAC(key, message []byte) []byte {
	o.t.Helper()
	return o.unhex(o.run(message, "mac", "-cipher", "AES-256-CBC", "-macopt", "hexkey:"+hex.EncodeToString(key), "-in", "/dev/stdin", "CMAC"))
}

// CBCMAC is the whole CBC-MAC of a message under a cipher with blocks of 8 octets; the
// message is filled up with zeros (ISO 9797-1 algorithm 1, padding 1).
func (o OpenSSL) CBCMAC(cipher string, key, message []byte) []byte {
	o.t.Helper()
	padded := append(bytes.Clone(message), make([]byte, (8-len(message)%8)%8)...)
	all := o.Encipher(cipher, key, padded)
	return all[len(all)-8:]
}

// RetailMAC is ISO 9797-1 algorithm 3 with padding 1, under a key of two halves.
func (o OpenSSL) RetailMAC(key, message []byte) []byte {
	o.t.Helper()
	last := o.CBCMAC("des-cbc", key[:8], message)
	return o.Encipher("des-ecb", key[:8], o.Decipher("des-ecb", key[8:], last))
}

// KBKDF derives 32 octets in counter mode with CMAC-AES-256 (SP 800-108 §4.1).
func (o OpenSSL) KBKDF(key []byte, label string, context []byte) []byte {
	o.t.Helper()
	return o.unhex(o.run(nil, "kdf", "-keylen", "32", "-kdfopt", "mac:CMAC", "-kdfopt", "cipher:AES-256-CBC", "-kdfopt", "mode:COUNTER",
		"-kdfopt", "hexkey:"+hex.EncodeToString(key), "-kdfopt", "hexsalt:"+hex.EncodeToString([]byte(label)),
		"-kdfopt", "hexinfo:"+hex.EncodeToString(context), "KBKDF"))
}

// OptionA derives a 3DES key as EMV book 2 A1.4.1 does: y and its complement under the
// master key, with odd parity.
func (o OpenSSL) OptionA(master, y []byte) []byte {
	o.t.Helper()
	both := bytes.Clone(y)
	for _, octet := range y {
		both = append(both, ^octet)
	}
	key := o.Encipher("des-ede-ecb", master, both)
	for i, octet := range key {
		ones := 0
		for bit := range 7 {
			ones += int(octet >> (bit + 1) & 1)
		}
		key[i] = octet&^1 | byte(1-ones%2)
	}
	return key
}

// run feeds openssl and answers what it prints.
func (o OpenSSL) run(in []byte, args ...string) []byte {
	o.t.Helper()
	cmd := exec.CommandContext(o.t.Context(), "openssl", args...)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		o.t.Fatal(fmt.Errorf("openssl %s: %w: %s", args[0], err, &stderr))
	}
	return out
}

// unhex reads what openssl mac and openssl kdf print.
func (o OpenSSL) unhex(text []byte) []byte {
	o.t.Helper()
	octets, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(string(text)), ":", ""))
	if err != nil {
		o.t.Fatalf("openssl printed %q", text)
	}
	return octets
}
