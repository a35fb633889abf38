package management

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
)

// What is sent arrives as what it was.
func TestSend(t *testing.T) {
	long := strings.Repeat("0123456789", 17)
	tests := []struct {
		name  string
		in    NewMessage
		parts int
		sm    smpp.DeliverSM // of the first: what is to be
	}{
		{"a text in GSM 7 bit", NewMessage{Account: "app", Text: "hello@"}, 1,
			smpp.DeliverSM{ShortMessage: []byte("hello\x00")}},
		{"one in UCS2", NewMessage{Account: "app", Text: "你好"}, 1,
			smpp.DeliverSM{DataCoding: 8, ShortMessage: []byte{0x4F, 0x60, 0x59, 0x7D}}},
		{"an account whose default is Latin-1", NewMessage{Account: "latin", Text: "h@"}, 1,
			smpp.DeliverSM{DataCoding: 3, ShortMessage: []byte("h@")}},
		{"a coding of one's own", NewMessage{Account: "app", Text: "flash", Coding: new(uint8(0xF0))}, 1,
			smpp.DeliverSM{DataCoding: 0xF0, ShortMessage: []byte("flash")}},
		{"data", NewMessage{Account: "app", Data: "00ff"}, 1,
			smpp.DeliverSM{DataCoding: 4, ShortMessage: []byte{0, 0xFF}}},
		{"data with a header", NewMessage{Account: "app", Data: "0605040b8423f001", Header: true}, 1,
			smpp.DeliverSM{DataCoding: 4, ESMClass: smpp.ESMUDHI, ShortMessage: []byte{6, 5, 4, 0x0B, 0x84, 0x23, 0xF0, 1}}},
		{"a long text in parts", NewMessage{Account: "app", Text: long}, 2,
			smpp.DeliverSM{ESMClass: smpp.ESMUDHI, ShortMessage: append([]byte{5, 0, 3, 1, 2, 1}, long[:153]...)}},
		{"a long text as it is", NewMessage{Account: "app", Text: long, Manner: "payload"}, 1,
			smpp.DeliverSM{TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte(long)}}}},
		{"from a handset", NewMessage{Source: other, Text: "MO"}, 1, smpp.DeliverSM{ShortMessage: []byte("MO")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				tt.in.Destination = phone
				sent, err := r.client.Send(r.t.Context(), tt.in)
				r.ok(err)
				got := r.arrived(0)
				if len(sent.Messages) != tt.parts || len(got) != tt.parts {
					t.Fatalf("%d sent, %d arrived, want %d", len(sent.Messages), len(got), tt.parts)
				}
				first := got[0]
				if string(first.UserData()) != string((&tt.sm).UserData()) || first.DataCoding != tt.sm.DataCoding || first.ESMClass != tt.sm.ESMClass {
					t.Errorf("%+v\nwant %+v", first, tt.sm)
				}
				page, err := r.client.Message(r.t.Context(), sent.Messages[0].ID, 0)
				r.ok(err)
				if m := page.Messages[0]; m.State != "DELIVERED" || len(m.Attempts) != 1 || m.Attempts[0].Status != "ESME_ROK" || m.Part != nil != (tt.parts > 1) {
					t.Errorf("%+v", m)
				}
			})
		})
	}
}

