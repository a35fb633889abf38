package smsc_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/tpdu"
)

// wire.md 5: binary messages to the cards of subscribers (TS 23.040 §9.2.3.9, TS 23.038
// §4, TS 31.115 §4) come from a secured account, or from nobody.
func TestForCardsOnlyFromSecured(t *testing.T) {
	header := func(ud string) func(*smpp.SubmitSM) {
		return func(sm *smpp.SubmitSM) { sm.ESMClass, sm.ShortMessage = smpp.ESMUDHI, []byte(ud) }
	}
	payload := func(sm *smpp.SubmitSM) {
		sm.ESMClass, sm.ShortMessage = smpp.ESMUDHI, nil
		sm.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("\x02\x70\x00packet")}}
	}
	for name, tc := range map[string]struct {
		change func(*smpp.SubmitSM)
		card   bool
	}{
		"a text":                     {func(*smpp.SubmitSM) {}, false},
		"SIM data download":          {func(sm *smpp.SubmitSM) { sm.ProtocolID = 0x7F }, true},
		"class 2, 8 bit":             {func(sm *smpp.SubmitSM) { sm.DataCoding = 0xF6 }, true},
		"class 2, 8 bit, reserved":   {func(sm *smpp.SubmitSM) { sm.DataCoding = 0xFE }, true},
		"class 2, 8 bit, general":    {func(sm *smpp.SubmitSM) { sm.DataCoding = 0x16 }, true},
		"class 2, 8 bit, compressed": {func(sm *smpp.SubmitSM) { sm.DataCoding = 0x36 }, true},
		"class 2, text":              {func(sm *smpp.SubmitSM) { sm.DataCoding = 0xF2 }, false},
		"class 1, 8 bit":             {func(sm *smpp.SubmitSM) { sm.DataCoding = 0xF5 }, false},
		"8 bit":                      {func(sm *smpp.SubmitSM) { sm.DataCoding = 0x04 }, false},
		"command packet":             {header("\x02\x70\x00packet"), true},
		"response packet":            {header("\x02\x71\x00packet"), true},
		"after ports":                {header("\x08\x05\x04\x0b\x84\x00\x00\x70\x00packet"), true},
		"in message_payload":         {payload, true},
		"concatenation":              {header("\x05\x00\x03\x01\x02\x01text"), false},
		"70 in another's data":       {header("\x05\x00\x03\x70\x70\x70text"), false},
		"70 past the header":         {header("\x01\x05\x70\x00"), false},
	} {
		for _, open := range []bool{false, true} {
			c := config()
			c.OpenCards = open
			inBubble(t, c, func(t *testing.T, w *world) {
				shop, platform := w.bind("shop", esme.Transceiver), w.bind("platform", esme.Transceiver)
				make := func(to string) *smpp.SubmitSM {
					sm := text("10690", to, "x")
					tc.change(sm)
					return sm
				}
				_, err := shop.Submit(context.Background(), make(phone))
				if refused := errors.Is(err, smpp.RSUBMITFAIL.Err()); refused != (tc.card && !open) {
					t.Errorf("%s, filter off %v: %v", name, open, err)
				}
				platform.send(t, make(phone))
				shop.send(t, make(code)) // an application is no card
			})
		}
	}
}

// sm_default_msg_id, §5.2.20: a canned text, in the alphabet that can hold it.
func TestCannedTexts(t *testing.T) {
	c := config()
	c.Canned = map[uint8]string{1: "Hello @ home", 254: "你好"}
	inBubble(t, c, func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Receiver)
		for _, id := range []uint8{1, 254} {
			sm := text(code, phone, "")
			sm.SMDefaultMsgID = id
			platform.send(t, sm)
		}
		sm := text(code, phone, "")
		sm.SMDefaultMsgID = 2
		if _, err := platform.Submit(context.Background(), sm); !errors.Is(err, smpp.RINVDFTMSGID.Err()) {
			t.Errorf("unknown: %v", err)
		}
		synctest.Wait()
		got := phones.received()
		if len(got) != 2 || string(got[0].ShortMessage) != "Hello \x00 home" || got[0].DataCoding != 0 ||
			string(got[1].ShortMessage) != "\x4f\x60\x59\x7d" || got[1].DataCoding != 8 || got[0].SMDefaultMsgID != 0 {
			t.Errorf("%+v", got)
		}
	})
	for id, text := range map[uint8]string{0: "x", 255: "x", 1: strings.Repeat("x", 255)} {
		c := config()
		c.Canned = map[uint8]string{id: text}
		if _, err := smsc.New(c); err == nil {
			t.Errorf("canned text %d of %d octets was taken", id, len(text))
		}
	}
}

// data_coding 0 is the account's own alphabet, §5.2.19: on the way to another account it
// is said in a way that means the same there, and so are the receipt's words.
func TestAlphabets(t *testing.T) {
	for _, tc := range []struct {
		name         string
		from, to     tpdu.Alphabet
		text         string
		coding, want uint8
		arrives      string
		excerpt      string
	}{
		{"the same", tpdu.GSM7, tpdu.GSM7, "a\x00b", 0, 0, "a\x00b", "a\x00b"},
		{"Latin-1 to GSM", tpdu.Latin1, tpdu.GSM7, "a@\xe9", 0, 3, "a@\xe9", "a@\xe9"},
		{"GSM to Latin-1", tpdu.GSM7, tpdu.Latin1, "a\x00\x05", 0, 3, "a@\xe9", "a\x00\x05"},
		{"GSM that Latin-1 has not", tpdu.GSM7, tpdu.Latin1, "\x1b\x65", 0, 8, "\x20\xac", ""},
		{"said to be Latin-1", tpdu.GSM7, tpdu.GSM7, "a@\xe9", 3, 3, "a@\xe9", "a\x00\x05"},
		{"no escape is split", tpdu.GSM7, tpdu.GSM7, strings.Repeat("x", 19) + "\x1b\x65", 0, 0, strings.Repeat("x", 19) + "\x1b\x65", strings.Repeat("x", 19)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := config()
			c.Accounts[0].Alphabet, c.Accounts[2].Alphabet = tc.from, tc.to
			inBubble(t, c, func(t *testing.T, w *world) {
				platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Receiver)
				sm := text(code, phone, tc.text)
				sm.DataCoding, sm.RegisteredDelivery = tc.coding, smpp.ReceiptFinal
				platform.send(t, sm)
				synctest.Wait()
				got := phones.received()[0]
				if string(got.ShortMessage) != tc.arrives || got.DataCoding != tc.want {
					t.Errorf("arrived as %q, data_coding %d", got.ShortMessage, got.DataCoding)
				}
				if _, words, _ := strings.Cut(platform.texts()[0], "text:"); words != tc.excerpt {
					t.Errorf("the receipt says %q, want %q", words, tc.excerpt)
				}
			})
		})
	}
	c := config()
	c.Accounts[0].Alphabet = tpdu.UCS2
	if _, err := smsc.New(c); err == nil {
		t.Error("UCS2 was taken for the alphabet of data_coding 0")
	}
}
