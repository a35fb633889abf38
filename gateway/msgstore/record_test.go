package msgstore_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/smpp"
)

var accepted = time.UnixMilli(1_764_288_032_000).UTC()

func submit(text string) *smpp.SubmitSM {
	return &smpp.SubmitSM{
		Source:       smpp.Address{TON: smpp.TONAbbreviated, Digits: "10658"},
		Destination:  smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Digits: "8613800000001"},
		ShortMessage: []byte(text),
	}
}

// The text of a record is kept for good: what is written here must be read for ever.
func TestRecordText(t *testing.T) {
	const frame = "\x00\x00\x00\x35\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x06\x0010658\x00\x01\x018613800000001\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02hi"
	for _, tt := range []struct {
		name, text string
		record     msgstore.Record
	}{
		{
			"accepted", "1 message ENROUTE 5f0c1d2e00000001 platform n=17 at=1764288032000 until=1764374432000\n" + frame,
			msgstore.Record{
				Key: "k", ID: "5f0c1d2e00000001", Account: "platform", Order: 17, State: gateway.Enroute,
				Accepted: accepted, Expires: accepted.Add(24 * time.Hour), PDU: submit("hi"),
			},
		},
		{
			"tried", "1 message ENROUTE 1 platform n=1 at=1764288032000 notbefore=1764288033000 next=1764288034500 tries=2 old=1" +
				" try=1764288033000/0x00000064/absent try=1764288033500/0x00000014/\"\"\n" + frame,
			msgstore.Record{
				Key: "k", ID: "1", Account: "platform", Order: 1, State: gateway.Enroute, OldPeer: true, Accepted: accepted,
				NotBefore: accepted.Add(time.Second), Next: accepted.Add(2500 * time.Millisecond), Tries: 2,
				Attempts: []msgstore.Attempt{
					{At: accepted.Add(time.Second), Status: smpp.RXTAPPN, Cause: "absent"},
					{At: accepted.Add(1500 * time.Millisecond), Status: smpp.RMSGQFUL},
				},
				PDU: submit("hi"),
			},
		},
		{
			"receipt", "1 receipt ACCEPTD \"\" \"a \\\"b\\\"\\n\\xff\" done=1764288032000\n" + frame,
			msgstore.Record{
				Key: "k", Kind: msgstore.Receipt, Account: "a \"b\"\n\xff", State: gateway.Accepted, Done: accepted, PDU: submit("hi"),
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := tt.record.Append([]byte("before"))
			if err != nil || string(text) != "before"+tt.text {
				t.Errorf("the text is %v\n%q, want\n%q", err, text, tt.text)
			}
			got, err := msgstore.Decode("k", tt.text)
			if err != nil || !reflect.DeepEqual(got, tt.record) {
				t.Errorf("read is %v\n%+v, want\n%+v", err, got, tt.record)
			}
		})
	}
}

func TestRecordTextRefused(t *testing.T) {
	for _, tt := range []struct{ text, why string }{
		{"", "no line"},
		{"1 message ENROUTE 1 platform", "no line"},
		{"1 message ENROUTE 1\n", "words"},
		{"2 message ENROUTE 1 platform\n", `version "2"`},
		{"1 parcel ENROUTE 1 platform\n", "words"},
		{"1 message NOWHERE 1 platform\n", "message state"},
		{"1 message ENROUTE 1 \"platform\n", "invalid syntax"},
		{"1 message ENROUTE 1 \"a\"b\n", "words"},
		{"1 message ENROUTE 1 platform n=-1\n", "n: "},
		{"1 message ENROUTE 1 platform at=x\n", "at: "},
		{"1 message ENROUTE 1 platform size=1\n", `"size" is no field`},
		{"1 message ENROUTE 1 platform now\n", "name=value"},
		{"1 message ENROUTE 1 platform try=1\n", "try: "},
		{"1 message ENROUTE 1 platform\n\x00\x00\x00\x10", "PDU"},
	} {
		_, err := msgstore.Decode("k", tt.text)
		if !errors.Is(err, msgstore.ErrText) || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.why)
		}
	}
}