// What cannot be sent is refused with the field that is to blame, before anything is.
func TestSendRefused(t *testing.T) {
	tests := []struct{ body, code, field string }{
		{`{"destination":"254700000001","text":"x","source":"999"}`, "invalid", "account"},
		{`{"account":"nobody","destination":"254700000001","text":"x"}`, "invalid", "account"},
		{`{"account":"app","text":"x"}`, "invalid", "destination"},
		{`{"account":"app","destination":"254700000001254700000001","text":"x"}`, "invalid", "destination"},
		{`{"account":"app","destination":"254700000001","text":"x","data":"00"}`, "invalid", "data"},
		{`{"account":"app","destination":"254700000001","data":"zz"}`, "invalid", "data"},
		{`{"account":"app","destination":"254700000001","data":"0500","header":true}`, "invalid", "data"},
		{`{"account":"app","destination":"254700000001","text":"x","header":true}`, "invalid", "header"},
		{`{"account":"app","destination":"254700000001","text":"x","mode":"fast"}`, "invalid", "mode"},
		{`{"account":"app","destination":"254700000001","text":"x","manner":"torn"}`, "invalid", "manner"},
		{`{"account":"app","destination":"254700000001","text":"x","validity":"soon"}`, "invalid", "validity"},
		{`{"account":"app","destination":"254700000001","text":"x","schedule":"1ms"}`, "invalid", "schedule"},
		{`{"account":"app","destination":"254700000001","text":"x","coding":4}`, "invalid", "coding"},
		{`{"account":"app","destination":"254700000001","text":"你","coding":3}`, "invalid", "text"},
		{`{"account":"app","destination":"254700000001","text":"x","coding":300}`, "invalid", "coding"},
		{`{"account":"app","destination":"254700000001","text":"x","colour":"red"}`, "invalid", "colour"},
		{`{"account":"app","destination":"999","text":"x"}`, "refused", ""},
		{`{"account":"app","destination":"254700000001","text":"x","service_type":"TOOLONG"}`, "refused", "service_type"},
		{`{"account":"app","destination":"254700000001","text":"x"} x`, "bad-request", ""},
		{`["app"]`, "invalid", ""},
		{``, "bad-request", ""},
	}
	inBubble(t, func(r *rig) {
		for _, tt := range tests {
			if p := r.refused("POST", "/v1/messages", tt.body); p.Code() != tt.code || p.Field != tt.field || p.Detail == "" {
				t.Errorf("%s: %+v", tt.body, p)
			}
		}
		if got := r.arrived(0); len(got) != 0 {
			t.Errorf("%d messages went", len(got))
		}
	})
}

// A message to a phone that is off waits, shows why, and arrives when the phone is on;
// who waits for it hears at once.
func TestDeferredMessage(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		_, err := r.client.ChangeSubscriber(ctx, phone, Changes{"off": true})
		r.ok(err)
		sent, err := r.client.Send(ctx, NewMessage{Account: "app", Destination: phone, Text: "later"})
		r.ok(err)
		id := sent.Messages[0].ID
		time.Sleep(10 * time.Second)
		page, err := r.client.Message(ctx, id, 0)
		r.ok(err)
		m := page.Messages[0]
		if m.State != "ENROUTE" || m.Tries < 3 || m.Attempts[0].Cause != "absent" || m.Attempts[0].Next.IsZero() {
			t.Fatalf("%+v", m)
		}
		began := time.Now()
		done := make(chan Messages)
		go func() {
			page, _ := r.client.Message(ctx, id, 30*time.Second)
			done <- page
		}()
		time.Sleep(time.Second)
		_, err = r.client.ChangeSubscriber(ctx, phone, Changes{"off": false})
		r.ok(err)
		page = <-done
		if m := page.Messages[0]; m.State != "DELIVERED" || time.Since(began) > 2*time.Second {
			t.Errorf("after %s: %+v", time.Since(began), m)
		}
	})
}

// A wait ends with its time, with what there is.
func TestWaitIsBounded(t *testing.T) {
	inBubble(t, func(r *rig) {
		began := time.Now()
		page, err := r.client.Messages(r.t.Context(), MessageFilter{Text: "never", Wait: 5 * time.Second})
		r.ok(err)
		if len(page.Messages) != 0 || time.Since(began) != 5*time.Second {
			t.Errorf("%+v after %s", page, time.Since(began))
		}
		if p := r.refused("GET", "/v1/messages?wait=2m", ""); p.Field != "wait" {
			t.Errorf("%+v", p)
		}
	})
}

