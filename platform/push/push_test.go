package push_test

import (
	"bytes"
	"context"
	"crypto/fips140"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/push"
	"github.com/airtill/airtill/platform/scp80"
)

const (
	element applet.ElementID = "89860112345678901234"
	phone   gateway.MSISDN   = "8613800000001"
	theBill                  = platform.BillID("bill_01JDXK3Z7M0003ZZZZZZZZZZZZ")
)

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

func vault() *keys.Vault { return must(keys.Generate(rand.NewChaCha8([32]byte{1}))) }

// carrier takes messages, or answers with an error.
type carrier struct {
	taken []*smpp.SubmitSM
	fail  error
}

func (c *carrier) Submit(_ context.Context, sm *smpp.SubmitSM) (gateway.MessageID, error) {
	if c.fail != nil {
		return "", c.fail
	}
	c.taken = append(c.taken, sm)
	return gateway.MessageID(fmt.Sprintf("M%d", len(c.taken))), nil
}

// partitions takes inputs.
type partitions struct {
	at     []engine.Partition
	inputs []any
	reply  any
	fail   error // as the outcome
	full   error // at once
}

func (p *partitions) Do(_ context.Context, n engine.Partition, in any) (any, error) {
	p.at, p.inputs = append(p.at, n), append(p.inputs, in)
	return p.reply, p.fail
}

func (p *partitions) Post(n engine.Partition, in any, done func(any, error)) error {
	if p.full != nil {
		return p.full
	}
	done(p.Do(context.Background(), n, in))
	return nil
}

// sending is a Sender with what is around it.
type sending struct {
	*push.Sender
	carrier    carrier
	partitions partitions
	logs       bytes.Buffer
}

func newSending() *sending {
	s := new(sending)
	s.Sender = &push.Sender{Carrier: &s.carrier, Partitions: &s.partitions, Vault: vault(), Address: "10658", Log: zerolog.New(&s.logs)}
	return s
}

// effect wants a payload sent.
func effect(kind string, form applet.Form, payload []byte, lasts time.Duration) engine.Effect {
	return sealed(kind, billing.PhoneMessage{Form: form, Payload: payload, Expires: time.Now().Add(lasts)})
}

// sealed is the effect that sends a message, as billing keeps it.
func sealed(kind string, m billing.PhoneMessage) engine.Effect {
	m.Bill, m.Phone, m.Element, m.Counter = theBill, phone, element, 7
	if m.Version = 1; m.Suite == 0 {
		m.Suite = scp80.Modern
	}
	return engine.Effect{ID: "e", Kind: kind, Body: m.Seal(vault())}
}

// wire.md 1.7: how a packet reaches an element depends on where the element is.
func TestCarriage(t *testing.T) {
	tests := []struct {
		form    applet.Form
		payload int
		pid     uint8
		dcs     uint8
		parts   int
		header  string // in hex, of the first part as far as it is always the same
	}{
		{applet.SIM, 98, 0x7F, 0xF6, 1, "027000"},
		{applet.SIM, 99, 0x7F, 0xF6, 2, ""},
		{applet.Standalone, 98, 0x00, 0xF5, 1, "0805043f483f487000"},
		{applet.SDTF, 92, 0x00, 0xF5, 1, "0805043f483f487000"},
		{applet.SDTF, 99, 0x00, 0xF5, 2, ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %d", tt.form, tt.payload), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSending()
				payload := bytes.Repeat([]byte{0x5A}, tt.payload)
				if err := s.Perform(t.Context(), 3, effect(billing.EffectPush, tt.form, payload, time.Hour)); err != nil {
					t.Fatal(err)
				}
				checkMessages(t, s, tt.pid, tt.dcs, tt.parts)
				if first := hex.EncodeToString(s.carrier.taken[0].ShortMessage); !strings.HasPrefix(first, tt.header) {
					t.Errorf("the user data is %s, want %s first", first, tt.header)
				}
				checkPacket(t, s, scp80.Modern, payload)
				last := gateway.MessageID(fmt.Sprintf("M%d", tt.parts))
				want := []any{billing.Submitted{Bill: theBill, MessageID: last}}
				if diff := cmp.Diff(want, s.partitions.inputs); diff != "" || s.partitions.at[0] != 3 {
					t.Error(diff)
				}
			})
		})
	}
}

