package billing

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
)

// What is written for every bill encodes itself (engine.Appender), as package json would
// by its tags and in a fraction of the time. Members that are rarely there are left to
// package json. The tests hold one against the other.

var (
	_ engine.Appender = (*record)(nil)
	_ engine.Appender = sealedClaim{}
	_ engine.Appender = sealedOpen{}
	_ engine.Appender = sealedMessage{}
	_ engine.Appender = story{}
	_ engine.Appender = counters{}
	_ engine.Appender = taken{}
	_ engine.Appender = pool{}
	_ engine.Appender = takings{}
	_ engine.Appender = ApplySweep{}
	_ engine.Appender = Callback{}
)

// rooms are where values are encoded before they are copied out.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// encode is for values of our own types, whose encoding cannot fail.
func encode(v any) (text string) {
	encoding(v, func(made []byte) { text = string(made) })
	return text
}

// body is an effect's.
func body(v any) (text json.RawMessage) {
	encoding(v, func(made []byte) { text = bytes.Clone(made) })
	return text
}

// encoding has use see the encoding of v, which is good until it returns.
func encoding(v any, use func(made []byte)) {
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room)
	*room = appendEncoding((*room)[:0], v)
	use(*room)
}

func appendEncoding(dst []byte, v any) []byte {
	if a, ok := v.(engine.Appender); ok {
		text, err := a.AppendJSON(dst)
		return encoded(text, v, err)
	}
	text, err := json.Marshal(v)
	return append(dst, encoded(text, v, err)...)
}

func encoded(text []byte, v any, err error) []byte {
	if err != nil {
		panic(fmt.Sprintf("billing: encode %T: %v", v, err))
	}
	return text
}

// members appends what is kept of a bill.
func (b *sealedBill) members(o engine.Object) engine.Object {
	o = o.Text("id", string(b.ID)).Text("merchant", string(b.Merchant)).Text("reference", b.Reference).
		Text("state", string(b.State)).Some("reason", string(b.Reason)).
		Int("amount", int64(b.Amount)).Text("currency", string(b.Currency)).Text("payee", b.Payee).
		Some("callback_url", b.CallbackURL).Int("attempts", int64(b.Attempts)).Some("card", b.Card).
		Time("created_at", b.Created).Time("expires_at", b.Expires).Time("updated_at", b.Updated).
		SomeTime("paid_at", b.Paid).SomeTime("ended_at", b.Ended).SomeTime("acknowledged_at", b.Acknowledged)
	return o.Text("payer", b.Masked).Text("phone", b.SealedPhone).Some("buyer_phone", b.SealedBuyer).
		Some("subject", b.SealedSubject).Some("goods", b.SealedGoods).Some("card_account", b.Account)
}

// AppendJSON encodes a live bill.
func (r *record) AppendJSON(dst []byte) ([]byte, error) {
	o := r.members(engine.NewObject(dst)).Text("merchant_name", r.MerchantName)
	o = r.sent(o).SomeTime("next_push", r.NextPush).SomeTime("next_reminder", r.NextReminder)
	o = o.SomeUint("transaction", uint64(r.Transaction))
	if r.Answer != (answer{}) {
		o = r.Answer.member(o)
	}
	o = o.SomeUint("packet", r.Packet).SomeUint("known", r.Known).SomeUint("sweep", r.Sweep).
		SomeInt("reports", int64(r.Reports)).SomeTrue("reporting", r.Reporting).SomeTime("next_report", r.NextReport)
	if r.Trouble != nil {
		o = appendEncoding(o.Name("callback_trouble"), r.Trouble)
	}
	return o.Text("first_entry", r.First).Text("last_entry", r.Last).End(), nil
}

// sent appends what became of pushes.
func (r *record) sent(o engine.Object) engine.Object {
	o = o.Int("pushes", int64(r.Pushes)).SomeInt("answered", int64(r.Answered))
	if len(r.Messages) > 0 {
		o = engine.Array(o, "messages", r.Messages, func(dst []byte, id gateway.MessageID) []byte {
			return engine.AppendString(dst, string(id))
		})
	}
	if len(r.Early) > 0 {
		o = appendEncoding(o.Name("early"), r.Early)
	}
	return o.SomeTrue("texted", r.Texted)
}

func (a answer) member(o engine.Object) engine.Object {
	in := engine.NewObject(o.Name("answer"))
	return in.Some("code", string(a.Code)).SomeInt("tries_left", int64(a.TriesLeft)).End()
}

// AppendJSON encodes a claim.
func (c sealedClaim) AppendJSON(dst []byte) ([]byte, error) {
	o := c.Open.value(engine.NewObject(dst).Name("open"))
	return o.Text("fingerprint", c.Fingerprint).Time("at", c.At).End(), nil
}

// AppendJSON encodes an order that is to become a bill.
func (s sealedOpen) AppendJSON(dst []byte) ([]byte, error) { return s.value(dst), nil }

func (s *sealedOpen) value(dst []byte) engine.Object {
	o := engine.NewObject(dst).Text("id", string(s.ID)).Text("merchant", string(s.Merchant)).Text("merchant_name", s.MerchantName).
		Time("made", s.Made).SomeTime("looked", s.Looked)
	return s.Order.value(o.Name("order")).End()
}

func (s *sealedOrder) value(dst []byte) engine.Object {
	o := engine.NewObject(dst).Text("Reference", s.Reference).Text("IdempotencyKey", s.IdempotencyKey).Text("Fingerprint", s.Fingerprint).
		Int("Amount", int64(s.Amount)).Text("Currency", string(s.Currency)).Text("Payee", s.Payee).
		Int("ExpiresIn", int64(s.ExpiresIn)).Text("CallbackURL", s.CallbackURL)
	return o.Text("Phone", s.Phone).Text("BuyerPhone", s.BuyerPhone).Text("Subject", s.Subject).Text("Goods", s.Goods).End()
}

