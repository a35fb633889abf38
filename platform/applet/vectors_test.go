package applet

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform/scp80"
)

// octets is hexadecimal in a vector file.
type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.AppendDecode(nil, text)
	return err
}

type pinVector struct {
	PIN, PAN string
	Clear    octets
	Field    octets `json:"pin_field"`
	PANField octets `json:"pan_field"`
	Key, Enc octets
}

type dukptVector struct {
	BDK, IK  octets
	Sequence []dukptStep
	Late     []dukptStep
}

type dukptStep struct {
	KSN    octets
	Key    octets `json:"txn_key"`
	PINKey octets `json:"pin_key"`
	PINEnc octets `json:"pin_enc"`
}

type vectorFile struct {
	PINBlock struct {
		Format0 []pinVector
		Format4 []pinVector
		Reject  []struct {
			Field octets `json:"pin_field"`
			Why   string
		} `json:"format4_reject"`
	} `json:"pin_block"`
	MAC struct {
		Alg3 []struct {
			Key, MAC octets
			Data     string `json:"data_ascii"`
			Pad      int
		} `json:"iso9797_1_alg3"`
	}
	TDES  tdesVectors `json:"dukpt_tdes"`
	DUKPT struct {
		ID     octets `json:"ik_id"`
		PIN    string
		PAN    string
		Field  octets `json:"pin_field"`
		AES128 dukptVector
		AES256 dukptVector
	} `json:"dukpt_aes"`
	KeyWrap []struct {
		Alg                string
		KEK, Data, Wrapped octets
	} `json:"key_wrap"`
	Project project `json:"project_inputs"`
}

type project struct {
	Element  ElementID `json:"se_id"`
	Token    TokenPAN  `json:"token_pan"`
	PIN      string
	Random   octets `json:"pin_field_random"`
	CardKey  octets `json:"card_data_key"`
	Record   octets `json:"account_record"`
	Blob     octets `json:"account_blob_kwp"`
	PINBlock octets `json:"pin_block_fmt4"`
	Payload  octets `json:"pay_payload"`
	Legacy   octets `json:"pay_payload_legacy"`
	Format0  octets `json:"pin_block_fmt0_enc"`

	LegacyCardKey octets `json:"legacy_card_data_key"`
	LegacyBlob    octets `json:"legacy_account_blob"`
	TDES          struct {
		BDK, KSN octets
		PINKey   octets `json:"pin_key"`
	} `json:"tdes_dukpt"`
	DUKPT struct {
		BDK     octets
		ID      octets `json:"ik_id"`
		Counter uint32
		PINKey  octets `json:"pin_key"`
	} `json:"aes_dukpt"`
}

