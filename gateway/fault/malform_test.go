package fault_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/airtill/airtill/gateway/fault"
)

// A submit_sm_resp with the id "abcdef", spoilt each way, by hand.
func TestMalformations(t *testing.T) {
	const good = "00000017" + "80000004" + "00000000" + "00000002" + "61626364656600"
	for m, want := range map[fault.Malformation]string{
		0:                   good,
		fault.WrongLength:   "00000008" + "80000004" + "00000000" + "00000002" + "61626364656600",
		fault.LongLength:    "00000027" + "80000004" + "00000000" + "00000002" + "61626364656600",
		fault.Truncated:     "00000013" + "80000004" + "00000000" + "00000002" + "616263",
		fault.BrokenTLV:     "0000001c" + "80000004" + "00000000" + "00000002" + "61626364656600" + "042700ff02",
		fault.WrongSequence: "00000017" + "80000004" + "00000000" + "40000002" + "61626364656600",
	} {
		pdu, err := hex.DecodeString(good)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(m.Apply(pdu)); got != want {
			t.Errorf("%v:\n got %s\nwant %s", m, got, want)
		}
		if hex.EncodeToString(pdu) != good {
			t.Errorf("%v changed the PDU it was given", m)
		}
	}
}

func TestMalformationsOfABareHeader(t *testing.T) {
	header, _ := hex.DecodeString("00000010" + "80000015" + "00000000" + "00000001")
	if got := fault.Truncated.Apply(header); !bytes.Equal(got, header) {
		t.Errorf("truncated: %x", got)
	}
	for n := range header { // less than a header is no PDU
		if got := fault.WrongLength.Apply(header[:n]); !bytes.Equal(got, header[:n]) {
			t.Errorf("%d octets: %x", n, got)
		}
	}
}