func checkMessages(t *testing.T, s *sending, pid, dcs uint8, parts int) {
	t.Helper()
	if len(s.carrier.taken) != parts {
		t.Fatalf("%d messages, want %d", len(s.carrier.taken), parts)
	}
	for i, sm := range s.carrier.taken {
		if sm.ProtocolID != pid || sm.DataCoding != dcs || sm.ESMClass != smpp.ESMUDHI || len(sm.ShortMessage) > 140 {
			t.Errorf("part %d: PID %02X, DCS %02X, esm_class %02X, %d octets", i+1, sm.ProtocolID, sm.DataCoding, sm.ESMClass, len(sm.ShortMessage))
		}
		if sm.Source.Digits != "10658" || sm.Destination.Digits != string(phone) {
			t.Errorf("from %+v to %+v", sm.Source, sm.Destination)
		}
		if wants := sm.RegisteredDelivery == smpp.ReceiptFinal; wants != (i == parts-1) {
			t.Errorf("part %d of %d asks for a receipt: %t", i+1, parts, wants)
		}
	}
}

// checkPacket joins what was sent and opens it as the element does.
func checkPacket(t *testing.T, s *sending, suite scp80.Suite, payload []byte) {
	t.Helper()
	joiner := must(tpdu.NewReassembler(tpdu.Limits{}))
	for _, sm := range s.carrier.taken {
		segment := must(tpdu.ParseSegment(sm.ProtocolID, sm.DataCoding, true, sm.ShortMessage))
		whole, ok, err := joiner.Add(time.Now(), tpdu.Link{Source: "10658", Destination: string(phone)}, segment)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			continue
		}
		secured, ok := tpdu.ReadSecured(whole)
		if !ok {
			t.Fatal("not a secured packet")
		}
		b := keys.Binding{Element: element, Suite: suite, Version: 1}
		channel := must(scp80.NewChannel(suite.Profile(scp80.MT, 1), must(vault().MT(b))))
		counter, got, err := channel.Open(secured.Packet)
		if err != nil || counter != 7 || !bytes.Equal(got, payload) {
			t.Errorf("counter %d, %d octets, %v", counter, len(got), err)
		}
		return
	}
	t.Error("the parts do not make a whole")
}

// New packet keys go out wrapped for the element under its old ones: in the modern suite
// they are a packet of two messages (wire.md 1.7), of which only the first is marked.
func TestNewKeys(t *testing.T) {
	for _, suite := range []scp80.Suite{scp80.Modern, scp80.Legacy} {
		for form := applet.Standalone; form <= applet.SDTF; form++ {
			t.Run(suite.String()+" "+form.String(), func(t *testing.T) {
				if suite == scp80.Legacy && fips140.Enforced() {
					t.Skip("3DES is not to be had under crypto/fips140")
				}
				s := newSending()
				b := keys.Binding{Element: element, Suite: suite, Version: 1}
				wrapped := must(vault().Rekey(b, 1)) // any version that there is
				m := billing.PhoneMessage{Form: form, Suite: suite, Keys: 1, Expires: time.Now().Add(time.Hour)}
				for range 2 { // the second time the carrier's answer was lost
					if err := s.Perform(t.Context(), 0, sealed(billing.EffectKeys, m)); err != nil {
						t.Fatal(err)
					}
				}
				parts := len(s.carrier.taken) / 2
				if want := map[scp80.Suite]int{scp80.Modern: 2, scp80.Legacy: 1}[suite]; parts != want {
					t.Fatalf("%d parts, want %d", parts, want)
				}
				for i, sm := range s.carrier.taken {
					segment := must(tpdu.ParseSegment(sm.ProtocolID, sm.DataCoding, true, sm.ShortMessage))
					if first := i%parts == 0; segment.Header.Has(tpdu.ElementCommand) != first || len(sm.ShortMessage) > 140 {
						t.Errorf("part %d is marked: %t, and has %d octets", i%parts+1, !first, len(sm.ShortMessage))
					}
					if !bytes.Equal(sm.ShortMessage, s.carrier.taken[i%parts].ShortMessage) {
						t.Errorf("part %d is another the second time", i%parts+1)
					}
				}
				checkPacket(t, s, suite, applet.Encode(suite, &applet.Keys{Version: 1, Wrapped: wrapped}))
				if len(s.partitions.inputs) != 0 {
					t.Errorf("the bill is told of %v", s.partitions.inputs)
				}
			})
		}
	}
}

