package peer

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/platform/billing"
)

func message() *smpp.DeliverSM {
	return &smpp.DeliverSM{
		ServiceType: smpp.USSDServiceType, Source: smpp.Address{TON: 1, NPI: 1, Digits: "8613800000001"},
		Destination: smpp.Address{Digits: "10658"}, ShortMessage: []byte("493817"),
		TLVs: smpp.TLVs{smpp.Uint8TLV(smpp.TagUSSDServiceOp, 18)},
	}
}

// TestCarry: messages and what the carrier is answered arrive as they were sent.
func TestCarry(t *testing.T) {
	for _, v := range []any{message(), smpp.ROK, smpp.RXTAPPN, billing.Alarms{}} {
		name, text, err := carry(v)
		if err != nil {
			t.Fatal(err)
		}
		back, err := carried(name, text)
		if err != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("a %s arrives as %+v, %v", name, back, err)
		}
	}
	_, reply, err := carry(&smpp.DeliverSM{ServiceType: strings.Repeat("x", 100)})
	if err == nil {
		t.Errorf("a message that has no form was carried as %s", reply)
	}
	other, err := smpp.Append(nil, smpp.PDU{Sequence: 1, Body: new(smpp.EnquireLink)})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"text": `"x"`, "cut": `"AAAAAAA="`, "another command": `"` + base64.StdEncoding.EncodeToString(other) + `"`, "no text": `1`,
	} {
		if v, err := carried(deliverName, []byte(text)); err == nil {
			t.Errorf("%s was read as %+v", name, v)
		}
	}
	if v, err := carried(statusName, []byte(`"x"`)); err == nil {
		t.Errorf("a status was read as %v", v)
	}
}

func FuzzCarried(f *testing.F) {
	for _, v := range []any{message(), smpp.RXTAPPN, billing.Alarms{}} {
		name, text, err := carry(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, text)
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		v, err := carried(name, text)
		if err != nil {
			return
		}
		again, once, err := carry(v)
		if err != nil || again != name {
			t.Fatalf("%s %s was read and cannot be carried on: %v", name, text, err)
		}
		if _, err := carried(name, once); err != nil && name == deliverName {
			t.Fatalf("%s %s became %s: %v", name, text, once, err)
		}
	})
}
