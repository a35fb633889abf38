package peers

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/tpdu"
)

// Kannel binds, sends, gets its receipts, and receives what a handset sends, with
// not a word of complaint in its logs; and the dissector reads every octet of it.
func TestKannel(t *testing.T) {
	for _, tc := range []struct {
		name  string
		cfg   KannelConfig
		ids   smsc.IDStyle
		binds map[uint32]int
	}{
		{"transceiver", KannelConfig{}, smsc.HexIDs, map[uint32]int{0x09: 1, 0x80000009: 1, 0x06: 1, 0x80000006: 1}},
		{
			"transmitter and receiver", KannelConfig{Separate: true, IDType: "0x01"}, smsc.HexThenDecimal,
			map[uint32]int{0x01: 1, 0x80000001: 1, 0x02: 1, 0x80000002: 1, 0x06: 2, 0x80000006: 2},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			Want(t, "bearerbox", "smsbox", "tshark")
			n := startNetworkFor(t, smsc.Account{IDs: tc.ids})
			tap := Listen(t, n.addr.Port)
			k := n.kannel(t, tc.cfg)
			for _, s := range sendings {
				s.run(t, n, k)
			}
			for _, a := range arrivals(t) {
				a.run(t, n, k)
			}
			k.end(t)
			// nine parts of what was sent, five receipts, and nine parts of what came
			want := map[uint32]int{0x04: 9, 0x80000004: 9, 0x05: 14, 0x80000005: 14}
			maps.Copy(want, tc.binds)
			judge(t, tap.Stop(), want)
		})
	}
}

// Kannel knows what each receipt is of, however message ids are written.
func TestKannelReadsMessageIDs(t *testing.T) {
	for idType, ids := range map[string]smsc.IDStyle{"0x00": smsc.DecimalIDs, "0x02": smsc.DecimalThenHex, "0x03": smsc.HexIDs} {
		t.Run(idType, func(t *testing.T) {
			Want(t, "bearerbox", "smsbox", "tshark")
			n := startNetworkFor(t, smsc.Account{IDs: ids})
			tap := Listen(t, n.addr.Port)
			k := n.kannel(t, KannelConfig{IDType: idType})
			sendings[0].run(t, n, k)
			k.end(t)
			judge(t, tap.Stop(), map[uint32]int{0x09: 1, 0x80000009: 1, 0x04: 1, 0x80000004: 1, 0x05: 1, 0x80000005: 1})
		})
	}
}

// kannel starts Kannel as the outside client.
func (n *network) kannel(t *testing.T, cfg KannelConfig) *Kannel {
	t.Helper()
	cfg.SMSC, cfg.SystemID, cfg.Password = n.addr, "guest", "guest"
	return StartKannel(t, cfg)
}

// end stops Kannel, which has nothing to complain of and nothing more to tell.
func (k *Kannel) end(t *testing.T) {
	t.Helper()
	if complaints := k.Stop(); len(complaints) > 0 {
		t.Errorf("Kannel complained:\n%s", strings.Join(complaints, "\n"))
	}
	if len(k.reports)+len(k.messages) > 0 {
		t.Errorf("%d reports and %d messages too many", len(k.reports), len(k.messages))
	}
}

// A judge that hears nothing when it is refused would be no judge. (It also minds that
// a refusal has no body, which SMPP 3.4 §4.1.2 wants.)
func TestKannelComplaintsAreHeard(t *testing.T) {
	n := startNetwork(t)
	k := StartKannel(t, KannelConfig{SMSC: n.addr, SystemID: "guest", Password: "wrong"})
	k.bearerbox.await("SMSC rejected login")
	refused := func(line string) bool { return strings.Contains(line, "ERROR: SMPP[airtill]: SMSC rejected login") }
	if complaints := k.Stop(); !slices.ContainsFunc(complaints, refused) {
		t.Errorf("Kannel complained %q", complaints)
	}
}

var (
	long     = strings.Repeat("The ticket costs 12 € [per seat]. ", 12)
	farewell = strings.Repeat("一路平安，再见。", 20)
)

// A message of octets to a port.
const (
	applicationPort = "\x06\x05\x04\x0b\x84\x23\xf0"
	octets          = "\x00\xff\x1b\x80"
)

// sending is what Kannel is asked to send, and what comes to the handset.
type sending struct {
	name   string
	fields map[string]string
	want   string // what the handset reads: a text, or header and octets
	parts  int
}