func vectors(t testing.TB) (f vectorFile) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func pin(t testing.TB, s string) PIN {
	t.Helper()
	p, err := ParsePIN(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func pan(t testing.TB, s string) PAN {
	t.Helper()
	p, err := ParsePAN(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func identity(t testing.TB, s string) Identity {
	t.Helper()
	i, err := ParseIdentity(ResidentID, s)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// ISO 9564-1 §9.3.5: the published format 4 blocks, both ways.
func TestPINBlockVectors(t *testing.T) {
	f := vectors(t).PINBlock
	for i, v := range f.Format4 {
		key, token := scp80.NewKey[PINKey](v.Key), TokenPAN(v.PAN)
		if field := panField4(token); len(v.PANField) > 0 && !bytes.Equal(field[:], v.PANField) {
			t.Errorf("%d: PAN field %x", i, field[:])
		}
		b, err := SealPIN(scp80.Modern, key, pin(t, v.PIN), token, bytes.NewReader(v.Field[8:]))
		if err != nil || !bytes.Equal(b[:], v.Enc) {
			t.Errorf("%d: %x, %v, want %x", i, b[:], err, []byte(v.Enc))
		}
		got, err := OpenPIN(scp80.Modern, key, PINBlock(v.Enc), token)
		if err != nil || got.Reveal() != v.PIN {
			t.Errorf("%d: opened %q, %v", i, got.Reveal(), err)
		}
	}
	for _, v := range f.Reject {
		if p, err := format4.pin([8]byte(v.Field[:8])); err != ErrPINBlock || !p.Equal(PIN{}) {
			t.Errorf("%s: %v", v.Why, err)
		}
	}
	if len(f.Format4) != 4 || len(f.Reject) != 4 {
		t.Errorf("%d and %d vectors", len(f.Format4), len(f.Reject))
	}
}

// A PIN block belongs to one card: under another token it does not open.
func TestPINBlockBindsToken(t *testing.T) {
	v := vectors(t).PINBlock.Format4[0]
	key, opened := scp80.NewKey[PINKey](v.Key), 0
	for last := range 100 {
		token := TokenPAN(fmt.Sprintf("41111111111112%02d", last))
		if p, err := OpenPIN(scp80.Modern, key, PINBlock(v.Enc), token); err == nil && p.Reveal() == v.PIN {
			opened++
		}
	}
	if opened != 0 {
		t.Errorf("opened under %d other tokens", opened)
	}
	for _, token := range []TokenPAN{"", "4111x", "41111111111111111111"} {
		if _, err := OpenPIN(scp80.Modern, key, PINBlock(v.Enc), token); err == nil {
			t.Errorf("token %q taken", token)
		}
	}
	if _, err := SealPIN(scp80.Modern, key, PIN{}, "4111111111111111", bytes.NewReader(v.Field)); err == nil {
		t.Error("a block of no PIN")
	}
	if _, err := SealPIN(scp80.Modern, PINKey{}, pin(t, "1234"), "4111111111111111", bytes.NewReader(v.Field)); err == nil {
		t.Error("a block under no key")
	}
}

// ANSI X9.24-3 supplement: initial keys, transaction keys, PIN keys, PIN blocks.
func TestDUKPTVectors(t *testing.T) {
	f := vectors(t).DUKPT
	id := InitialKeyID(f.ID)
	for _, set := range []dukptVector{f.AES128, f.AES256} {
		ik, err := DeriveInitialKey(scp80.Modern, scp80.NewKey[BaseKey](set.BDK), id)
		if err != nil || !bytes.Equal(ik.Reveal(), set.IK) {
			t.Fatalf("initial key: %v", err)
		}
		element, err := NewPINKeys(scp80.Modern, ik, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range append(set.Sequence, set.Late...) {
			counter := uint32(v.KSN[8])<<24 | uint32(v.KSN[9])<<16 | uint32(v.KSN[10])<<8 | uint32(v.KSN[11])
			if key, err := transactionKey(scp80.Modern, ik, id, counter); err != nil || !bytes.Equal(key, v.Key) {
				t.Errorf("transaction key %d: %v", counter, err)
			}
			if v.PINKey == nil {
				continue
			}
			host, err := DerivePINKey(scp80.Modern, ik, id, counter)
			if err != nil || !bytes.Equal(host.Reveal(), v.PINKey) {
				t.Errorf("platform's PIN key %d: %v", counter, err)
			}
			at, key, err := element.Next()
			if err != nil || at != counter || !key.Equal(host) {
				t.Errorf("element's PIN key %d: at %d, %v", counter, at, err)
			}
			if v.PINEnc == nil {
				continue
			}
			b, err := SealPIN(scp80.Modern, key, pin(t, f.PIN), TokenPAN(f.PAN), bytes.NewReader(f.Field[8:]))
			if err != nil || !bytes.Equal(b[:], v.PINEnc) {
				t.Errorf("PIN block %d: %x, %v", counter, b[:], err)
			}
		}
	}
}

// RFC 5649 §6 and the project's card blob.
func TestKeyWrapVectors(t *testing.T) {
	f := vectors(t)
	for _, v := range f.KeyWrap {
		block := mustAES(t, v.KEK)
		if strings.HasPrefix(v.Alg, "AES-KW ") { // the process alone, with its own initial value
			got := append(bytes.Repeat([]byte{0xA6}, semiblock), v.Data...)
			if wrapping(block, got); !bytes.Equal(got, v.Wrapped) {
				t.Errorf("%s: %x", v.Alg, got)
			}
			continue
		}
		if got := wrap(block, v.Data); !bytes.Equal(got, v.Wrapped) {
			t.Errorf("%s: %x", v.Alg, got)
		}
		if got, ok := unwrap(block, v.Wrapped); !ok || !bytes.Equal(got, v.Data) {
			t.Errorf("%s: %x, %t", v.Alg, got, ok)
		}
	}
	if len(f.KeyWrap) != 3 {
		t.Errorf("%d vectors", len(f.KeyWrap))
	}
}

func TestCardVector(t *testing.T) {
	p := vectors(t).Project
	key := scp80.NewKey[CardDataKey](p.CardKey)
	r := CardRecord{PAN: pan(t, "6212340000000019"), Expiry: 3012, Sequence: 1, Slot: 1, Version: 1}
	blob, err := SealCard(scp80.Modern, key, r)
	if err != nil || !bytes.Equal(blob[:], p.Blob) {
		t.Fatalf("%x, %v", blob[:], err)
	}
	if plain, ok := unwrap(mustAES(t, p.CardKey), blob[:]); !ok || !bytes.Equal(plain, p.Record) {
		t.Errorf("record %x", plain)
	}
	got, err := OpenCard(scp80.Modern, key, blob)
	if err != nil || !got.PAN.Equal(r.PAN) || got.Expiry != r.Expiry || got.Slot != 1 || got.Sequence != 1 || got.Version != 1 {
		t.Errorf("opened %+v, %v", got, err)
	}
}

// The whole PAY of wire.md 6 from its inputs.
func TestPayVector(t *testing.T) {
	p := vectors(t).Project
	ik, err := DeriveInitialKey(scp80.Modern, scp80.NewKey[BaseKey](p.DUKPT.BDK), InitialKeyID(p.DUKPT.ID))
	if err != nil {
		t.Fatal(err)
	}
	key, err := DerivePINKey(scp80.Modern, ik, InitialKeyID(p.DUKPT.ID), p.DUKPT.Counter)
	if err != nil || !bytes.Equal(key.Reveal(), p.DUKPT.PINKey) {
		t.Fatalf("PIN key: %v", err)
	}
	block, err := SealPIN(scp80.Modern, key, pin(t, p.PIN), p.Token, bytes.NewReader(p.Random))
	if err != nil || !bytes.Equal(block[:], p.PINBlock) {
		t.Fatalf("PIN block: %x, %v", block[:], err)
	}
	m := samplePay(t, scp80.Modern)
	m.Blob, m.PINBlock, m.PINCounter = CardBlob(p.Blob), block, p.DUKPT.Counter
	m.Payee, m.Transaction = "", 0
	if got := Encode(scp80.Modern, m); !bytes.Equal(got, p.Payload) {
		t.Errorf("%x\nwant %x", got, []byte(p.Payload))
	}
	if _, err := Decode(scp80.Modern, p.Payload); err != nil {
		t.Error(err)
	}
}