// A PDU that cannot be encoded is refused whole.
func TestAppendRefuses(t *testing.T) {
	r := msgstore.Record{State: gateway.Enroute, PDU: submit(strings.Repeat("x", 255))}
	text, err := r.Append([]byte("before"))
	if se, ok := errors.AsType[*smpp.StatusError](err); !ok || se.Status != smpp.RINVMSGLEN || string(text) != "before" {
		t.Errorf("%q, %v", text, err)
	}
	var b msgstore.Batch
	if b.Put(&r) == nil || b.Finish(&r) == nil || b.Len() != 0 || b.Size() != 0 {
		t.Errorf("the batch has %d changes of %d octets", b.Len(), b.Size())
	}
}

// What is appended is read again as it was.
func TestRecordRoundTrip(t *testing.T) {
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		ms := rapid.Int64Range(-1, 4_000_000_000_000).Draw(t, "ms")
		if ms <= 0 {
			return time.Time{}
		}
		return time.UnixMilli(ms).UTC()
	})
	attempt := rapid.Custom(func(t *rapid.T) msgstore.Attempt {
		return msgstore.Attempt{
			At: moment.Draw(t, "at"), Status: smpp.Status(rapid.Uint32().Draw(t, "status")), Cause: rapid.String().Draw(t, "cause"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		r := msgstore.Record{
			Key: "k", Kind: rapid.SampledFrom([]msgstore.Kind{msgstore.Message, msgstore.Receipt}).Draw(t, "kind"),
			ID: gateway.MessageID(rapid.String().Draw(t, "id")), Account: string(rapid.SliceOf(rapid.Byte()).Draw(t, "account")),
			OldPeer: rapid.Bool().Draw(t, "old"), Order: rapid.Uint64().Draw(t, "order"),
			State:    gateway.MessageState(rapid.Uint8Range(uint8(gateway.Enroute), uint8(gateway.Rejected)).Draw(t, "state")),
			Accepted: moment.Draw(t, "accepted"), NotBefore: moment.Draw(t, "not before"), Expires: moment.Draw(t, "expires"),
			Done: moment.Draw(t, "done"), Next: moment.Draw(t, "next"), Tries: rapid.IntRange(0, 1<<40).Draw(t, "tries"),
			Attempts: rapid.SliceOf(attempt).Draw(t, "attempts"), PDU: submit(rapid.StringN(1, 40, 254).Draw(t, "text")),
		}
		if len(r.Attempts) == 0 {
			r.Attempts = nil
		}
		text, err := r.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := msgstore.Decode("k", string(text)); err != nil || !reflect.DeepEqual(got, r) {
			t.Fatalf("%q\n is %+v, %v\nwant %+v", text, got, err, r)
		}
	})
}

// FuzzDecode: a text is refused, or its record written and read again is the same.
func FuzzDecode(f *testing.F) {
	for _, r := range []msgstore.Record{
		{ID: "1", Account: "platform", State: gateway.Enroute, Order: 1, Accepted: accepted, PDU: submit("hi")},
		{ID: "2", Kind: msgstore.Receipt, Account: "two words", State: gateway.Delivered, PDU: (*smpp.DeliverSM)(submit("id:2"))},
		{State: gateway.Rejected, OldPeer: true, Tries: 1, Attempts: []msgstore.Attempt{{At: accepted, Status: 8, Cause: "busy"}}, PDU: submit("")},
	} {
		text, err := r.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := msgstore.Decode("k", text)
		if err != nil {
			return
		}
		again, err := r.Append(nil)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", r, err)
		}
		if back, err := msgstore.Decode("k", string(again)); err != nil || !reflect.DeepEqual(back, r) {
			t.Fatalf("%q\n is %+v, %v\nwant %+v", again, back, err, r)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	r := msgstore.Record{
		Key: "k", ID: "5f0c1d2e00000001", Account: "platform", Order: 17, State: gateway.Enroute,
		Accepted: accepted, Expires: accepted.Add(24 * time.Hour), PDU: submit("A short message of some forty octets, more or less"),
	}
	var text []byte
	b.ReportAllocs()
	for b.Loop() {
		text, _ = r.Append(text[:0])
	}
	b.SetBytes(int64(len(text)))
}