// Keys that the vault has no more do not hold up what comes after them.
func TestNewKeysThatAreGone(t *testing.T) {
	s := newSending()
	m := billing.PhoneMessage{Form: applet.SIM, Keys: 9, Expires: time.Now().Add(time.Hour)}
	if err := s.Perform(t.Context(), 0, sealed(billing.EffectKeys, m)); err != nil || len(s.carrier.taken) != 0 {
		t.Errorf("%d messages, %v", len(s.carrier.taken), err)
	}
	if log := s.logs.String(); !strings.Contains(log, "stays with the old ones") || strings.Contains(log, string(phone)) {
		t.Errorf("the log says %s", log)
	}
}

// A message that was not kept by this vault is not sent, and says nothing of what it holds.
func TestMessageNotSealed(t *testing.T) {
	for _, body := range []string{`{}`[:1], `{"phone":"` + string(phone) + `"}`, `{"phone":"sealed:AAAA"}`} {
		s := newSending()
		err := s.Perform(t.Context(), 0, engine.Effect{ID: "e", Kind: billing.EffectPush, Body: []byte(body)})
		if err == nil || strings.Contains(err.Error(), string(phone)) || len(s.carrier.taken) != 0 {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// The carrier stops trying when the bill is over, but not at once.
func TestValidity(t *testing.T) {
	for lasts, want := range map[time.Duration]time.Duration{time.Hour: time.Hour, time.Minute: time.Minute, time.Second: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := newSending()
			if err := s.Perform(t.Context(), 0, effect(billing.EffectPush, applet.SIM, []byte{1}, lasts)); err != nil {
				t.Fatal(err)
			}
			if got := s.carrier.taken[0].ValidityPeriod; got != (smpp.Time{Absolute: time.Now().Add(want).UTC()}).String() {
				t.Errorf("a bill of %s is valid until %s", lasts, got)
			}
		})
	}
}

// The carrier tells of pushes alone: a bill waits for nothing else.
func TestReceiptsAreOfPushes(t *testing.T) {
	for kind, want := range map[string]uint8{
		billing.EffectPush: smpp.ReceiptFinal, billing.EffectResult: smpp.ReceiptNone, billing.EffectKeys: smpp.ReceiptNone,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSending()
			if err := s.Perform(t.Context(), 3, effect(kind, applet.SIM, []byte{0x5A}, time.Hour)); err != nil {
				t.Fatal(err)
			}
			if got := s.carrier.taken[0].RegisteredDelivery; got != want {
				t.Errorf("%s: registered_delivery %02X, want %02X", kind, got, want)
			}
		})
	}
}

