package decode

import (
	"crypto/fips140"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/airtill/airtill/platform/scp80"
)

// octets is hexadecimal in a vector file.
type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.AppendDecode(nil, text)
	return err
}

type vector struct {
	ID, Kind    string
	SPI         string
	KIcKey      octets `json:"kic_key"`
	KIDKey      octets `json:"kid_key"`
	Cipher      string
	CNTR        string
	PCNTR       int
	CCLen       int `json:"cc_len"`
	CC          octets
	SecuredData octets `json:"secured_data"`
	Answer      octets `json:"additional_data"` // of a response
	Packet      octets
	UserData    octets `json:"tp_ud"`
}

type vectorFile struct {
	Vectors      []vector
	Concatenated []struct {
		ID          string
		Packet      octets
		KIcKey      octets `json:"kic_key"`
		KIDKey      octets `json:"kid_key"`
		SecuredData octets `json:"secured_data"`
		Parts       []octets
	}
	Negative []struct {
		ID     string
		Packet octets
		KIcKey octets `json:"kic_key"`
		KIDKey octets `json:"kid_key"`
	}
}

// vectors are those of wire.md 1.9.
func vectors(t testing.TB) (f vectorFile) {
	t.Helper()
	b, err := os.ReadFile("testdata/scp80.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f vectorFile) find(t testing.TB, id string) vector {
	t.Helper()
	for _, v := range f.Vectors {
		if v.ID == id {
			return v
		}
	}
	t.Fatalf("no vector %s", id)
	return vector{}
}

func keyOf(s scp80.Suite, kic, kid octets) Key {
	return Key{Name: "the keys given", Suite: s, Keys: scp80.Keys{
		KIc: scp80.NewKey[scp80.CipherKey](kic), KID: scp80.NewKey[scp80.MACKey](kid),
	}}
}

// onlyModern skips what needs keys of the legacy suite where there can be none.
func onlyModern(t *testing.T, s scp80.Suite) {
	t.Helper()
	if s == scp80.Legacy && fips140.Enforced() {
		t.Skip("the legacy suite is not in FIPS 140")
	}
}