// AppendJSON encodes a message to a phone.
func (s sealedMessage) AppendJSON(dst []byte) ([]byte, error) {
	o := engine.NewObject(dst).Text("bill", string(s.Bill)).Some("element", string(s.Element))
	if s.Form != 0 {
		o = o.Text("form", s.Form.String())
	}
	if s.Suite != 0 {
		o = o.Text("suite", s.Suite.String())
	}
	o = o.Uint("key_version", uint64(s.Version)).Uint("counter", s.Counter).SomeUint("keys", uint64(s.Keys)).SomeTrue("texted", s.Texted)
	return o.Time("expires", s.Expires).Text("phone", s.Phone).Some("payload", s.Payload).End(), nil
}

// AppendJSON encodes what the journal tells of a step.
func (s story) AppendJSON(dst []byte) ([]byte, error) {
	o := engine.NewObject(dst).Some("detail", s.Detail).Some("reason", string(s.Reason))
	if len(s.Postings) > 0 {
		o = engine.Array(o, "postings", s.Postings, func(dst []byte, p platform.Posting) []byte {
			return engine.NewObject(dst).Text("account", p.Account).Int("amount", int64(p.Amount)).End()
		})
	}
	o = o.SomeInt("slot", int64(s.Slot)).Some("by", s.By).Some("said", s.Said).
		SomeInt("attempt", int64(s.Attempt)).SomeInt("status", int64(s.Status)).SomeTime("next_at", s.Next)
	return o.Some("endpoint", s.Endpoint).End(), nil
}

// AppendJSON encodes a phone's counters.
func (c counters) AppendJSON(dst []byte) ([]byte, error) {
	o := engine.NewObject(dst).Uint("out", c.Out).Uint("in", c.In).Uint("pin", uint64(c.PIN))
	if len(c.Wrong) > 0 {
		o = appendEncoding(o.Name("wrong"), c.Wrong)
	}
	o = o.Uint("key_version", uint64(c.Version)).SomeUint("key_version_pending", uint64(c.Pending)).SomeUint("taken", c.Taken)
	if c.Held != (hold{}) {
		o = appendEncoding(o.Name("held"), c.Held)
	}
	if c.Spent.Day != "" || c.Spent.Cards != nil {
		o = c.Spent.value(o.Name("spent"))
	}
	return o.SomeUint("settled", c.Settled).SomeTime("released", c.Released).End(), nil
}

func (s spent) value(dst []byte) engine.Object {
	o := engine.NewObject(dst).Some("day", s.Day)
	if len(s.Cards) > 0 {
		in := engine.NewObject(o.Name("cards"))
		byName := func(a, b int) int { return strings.Compare(strconv.Itoa(a), strconv.Itoa(b)) } // as package json sorts them
		for _, slot := range slices.SortedFunc(maps.Keys(s.Cards), byName) {
			in = in.Int(strconv.Itoa(slot), int64(s.Cards[slot]))
		}
		o = in.End()
	}
	return o.End()
}

// AppendJSON encodes a packet that was taken.
func (t taken) AppendJSON(dst []byte) ([]byte, error) {
	o := inHex(engine.NewObject(dst).Uint("counter", t.Counter), "packet", t.Packet)
	o = someInHex(o, "bill", t.Bill)
	if t.Answer != (answer{}) {
		o = t.Answer.member(o)
	}
	o = o.SomeInt("again", int64(t.Again)).SomeUint("pin", uint64(t.PIN))
	return someInHex(o, "use", t.Use).End(), nil
}

func inHex(o engine.Object, name string, octets [8]byte) engine.Object {
	o = append(o.Name(name), '"')
	return append(hex.AppendEncode(o, octets[:]), '"')
}

func someInHex(o engine.Object, name string, octets [8]byte) engine.Object {
	if octets == ([8]byte{}) {
		return o
	}
	return inHex(o, name, octets)
}

// AppendJSON encodes a sub-account on the way home.
func (pl pool) AppendJSON(dst []byte) ([]byte, error) {
	o := engine.NewObject(dst).Text("payee", pl.Payee).Text("currency", string(pl.Currency)).
		Uint("number", pl.Number).Int("amount", int64(pl.Amount)).Bool("open", pl.Open).Time("at", pl.At)
	if pl.Taken != (takings{}) {
		o = pl.Taken.value(o.Name("taken"))
	}
	return o.End(), nil
}

// AppendJSON encodes what was taken.
func (t takings) AppendJSON(dst []byte) ([]byte, error) { return t.value(dst), nil }

func (t takings) value(dst []byte) engine.Object {
	return engine.NewObject(dst).Text("day", t.Day).Int("count", int64(t.Count)).Int("amount", int64(t.Amount)).
		Int("before", int64(t.Before)).End()
}

// AppendJSON encodes a sweep.
func (in ApplySweep) AppendJSON(dst []byte) ([]byte, error) {
	return engine.NewObject(dst).Int("from", int64(in.From)).Uint("number", in.Number).Text("payee", in.Payee).
		Text("currency", string(in.Currency)).Int("amount", int64(in.Amount)).End(), nil
}

// AppendJSON encodes a callback.
func (c Callback) AppendJSON(dst []byte) ([]byte, error) {
	o := engine.NewObject(dst).Text("url", c.URL).Text("merchant", string(c.Merchant)).Text("bill", string(c.Bill)).
		Some("refund", string(c.Refund)).Int("attempt", int64(c.Attempt)).SomeTrue("by_hand", c.ByHand)
	return o.JSON("event", c.Event).End(), nil
}