func TestCarriersAnswers(t *testing.T) {
	lost := errors.New("outcome unknown")
	refused := func(s smpp.Status) error { return fmt.Errorf("submit: %w", &smpp.StatusError{Status: s}) }
	told := []any{billing.Submitted{Bill: theBill, MessageID: "M1"}}
	tests := map[string]struct {
		kind  string
		fail  error
		again bool  // the effect is to be performed again
		told  []any // to the bill; nil: nothing. A refusal's words are not compared
	}{
		"a push taken":                     {billing.EffectPush, nil, false, told},
		"a push refused":                   {billing.EffectPush, refused(smpp.RINVDSTADR), false, []any{billing.Submitted{Bill: theBill, Refused: "*"}}},
		"a push throttled":                 {billing.EffectPush, refused(smpp.RTHROTTLED), false, []any{billing.Submitted{Bill: theBill, Refused: "*"}}},
		"a push of which nothing is known": {billing.EffectPush, lost, true, nil},
		"a result taken":                   {billing.EffectResult, nil, false, nil},
		"a result refused":                 {billing.EffectResult, refused(smpp.RINVDSTADR), false, nil},
		"a result throttled":               {billing.EffectResult, refused(smpp.RTHROTTLED), true, nil},
		"a result, the queue full":         {billing.EffectResult, refused(smpp.RMSGQFUL), true, nil},
		"a result lost":                    {billing.EffectResult, lost, true, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSending()
				s.carrier.fail = tt.fail
				err := s.Perform(t.Context(), 0, effect(tt.kind, applet.SIM, []byte{1}, time.Hour))
				if (err != nil) != tt.again {
					t.Errorf("%v, want again: %t", err, tt.again)
				}
				if diff := cmp.Diff(tt.told, anyWords(s.partitions.inputs)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func anyWords(inputs []any) []any {
	for i, in := range inputs {
		if s := in.(billing.Submitted); s.Refused != "" {
			s.Refused = "*"
			inputs[i] = s
		}
	}
	return inputs
}

// What is over is not sent; what cannot be told to the bill is sent again, octet for octet.
func TestOverAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSending()
		for _, kind := range []string{billing.EffectPush, billing.EffectResult} {
			if err := s.Perform(t.Context(), 0, effect(kind, applet.SIM, []byte{1}, 0)); err != nil || len(s.carrier.taken)+len(s.partitions.inputs) != 0 {
				t.Errorf("a %s that is over: %d sent, %v", kind, len(s.carrier.taken), err)
			}
		}
		s.partitions.fail = engine.ErrUnknown
		for range 2 {
			if err := s.Perform(t.Context(), 0, effect(billing.EffectPush, applet.SIM, []byte{1}, time.Hour)); !errors.Is(err, engine.ErrUnknown) {
				t.Error(err)
			}
		}
		if !bytes.Equal(s.carrier.taken[0].ShortMessage, s.carrier.taken[1].ShortMessage) {
			t.Error("the repeat is another packet")
		}
		if err := s.Perform(t.Context(), 0, engine.Effect{ID: "e", Body: json.RawMessage(`7`)}); err == nil {
			t.Error("an effect that cannot be read is done")
		}
	})
}

// receiving is a Receiver with what is around it.
type receiving struct {
	*push.Receiver
	partitions partitions
	answers    []smpp.Status
	logs       bytes.Buffer
}

func newReceiving() *receiving {
	r := new(receiving)
	home := func(m gateway.MSISDN) engine.Partition { return engine.Partition(len(m)) }
	r.Receiver = must(push.NewReceiver(&r.partitions, home, zerolog.New(&r.logs)))
	return r
}

func (r *receiving) deliver(sm *smpp.DeliverSM) {
	r.Deliver(sm, func(s smpp.Status) { r.answers = append(r.answers, s) })
}

func from(source string, segment tpdu.Segment) *smpp.DeliverSM {
	sm := &smpp.DeliverSM{
		Source: smpp.Address{Digits: source}, Destination: smpp.Address{Digits: "10658"},
		ProtocolID: segment.Protocol, DataCoding: segment.Coding, ShortMessage: must(segment.UserData()),
	}
	if segment.Indication() {
		sm.ESMClass = smpp.ESMUDHI
	}
	return sm
}

func receiptOf(source, text string) *smpp.DeliverSM {
	return &smpp.DeliverSM{Source: smpp.Address{Digits: source}, ESMClass: smpp.ESMReceipt, ShortMessage: []byte(text)}
}

func packet(n int) []byte {
	channel := must(scp80.NewChannel(scp80.Modern.Profile(scp80.MO, 1), must(vault().MO(keys.Binding{Element: element, Suite: scp80.Modern, Version: 1}))))
	return must(channel.Wrap(1, bytes.Repeat([]byte{7}, n)))
}

// What the carrier delivers, what becomes of it, and what the carrier is answered.
func TestDeliver(t *testing.T) {
	p := packet(96)
	ports := tpdu.Ports{Destination: applet.Port, Source: applet.Port}
	message := []any{billing.Message{Phone: phone, Packet: p}}
	arrived := []any{billing.Receipt{Phone: phone, MessageID: "A1", State: gateway.Delivered}}
	const receipt = "id:A1 sub:001 dlvrd:001 submit date:2611231000 done date:2611231001 stat:DELIVRD err:000 text:"
	broken := from(string(phone), must(tpdu.FromSIM(p, tpdu.Reference{}))[0])
	broken.ShortMessage[0] = 0x8F // a header longer than the message
	response := from(string(phone), must(tpdu.FromSIM(p, tpdu.Reference{}))[0])
	response.ShortMessage[1] = 0x71
	tests := map[string]struct {
		sm     *smpp.DeliverSM
		want   []any
		answer smpp.Status
	}{
		"from the SIM":               {from(string(phone), must(tpdu.FromSIM(p, tpdu.Reference{}))[0]), message, smpp.ROK},
		"from the client's port":     {from(string(phone), must(tpdu.ByPort(ports, p, tpdu.Reference{}))[0]), message, smpp.ROK},
		"with a plus":                {from("+"+string(phone), must(tpdu.FromSIM(p, tpdu.Reference{}))[0]), message, smpp.ROK},
		"from no phone":              {from("shop", must(tpdu.FromSIM(p, tpdu.Reference{}))[0]), nil, smpp.ROK},
		"from nobody":                {from("", must(tpdu.FromSIM(p, tpdu.Reference{}))[0]), nil, smpp.ROK},
		"a text":                     {from(string(phone), must(tpdu.SplitText("hello", tpdu.Reference{}))[0]), nil, smpp.ROK},
		"an empty text":              {from(string(phone), tpdu.Segment{}), nil, smpp.ROK},
		"a response packet":          {response, nil, smpp.ROK},
		"a header that is broken":    {broken, nil, smpp.RXRAPPN},
		"a receipt":                  {receiptOf(string(phone), receipt), arrived, smpp.ROK},
		"a receipt of another state": {receiptOf(string(phone), strings.Replace(receipt, "DELIVRD", "LOST", 1)), nil, smpp.ROK},
		"a receipt of nothing":       {receiptOf(string(phone), "hello"), nil, smpp.ROK},
		"a receipt from no phone":    {receiptOf("", receipt), nil, smpp.ROK},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newReceiving()
			r.deliver(tt.sm)
			if diff := cmp.Diff(tt.want, r.partitions.inputs); diff != "" {
				t.Error(diff)
			}
			if !cmp.Equal(r.answers, []smpp.Status{tt.answer}) {
				t.Errorf("answered %v, want %v", r.answers, tt.answer)
			}
			if len(r.partitions.at) > 0 && r.partitions.at[0] != engine.Partition(len(phone)) {
				t.Errorf("at partition %d", r.partitions.at[0])
			}
			if strings.Contains(r.logs.String(), string(phone)) {
				t.Errorf("the log shows the number: %s", r.logs.String())
			}
		})
	}
}

