package se

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// vector is a payment that other programs have made and opened (pySim, openssl).
type vector struct {
	ID     string
	TPUD   string `json:"tp_ud"`
	KIc    string `json:"kic_key"`
	KID    string `json:"kid_key"`
	inputs inputs
}

type inputs struct {
	ElementID applet.ElementID `json:"se_id"`
	Token     applet.TokenPAN  `json:"token_pan"`
	PIN       string
	Fill      string `json:"pin_field_random"`
	CardData  string `json:"card_data_key"`
	Blob      string `json:"account_blob_kwp"`
	AES       struct {
		Base string `json:"bdk"`
		ID   string `json:"ik_id"`
	} `json:"aes_dukpt"`
	LegacyCardData string `json:"legacy_card_data_key"`
	LegacyBlob     string `json:"legacy_account_blob"`
	TDES           struct {
		Base string `json:"bdk"`
		KSN  string `json:"ksn"`
	} `json:"tdes_dukpt"`
}

// readVector finds the payment of a suite.
func readVector(t *testing.T, suite scp80.Suite) vector {
	t.Helper()
	var file struct {
		Inputs  inputs `json:"project_inputs"`
		Vectors []vector
	}
	if err := json.Unmarshal(must(os.ReadFile("testdata/pay.json")), &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		v.inputs = file.Inputs
		if (v.ID == "pay-3des2-keyset3") == (suite == scp80.Legacy) {
			return v
		}
	}
	t.Fatal("no vector")
	return vector{}
}

func keyOf[K interface{ scp80.Key[P] }, P any](text string) K { return scp80.NewKey[K, P](unhex(text)) }

// personalisation is what the element of the vector was given.
func (v vector) personalisation(suite scp80.Suite) applet.Personalisation {
	in := v.inputs
	data, blob, base, id := in.CardData, in.Blob, in.AES.Base, in.AES.ID
	if suite == scp80.Legacy {
		data, blob, base, id = in.LegacyCardData, in.LegacyBlob, in.TDES.Base, in.TDES.KSN[:16]
	}
	keyID := applet.InitialKeyID(unhex(id))
	mo := scp80.Keys{KIc: keyOf[scp80.CipherKey](v.KIc), KID: keyOf[scp80.MACKey](v.KID)}
	return applet.Personalisation{
		Element: in.ElementID, Suite: suite, Version: 1, MO: mo, MT: keysOf(suite, 1), TAR: scp80.TARPayment,
		Initial: must(applet.DeriveInitialKey(suite, keyOf[applet.BaseKey](base), keyID)), KeyID: keyID,
		CardData: keyOf[applet.CardDataKey](data),
		Identity: must(applet.ParseIdentity(applet.ResidentID, "11010519900307123X")),
		Cards: []applet.CardEntry{{
			Slot: 1, Alias: "blue", Masked: must(applet.ParsePAN(string(in.Token))).Masked(), Expiry: 3012,
			Token: in.Token, Blob: applet.CardBlob(unhex(blob)),
		}},
	}
}

// filled is randomness that ends in what a PIN field was filled with.
type filled struct{ before, fill io.Reader }

func (f filled) Read(b []byte) (int, error) {
	if len(b) == lenSeed {
		return f.before.Read(b)
	}
	return f.fill.Read(b)
}

type endless []byte

func (e endless) Read(b []byte) (int, error) { return copy(b, e), nil }

// The element makes, octet for octet, the payments of the vectors: card as stored,
// PIN block, packet and user data (wire.md 6).
func TestPayVectors(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		v := readVector(t, suite)
		random := filled{before: seeded(1), fill: endless(unhex(v.inputs.Fill))}
		e := must(New(Config{ID: v.inputs.ElementID, Form: applet.SIM, Rand: random}))
		if err := e.Personalise(must(applet.SealPersonalisation(e.PublicKey(), v.personalisation(suite)))); err != nil {
			t.Fatal(err)
		}
		payload, err := e.Pay(PayRequest{
			Bill: applet.Bill{Ref: applet.BillRef{5: 0xA1, 6: 0xB2, 7: 0xC3}, Amount: 12345, Currency: money.CNY},
			Slot: 1, PIN: must(applet.ParsePIN(v.inputs.PIN)), Phone: "8613800000001", Time: time.Unix(0x6955B900, 0),
		})
		if err != nil {
			t.Fatal(err)
		}
		segments := must(e.Carry(must(e.Wrap(payload)), tpdu.Reference{}))
		if got := hex.EncodeToString(must(segments[0].UserData())); got != v.TPUD || len(segments) != 1 {
			t.Errorf("payload %x\n got %s\nwant %s", payload, got, v.TPUD)
		}
	})
}