var sendings = []sending{
	{"gsm", map[string]string{"text": "Your taxi [4] is here: 5 € @ gate_7"}, "Your taxi [4] is here: 5 € @ gate_7", 1},
	{"ucs2", map[string]string{"text": "机票已出 😀", "coding": "2", "charset": "UTF-8"}, "机票已出 😀", 1},
	{"binary", map[string]string{"text": octets, "coding": "1", "udh": applicationPort}, applicationPort + octets, 1},
	{"long", map[string]string{"text": long}, long, 3},
	{"long-ucs2", map[string]string{"text": farewell, "coding": "2", "charset": "UTF-8"}, farewell, 3},
}

func (s sending) run(t *testing.T, n *network, k *Kannel) {
	t.Helper()
	fields := map[string]string{"from": guest, "to": phone}
	for field, value := range s.fields {
		fields[field] = value
	}
	k.Send(s.name, fields)
	var got []*smpp.DeliverSM
	for range s.parts {
		got = append(got, n.next(t))
	}
	if text := read(t, got...); text != s.want {
		t.Errorf("%s: the handset read %q, want %q", s.name, text, s.want)
	}
	types := map[string]string{}
	for range 2 {
		r := k.Report()
		types[r.Get("type")] = r.Get("of")
	}
	if types[SMSCTook] != s.name || types[Delivered] != s.name {
		t.Errorf("%s: reports by type %v", s.name, types)
	}
}

// read puts the parts of a message together: its text, or its header and octets.
func read(t *testing.T, parts ...*smpp.DeliverSM) string {
	t.Helper()
	var payload []byte
	coding := parts[0].DataCoding
	for i, sm := range parts {
		s, err := tpdu.ParseSegment(sm.ProtocolID, sm.DataCoding, sm.ESMClass&smpp.ESMUDHI != 0, sm.UserData())
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := s.Header.Concat(); ok != (len(parts) > 1) || ok && int(c.Part) != i+1 || sm.DataCoding != coding {
			t.Errorf("part %d of %d has concatenation %+v, data_coding %d", i+1, len(parts), c, coding)
		}
		payload = append(payload, s.Payload...)
	}
	if coding == tpdu.CodingOctets {
		return string(parts[0].UserData())
	}
	text, err := tpdu.Decode(payload, tpdu.AlphabetOf(coding))
	if err != nil {
		t.Error(err)
	}
	return text
}

// arrival is what a handset sends, and Kannel tells.
type arrival struct {
	name     string
	segments []tpdu.Segment
	text     string // in the charset
	charset  string
	coding   string // Kannel's own: 0 GSM, 1 octets, 2 UCS2
	udh      string
}

func arrivals(t *testing.T) []arrival {
	t.Helper()
	split := func(text string) []tpdu.Segment {
		segments, err := tpdu.SplitText(text, tpdu.Reference{Number: 7})
		if err != nil {
			t.Fatal(err)
		}
		return segments
	}
	utf16 := func(text string) string {
		octets, err := tpdu.Encode(text, tpdu.UCS2)
		if err != nil {
			t.Fatal(err)
		}
		return string(octets)
	}
	ports := tpdu.Header{{ID: 0x05, Data: []byte{0x0b, 0x84, 0x23, 0xf0}}} // TS 23.040 §9.2.3.24.4
	return []arrival{
		{"gsm", split("On my way, 5 € [min]"), "On my way, 5 € [min]", "UTF-8", "0", ""},
		{"ucs2", split("机票已出 😀"), utf16("机票已出 😀"), "UTF-16BE", "2", ""},
		{"long", split(long), long, "UTF-8", "0", ""},
		{"long ucs2", split(farewell), utf16(farewell), "UTF-16BE", "2", ""},
		{"binary", []tpdu.Segment{{Coding: tpdu.CodingOctets, Header: ports, Payload: []byte(octets)}}, octets, "8-BIT", "1", applicationPort},
	}
}

func (a arrival) run(t *testing.T, n *network, k *Kannel) {
	t.Helper()
	n.send(t, a.segments...)
	got := k.Message()
	want := url.Values{"from": {"+" + phone}, "to": {guest}, "text": {a.text}, "charset": {a.charset}, "coding": {a.coding}, "udh": {a.udh}}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%s: Kannel told %q, want %q", a.name, got, want)
	}
}