// Parts come in any order and twice; the packet is handed on once, and every part is answered.
func TestDeliverParts(t *testing.T) {
	p := packet(150)
	parts := must(tpdu.FromSIM(p, tpdu.Reference{Number: 9}))
	if len(parts) != 2 {
		t.Fatalf("%d parts", len(parts))
	}
	r := newReceiving()
	r.deliver(from(string(phone), parts[1]))
	r.deliver(from(string(phone), parts[1]))
	r.deliver(from("8613800000002", parts[0])) // another sender's, under the same reference
	if len(r.partitions.inputs) != 0 {
		t.Fatalf("%d packets of a half", len(r.partitions.inputs))
	}
	r.deliver(from(string(phone), parts[0]))
	if diff := cmp.Diff([]any{billing.Message{Phone: phone, Packet: p}}, r.partitions.inputs); diff != "" {
		t.Error(diff)
	}
	if !cmp.Equal(r.answers, []smpp.Status{smpp.ROK, smpp.ROK, smpp.ROK, smpp.ROK}) {
		t.Errorf("answered %v", r.answers)
	}
}

// What is kept of messages that never become whole is bounded in parts, time and number.
func TestDeliverPartsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := packet(150)
		parts := must(tpdu.FromSIM(p, tpdu.Reference{Number: 9}))
		r := newReceiving()
		r.deliver(from(string(phone), parts[0]))
		time.Sleep(6 * time.Minute)
		r.deliver(from(string(phone), parts[1]))
		long := must(tpdu.FromSIM(packet(700), tpdu.Reference{Number: 10}))
		r.deliver(from(string(phone), long[0]))
		if n := len(r.answers); r.answers[n-1] != smpp.RXRAPPN {
			t.Errorf("a message of %d parts is answered %v", len(long), r.answers[n-1])
		}
		for n := range 5000 {
			r.deliver(from(fmt.Sprintf("86139%08d", n), parts[0]))
		}
		r.deliver(from("8613900000000", parts[1])) // the first of them was forgotten
		if len(r.partitions.inputs) != 0 {
			t.Errorf("%d packets", len(r.partitions.inputs))
		}
		r.deliver(from("8613900004999", parts[1]))
		if len(r.partitions.inputs) != 1 {
			t.Errorf("%d packets", len(r.partitions.inputs))
		}
	})
}

