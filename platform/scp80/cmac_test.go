package scp80

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/fips140"
	"testing"
)

type cmacVectors struct {
	AES  []cmacVector `json:"aes_cmac"`
	TDES []cmacVector `json:"tdes_cmac"`
}

type cmacVector struct{ Key, Data, MAC octets }

// SP 800-38B examples and RFC 4493 §4.
func TestCMACVectors(t *testing.T) {
	var v cmacVectors
	load(t, "testdata/cmac.json", &v)
	if len(v.AES) != 13 || len(v.TDES) != 8 {
		t.Fatalf("%d and %d vectors", len(v.AES), len(v.TDES))
	}
	for i, c := range v.AES {
		b, err := aes.NewCipher(c.Key)
		if err != nil {
			t.Fatal(err)
		}
		checkCMAC(t, i, b, c)
	}
	if fips140.Enforced() {
		return // TDEA is not to be had
	}
	for i, c := range v.TDES {
		key := c.Key
		if len(key) == 16 { // K1 K2 K1
			key = append(bytes.Clone(key), key[:8]...)
		}
		b, err := des.NewTripleDESCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		checkCMAC(t, i, b, c)
	}
}

func checkCMAC(t *testing.T, i int, b cipher.Block, v cmacVector) {
	t.Helper()
	mac := NewCMAC(b)
	if got := mac.Sum(v.Data); !bytes.Equal(got, v.MAC) {
		t.Errorf("vector %d: %x, want %x", i, got, []byte(v.MAC))
	}
	for cut := range v.Data { // the same in two parts, and in one more that is empty
		got := mac.Append([]byte("head"), v.Data[:cut], nil, v.Data[cut:])
		if !bytes.Equal(got, append([]byte("head"), v.MAC...)) {
			t.Errorf("vector %d cut at %d: %x", i, cut, got)
		}
	}
}