// Lists are filtered, and cut in pages.
func TestListMessages(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		for _, m := range []NewMessage{
			{Account: "app", Destination: phone, Text: "one"},
			{Account: "app", Destination: other, Text: "two"},
			{Source: phone, Destination: code, Text: "three"},
		} {
			_, err := r.client.Send(ctx, m)
			r.ok(err)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		for _, tt := range []struct {
			filter MessageFilter
			want   string
		}{
			{MessageFilter{}, "three two one"},
			{MessageFilter{State: "delivered"}, "two one"},
			{MessageFilter{State: "ENROUTE"}, "three"},
			{MessageFilter{Destination: phone}, "one"},
			{MessageFilter{Destination: "2547"}, "two one"},
			{MessageFilter{Source: phone}, "three"},
			{MessageFilter{Account: "phones"}, "three two one"},
			{MessageFilter{Text: "t"}, "three two"},
			{MessageFilter{Since: time.Now().Add(-1500 * time.Millisecond)}, "three"},
			{MessageFilter{Limit: 2}, "three two"},
		} {
			page, err := r.client.Messages(ctx, tt.filter)
			r.ok(err)
			if got := texts(page); got != tt.want {
				t.Errorf("%+v: %s, want %s", tt.filter, got, tt.want)
			}
			if tt.filter.Limit == 2 {
				next, err := r.client.Messages(ctx, MessageFilter{Before: page.Next})
				r.ok(err)
				if got := texts(next); got != "one" || next.Next != 0 {
					t.Errorf("the next page is %s", got)
				}
			}
		}
	})
}

func texts(page Messages) string {
	var all []string
	for _, m := range page.Messages {
		all = append(all, m.Text)
	}
	return strings.Join(all, " ")
}

// What waits can be taken back, once.
func TestCancel(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		sent, err := r.client.Send(ctx, NewMessage{Account: "app", Destination: phone, Text: "tomorrow", Schedule: "12h"})
		r.ok(err)
		id := sent.Messages[0].ID
		page, err := r.client.Cancel(ctx, id)
		r.ok(err)
		if m := page.Messages[0]; m.State != "DELETED" || m.Scheduled.IsZero() || m.Ended.IsZero() {
			t.Errorf("%+v", m)
		}
		if p := r.refused("DELETE", "/v1/messages/"+id, ""); p.Code() != "illegal-state" {
			t.Errorf("%+v", p)
		}
		if p := r.refused("DELETE", "/v1/messages/none", ""); p.Code() != "not-found" || p.Field != "id" {
			t.Errorf("%+v", p)
		}
	})
}

// A transaction is answered with what became of it, a datagram is not remembered.
func TestModes(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		sent, err := r.client.Send(ctx, NewMessage{Account: "app", Destination: phone, Text: "x", Mode: "datagram"})
		r.ok(err)
		if got := r.arrived(0); len(got) != 1 || sent.Messages[0].ID == "" || sent.Messages[0].State != "" {
			t.Errorf("%+v, %d arrived", sent, len(got))
		}
		_, err = r.client.ChangeSubscriber(ctx, phone, Changes{"coverage": "out"})
		r.ok(err)
		p := r.refused("POST", "/v1/messages", `{"account":"app","destination":"254700000001","text":"x","mode":"transaction"}`)
		if p.Code() != "refused" || p.CommandStatus != "ESME_RDELIVERYFAILURE" {
			t.Errorf("%+v", p)
		}
	})
}

// Binary messages are shown as data, not text.
func TestBinaryHasNoText(t *testing.T) {
	inBubble(t, func(r *rig) {
		sent, err := r.client.Send(r.t.Context(), NewMessage{Account: "app", Destination: phone, Data: "0102"})
		r.ok(err)
		page, err := r.client.Message(r.t.Context(), sent.Messages[0].ID, 0)
		r.ok(err)
		if m := page.Messages[0]; m.Text != "" || m.Data != "0102" || tpdu.AlphabetOf(m.Coding) != tpdu.Octets {
			t.Errorf("%+v", m)
		}
	})
}