// Anybody can bring about a drop, so not every one has a line in the log.
func TestDropsAreSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiving()
		r.partitions.reply = billing.Outcome{Dropped: billing.DropForged}
		for range 10_000 {
			r.deliver(from(string(phone), must(tpdu.FromSIM(packet(20), tpdu.Reference{}))[0]))
		}
		if n := strings.Count(r.logs.String(), "\n"); n == 0 || n > 50 {
			t.Errorf("%d lines for 10,000 drops", n)
		}
		if n := r.Dropped()[billing.DropForged]; n != 10_000 {
			t.Errorf("%d drops counted", n)
		}
	})
}

// SMPP 3.4 §5.1.3: what is not kept is to be brought again; a dropped packet is taken (wire.md 5).
func TestDeliverOutcomes(t *testing.T) {
	tests := map[string]struct {
		partitions partitions
		want       smpp.Status
	}{
		"kept":           {partitions{reply: billing.Outcome{Bill: theBill}}, smpp.ROK},
		"dropped":        {partitions{reply: billing.Outcome{Dropped: billing.DropForged}}, smpp.ROK},
		"unknown":        {partitions{fail: engine.ErrUnknown}, smpp.RXTAPPN},
		"not available":  {partitions{fail: engine.ErrUnavailable}, smpp.RXTAPPN},
		"busy later":     {partitions{fail: engine.ErrBusy}, smpp.RXTAPPN},
		"busy":           {partitions{full: engine.ErrBusy}, smpp.RMSGQFUL},
		"a rule missing": {partitions{fail: errors.New("no rule")}, smpp.RXRAPPN},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newReceiving()
			r.partitions = tt.partitions
			r.deliver(from(string(phone), must(tpdu.FromSIM(packet(20), tpdu.Reference{}))[0]))
			if !cmp.Equal(r.answers, []smpp.Status{tt.want}) {
				t.Errorf("answered %v, want %v", r.answers, tt.want)
			}
			if strings.Contains(r.logs.String(), string(phone)) {
				t.Errorf("the log shows the number: %s", r.logs.String())
			}
		})
	}
}
