package ussd_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
)

const (
	phone = "254700000001"
	code  = "*120#"
)

// tlvs is a message's optional parameters in words: 0501=01 1383=0502.
func tlvs(sm *smpp.SubmitSM) string {
	var words []string
	for _, t := range sm.TLVs {
		words = append(words, fmt.Sprintf("%04x=%x", uint16(t.Tag), t.Value))
	}
	return strings.Join(words, " ")
}

// Each dialect's octets for each kind of message, both ways (SMPP 3.4 §5.3.2.43 and
// §5.3.2.44; carrier.md section 1, "USSD over SMPP").
func TestDialects(t *testing.T) {
	m := func(k ussd.Kind, change ...func(*ussd.Message)) ussd.Message {
		m := ussd.Message{Kind: k, Phone: phone, Code: code, ID: 5}
		for _, c := range change {
			c(&m)
		}
		return m
	}
	phase1 := func(m *ussd.Message) { m.Phase1 = true }
	pushes := func(m *ussd.Message) { m.Pushes = true }
	third := func(m *ussd.Message) { m.Dialogue = 3 }
	why := func(m *ussd.Message) { m.Reason = "user-abort" }
	noID := func(m *ussd.Message) { m.ID = 0 }
	for _, tt := range []struct {
		dialect ussd.Dialect
		message ussd.Message
		want    string
	}{
		{ussd.Spec, m(ussd.Dial), "0501=01 1383=0500"},
		{ussd.Spec, m(ussd.Dial, phase1), "0501=00 1383=0500"},
		{ussd.Spec, m(ussd.Ask, third), "0501=02 1383=0506"},
		{ussd.Spec, m(ussd.Notify), "0501=03 1383=0500"},
		{ussd.Spec, m(ussd.End), "0501=11 1383=0501"},
		{ussd.Spec, m(ussd.End, phase1, third), "0501=10 1383=0507"},
		{ussd.Spec, m(ussd.Answer), "0501=12 1383=0500"},
		{ussd.Spec, m(ussd.Ack), "0501=13 1383=0500"},
		{ussd.Spec, m(ussd.Abort, why), "0501=81 1383=0501 001d=757365722d61626f727400"},
		{ussd.FlagEnds, m(ussd.Dial), "0501=01 1383=000a"},
		{ussd.FlagEnds, m(ussd.Ask), "0501=02 1383=000a"},
		{ussd.FlagEnds, m(ussd.End, pushes), "0501=02 1383=000b"},
		{ussd.FlagEnds, m(ussd.End, pushes, noID), "0501=02 1383=0001"},
		{ussd.FlagEnds, m(ussd.Answer), "0501=12 1383=000a"},
		{ussd.FlagEnds, m(ussd.Abort), "0501=12 1383=000b"},
		{ussd.LongID, m(ussd.Dial), "0501=01 1383=000a"},
		{ussd.LongID, m(ussd.Ask), "0501=02 1383=000a"},
		{ussd.LongID, m(ussd.End, pushes), "0501=17 1383=000b"},
		{ussd.LongID, m(ussd.Answer), "0501=12 1383=000a"},
		{ussd.LongID, m(ussd.Abort), "0501=81 1383=000b"},
		{ussd.Reference, m(ussd.Dial), "0501=01 0204=0005"},
		{ussd.Reference, m(ussd.Ask), "0501=02 0204=0005"},
		{ussd.Reference, m(ussd.End, pushes), "0501=17 0204=0005"},
		{ussd.Reference, m(ussd.Answer), "0501=12 0204=0005"},
		{ussd.Reference, m(ussd.Abort), "0501=81 0204=0005"},
		{ussd.NoID, m(ussd.Dial, noID), "0501=01"},
		{ussd.NoID, m(ussd.Ask, noID), "0501=02"},
		{ussd.NoID, m(ussd.Notify, noID), "0501=03"},
		{ussd.NoID, m(ussd.End, noID), "0501=11"},
		{ussd.NoID, m(ussd.Answer, noID), "0501=12"},
		{ussd.NoID, m(ussd.Ack, noID), "0501=13"},
		{ussd.NoID, m(ussd.Abort, noID), "0501=81"},
	} {
		t.Run(fmt.Sprintf("%s %s %s", tt.dialect, tt.message.Kind, tt.want), func(t *testing.T) {
			sm, err := tt.dialect.Encode(tt.message)
			if err != nil {
				t.Fatal(err)
			}
			if got := tlvs(sm); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			source, destination := code, phone
			if tt.message.Kind.Up() {
				source, destination = phone, code
			}
			if sm.ServiceType != "USSD" || sm.Source.Digits != source || sm.Destination.Digits != destination {
				t.Errorf("%s from %s to %s", sm.ServiceType, sm.Source.Digits, sm.Destination.Digits)
			}
			back, err := tt.dialect.Decode(tt.message.Kind.Up(), sm)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.message, back); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What a dialect has no word for is refused, and not written as something else.
func TestDialectWords(t *testing.T) {
	for _, tt := range []struct {
		dialect ussd.Dialect
		lacks   []ussd.Kind
	}{
		{ussd.Spec, nil},
		{ussd.FlagEnds, []ussd.Kind{ussd.Notify, ussd.Ack}},
		{ussd.LongID, []ussd.Kind{ussd.Notify, ussd.Ack}},
		{ussd.Reference, []ussd.Kind{ussd.Notify, ussd.Ack}},
		{ussd.NoID, nil},
	} {
		var lacks []ussd.Kind
		for k := ussd.Dial; k <= ussd.Abort; k++ {
			_, err := tt.dialect.Encode(ussd.Message{Kind: k, Phone: phone, Code: code})
			if says := tt.dialect.Says(k); says != (err == nil) {
				t.Errorf("%s says %s: %t, but encodes with %v", tt.dialect, k, says, err)
			}
			if err != nil {
				lacks = append(lacks, k)
			}
		}
		if diff := cmp.Diff(tt.lacks, lacks); diff != "" {
			t.Errorf("%s: %s", tt.dialect, diff)
		}
	}
}

// raw is a USSD message with its optional parameters by number.
func raw(text string, ts ...smpp.TLV) *smpp.SubmitSM {
	return &smpp.SubmitSM{
		ServiceType: "USSD", Source: smpp.Address{Digits: code}, Destination: smpp.Address{Digits: phone},
		ShortMessage: []byte(text), TLVs: ts,
	}
}

func op(v uint8) smpp.TLV    { return smpp.Uint8TLV(smpp.TagUSSDServiceOp, v) }
func info(v uint16) smpp.TLV { return smpp.Uint16TLV(smpp.TagITSSessionInfo, v) }

// What is read that nothing here writes.
func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		name    string
		dialect ussd.Dialect
		up      bool
		sm      *smpp.SubmitSM
		want    string
	}{
		{"the end flag ends an ask, and an ask may push", ussd.Spec, false, raw("x", op(2), info(0x0501)), "end id 5 pushes x"},
		{"the end flag ends a notify", ussd.Spec, false, raw("x", op(3), info(0x0501)), "end id 5 pushes x"},
		{"17 without the flag ends", ussd.Spec, false, raw("x", op(17), info(0x0500)), "end id 5 x"},
		{"17 with it does not push", ussd.Spec, false, raw("x", op(17), info(1)), "end id 0 x"},
		{"no session info", ussd.Spec, false, raw("x", op(2)), "ask id 0 x"},
		{"an answer with the end flag is no answer", ussd.Spec, true, raw("x", op(18), info(0x0501)), "abort id 5 "},
		{"a dial has no end", ussd.Spec, true, raw("", op(1), info(0x0501)), "dial id 5 "},
		{"all bits of a dialogue number", ussd.Spec, false, raw("x", op(2), info(0xFFFE)), "ask id 255 x"},
		{"all bits of a long id", ussd.LongID, false, raw("x", op(2), info(0xFFFE)), "ask id 32767 x"},
		{"an opaque id comes back", ussd.FlagEnds, false, raw("x", op(2), info(0xFFFF)), "end id 32767 pushes x"},
		{"23 without the flag ends", ussd.LongID, false, raw("x", op(23), info(10)), "end id 5 pushes x"},
		{"a wide reference", ussd.Reference, false, raw("x", op(2), smpp.Uint16TLV(smpp.TagUserMessageReference, 0xFFFF)), "ask id 65535 x"},
		{"no dialect but its own", ussd.NoID, false, raw("x", op(2), info(0x0501)), "ask id 0 x"},
		{"text of a payload", ussd.Spec, false, raw("", op(2), smpp.TLV{Tag: smpp.TagMessagePayload, Value: []byte("x")}), "ask id 0 x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := tt.dialect.Decode(tt.up, tt.sm)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s id %d ", m.Kind, m.ID)
			if m.Pushes {
				got += "pushes "
			}
			if got += m.Text; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// What is refused, and with which status (SMPP 3.4 §5.1.3).
func TestDecodeRefuses(t *testing.T) {
	coded := func(coding uint8, text string) *smpp.SubmitSM {
		sm := raw(text, op(2))
		sm.DataCoding = coding
		return sm
	}
	headed := raw("x", op(2))
	headed.ESMClass = smpp.ESMUDHI
	for _, tt := range []struct {
		name    string
		dialect ussd.Dialect
		up      bool
		sm      *smpp.SubmitSM
		want    smpp.Status
	}{
		{"no op", ussd.Spec, false, raw("x"), smpp.RMISSINGOPTPARAM},
		{"an op of the other way", ussd.Spec, false, raw("x", op(18)), smpp.RINVOPTPARAMVAL},
		{"an ask from below", ussd.Spec, true, raw("x", op(2)), smpp.RINVOPTPARAMVAL},
		{"a reserved op", ussd.Spec, false, raw("x", op(4)), smpp.RINVOPTPARAMVAL},
		{"17 in a dialect that has 23", ussd.LongID, false, raw("x", op(17)), smpp.RINVOPTPARAMVAL},
		{"another op than 2", ussd.FlagEnds, false, raw("x", op(3)), smpp.RINVOPTPARAMVAL},
		{"a long op", ussd.Spec, false, raw("x", smpp.TLV{Tag: smpp.TagUSSDServiceOp, Value: []byte{0, 2}}), smpp.RINVPARLEN},
		{"a short session info", ussd.Spec, false, raw("x", op(2), smpp.TLV{Tag: smpp.TagITSSessionInfo, Value: []byte{1}}), smpp.RINVPARLEN},
		{"a header", ussd.Spec, false, headed, smpp.RINVESMCLASS},
		{"8-bit data", ussd.Spec, false, coded(smpp.CodingBinary, "x"), smpp.RSUBMITFAIL},
		{"half a UCS2 character", ussd.Spec, false, coded(smpp.CodingUCS2, "x"), smpp.RSUBMITFAIL},
		{"no septet", ussd.Spec, false, raw("\x80", op(2)), smpp.RSUBMITFAIL},
		{"183 septets", ussd.Spec, false, raw(strings.Repeat("x", 183), op(2)), smpp.RINVMSGLEN},
		{"81 UCS2 characters", ussd.Spec, false, coded(smpp.CodingUCS2, strings.Repeat("\x04\x16", 81)), smpp.RINVMSGLEN},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.dialect.Decode(tt.up, tt.sm)
			e, ok := errors.AsType[*smpp.StatusError](err)
			if !ok || e.Status != tt.want {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// 182 characters of GSM 7 bit, 80 of UCS2 (TS 23.038 §5): one more is refused, not cut.
func TestTextBounds(t *testing.T) {
	for _, tt := range []struct {
		name string
		unit string
		most int
	}{
		{"GSM 7 bit", "é", 182},
		{"extension table", "€", 91},
		{"UCS2", "Ж", 80},
		{"surrogates", "😀", 40},
	} {
		if err := ussd.CheckText(strings.Repeat(tt.unit, tt.most)); err != nil {
			t.Errorf("%s: %d: %v", tt.name, tt.most, err)
		}
		err := ussd.CheckText(strings.Repeat(tt.unit, tt.most+1))
		if e, ok := errors.AsType[*smpp.StatusError](err); !ok || e.Status != smpp.RINVMSGLEN {
			t.Errorf("%s: %d: %v, want ESME_RINVMSGLEN", tt.name, tt.most+1, err)
		}
	}
}

// Texts come as ESMEs code them: SMPP 3.4 §5.2.19, or TS 23.038 §5 as USSD has it.
func TestCodings(t *testing.T) {
	for _, tt := range []struct {
		coding uint8
		octets string
		want   string
	}{
		{0x00, "\x00\x1b\x65", "@€"},
		{0x0F, "\x00\x1b\x65", "@€"},
		{0x01, "@", "@"},
		{0x03, "\xe9", "é"},
		{0x08, "\x04\x16", "Ж"},
		{0x48, "\x04\x16", "Ж"},
	} {
		sm := raw(tt.octets, op(2))
		sm.DataCoding = tt.coding
		m, err := ussd.Spec.Decode(false, sm)
		if err != nil || m.Text != tt.want {
			t.Errorf("%02x: %q, %v, want %q", tt.coding, m.Text, err, tt.want)
		}
	}
}

func TestDialectNames(t *testing.T) {
	for _, d := range ussd.Dialects() {
		var back ussd.Dialect
		if err := back.UnmarshalText([]byte(d.String())); err != nil || back != d {
			t.Errorf("%s came back as %s, %v", d, back, err)
		}
	}
	if err := new(ussd.Dialect).UnmarshalText([]byte("a")); err == nil || !strings.Contains(err.Error(), "flag-ends") {
		t.Errorf("%v does not say what there is", err)
	}
}

// FuzzDecode: nothing panics, and what is decoded survives being written and read again.
func FuzzDecode(f *testing.F) {
	f.Add(uint8(0), true, []byte("*120#"), uint8(0), []byte{0x05, 0x01, 0, 1, 1})
	f.Add(uint8(0), false, []byte("1 pay\n2 refuse"), uint8(15), []byte{0x05, 0x01, 0, 1, 2, 0x13, 0x83, 0, 2, 5, 0})
	f.Add(uint8(1), false, []byte("bye"), uint8(0), []byte{0x05, 0x01, 0, 1, 2, 0x13, 0x83, 0, 2, 0xFF, 0xFF})
	f.Add(uint8(2), true, []byte{0x04, 0x16}, uint8(8), []byte{0x05, 0x01, 0, 1, 18, 0x13, 0x83, 0, 2, 0, 10})
	f.Add(uint8(3), true, []byte{}, uint8(0), []byte{0x05, 0x01, 0, 1, 0x81, 0x02, 0x04, 0, 2, 0, 5, 0, 0x1D, 0, 2, 'x', 0})
	f.Add(uint8(4), false, []byte("\x1b\x65"), uint8(0xF1), []byte{0x05, 0x01, 0, 1, 3})
	f.Fuzz(func(t *testing.T, dialect uint8, up bool, text []byte, coding uint8, optional []byte) {
		all := ussd.Dialects()
		d := all[int(dialect)%len(all)]
		sm := raw("", rawTLVs(optional)...)
		sm.ShortMessage, sm.DataCoding = text, coding
		m, err := d.Decode(up, sm)
		if err != nil {
			if _, ok := errors.AsType[*smpp.StatusError](err); !ok {
				t.Fatalf("%v has no status", err)
			}
			return
		}
		if m.Kind.Up() != up {
			t.Fatalf("%s goes the wrong way", m.Kind)
		}
		written, err := d.Encode(m)
		if err != nil {
			t.Fatalf("decoded %+v but not encoded: %v", m, err)
		}
		if len(written.ShortMessage) > 182 {
			t.Fatalf("%d octets", len(written.ShortMessage))
		}
		again, err := d.Decode(up, written)
		again.Pushes = m.Pushes // a last word is written in the one way of several that is common
		if err != nil || again != m {
			t.Fatalf("%+v\ncame back as\n%+v, %v", m, again, err)
		}
	})
}

// rawTLVs cuts octets into parameters, of whatever length each says it has.
func rawTLVs(b []byte) (ts smpp.TLVs) {
	for len(b) >= 4 {
		tag, l := smpp.Tag(b[0])<<8|smpp.Tag(b[1]), min(int(b[3]), len(b)-4)
		ts = append(ts, smpp.TLV{Tag: tag, Value: b[4 : 4+l]})
		b = b[4+l:]
	}
	return ts
}
