package billing

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// wire.md 7.5: a flood of 10,000 forged payments for one number, with the true one in the
// middle: no reply, one alarm, no lock, and the true one is paid.
func TestFloodOfForgedPayments(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Opened)
		good := h.wrap(h.payload(h.pay(b, id)))
		b.strict = false
		const flood = 10_000
		forge := func(from, to int) {
			for n := from; n < to; n++ {
				m := Message{Phone: h.phone, Packet: bytes.Clone(good.Packet)}
				m.Packet[n%len(m.Packet)] ^= byte(1 + n%255)
				if got := h.send(b, m); got != (Outcome{Dropped: DropForged}) {
					t.Fatalf("forgery %d: %+v", n, got)
				}
			}
		}
		b.unchanged("half a flood", func() { forge(0, flood/2) })
		h.send(b, good)
		b.want(id, bill.Paid)
		if codes := b.results(h); len(codes) != 1 || codes[0] != "00" {
			t.Fatalf("the true payment is answered %q", codes)
		}
		b.unchanged("the other half", func() { forge(flood/2, flood) })
		alarms := must(b.service.Alarms(t.Context()))
		if len(alarms) != 1 || alarms[0].Kind != platform.AlarmForged || alarms[0].Count != flood || alarms[0].Phone != h.phone.Masked() {
			t.Errorf("alarms: %+v", alarms)
		}
		if n := strings.Count(b.logs.String(), "\n"); n != 1 || strings.Contains(b.logs.String(), string(h.phone)) {
			t.Errorf("%d lines in the log: %s", n, b.logs.String())
		}
		if drops := must(b.service.Drops(t.Context())); drops[string(DropForged)] != flood {
			t.Errorf("drops: %v", drops)
		}
		b.audit()
	})
}

// When an alarm is raised: 5 in a minute or 20 in a day, and again only after quiet.
func TestAlarms(t *testing.T) {
	tests := map[string]struct {
		watch  Watch
		pauses []time.Duration // before each failure
		want   int             // alarms
	}{
		"four in a minute":             {Watch{}, every(4, time.Second), 0},
		"five in a minute":             {Watch{}, every(5, time.Second), 1},
		"fifty in a minute":            {Watch{}, every(50, time.Second), 1},
		"five in five minutes":         {Watch{}, every(5, time.Minute), 0},
		"nineteen in a day":            {Watch{}, every(19, time.Hour), 0},
		"twenty in a day":              {Watch{}, every(20, time.Hour), 1},
		"twenty in three days":         {Watch{}, every(20, 4*time.Hour), 0},
		"quiet for an hour, then five": {Watch{}, append(every(10, time.Second), append([]time.Duration{time.Hour}, every(5, time.Second)...)...), 2},
		"never quiet":                  {Watch{}, every(300, 50*time.Minute)[:60], 1},
		"another bound":                {Watch{PerMinute: 2, PerDay: 100, Quiet: time.Minute}, append(every(3, time.Second), time.Minute, 0), 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			now, alarms := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC), 0
			var s suspect
			for _, pause := range tt.pauses {
				now = now.Add(pause)
				if s.note(now, DropForged, tt.watch.withDefaults()) {
					alarms++
				}
			}
			if alarms != tt.want || !s.last.Equal(now) {
				t.Errorf("%d alarms, want %d; %+v", alarms, tt.want, s)
			}
		})
	}
}

func every(n int, pause time.Duration) (all []time.Duration) {
	for range n {
		all = append(all, pause)
	}
	return all
}

// Numbers that nobody has enrolled can be made up without end: what is kept of them is bounded.
func TestStrangersAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		b.payer(1)
		b.strict = false
		b.unchanged("strangers", func() {
			for n := range 20_000 {
				number := gateway.MSISDN(fmt.Sprintf("86139%08d", n))
				if got := b.do(0, Message{Phone: number, Packet: []byte{1}}); got != (Outcome{Dropped: DropUnknown}) {
					t.Fatal(got)
				}
			}
			for range 6 {
				b.do(0, Message{Phone: "8613900000001", Packet: []byte{1}})
			}
		})
		s := &b.parts[0].strangers
		if n := len(s.young) + len(s.old); n > mostStrangers {
			t.Errorf("%d strangers are watched", n)
		}
		alarms := must(b.service.Alarms(t.Context()))
		if len(alarms) != 1 || alarms[0].Phone != "861*****0001" || alarms[0].Detail != string(DropUnknown) {
			t.Errorf("alarms: %+v", alarms)
		}
	})
}

// vectorModule is a vault in which one element has the packet keys of the vectors.
type vectorModule struct {
	keys.Module
	keys scp80.Keys
	used int
}

func (m *vectorModule) OpenMO(b keys.Binding, packet []byte) (uint64, []byte, error) {
	m.used++
	return scp80.Open(b.Suite.Profile(scp80.MO, b.Version), m.keys, packet)
}

// The packets of the vectors that must be refused leave counters, records and outbox as
// they are, and those that must be refused before any key is used use none.
func TestNegativeVectors(t *testing.T) {
	var file struct {
		Negative []struct {
			ID     string `json:"id"`
			Packet string `json:"packet"`
			KIc    string `json:"kic_key"`
			KID    string `json:"kid_key"`
			Expect string `json:"expect"`
		} `json:"negative"`
	}
	if err := json.Unmarshal(must(os.ReadFile("testdata/negative.json")), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Negative) != 12 {
		t.Fatalf("%d vectors", len(file.Negative))
	}
	for _, v := range file.Negative {
		t.Run(v.ID, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				h := b.payer(1)
				b.bring(h, bill.Created)
				module := &vectorModule{Module: b.config.Vault, keys: scp80.Keys{
					KIc: scp80.NewKey[scp80.CipherKey](octets(v.KIc)), KID: scp80.NewKey[scp80.MACKey](octets(v.KID)),
				}}
				b.config.Vault, b.parts[0].config.Vault = module, module
				m := Message{Phone: h.phone, Packet: octets(v.Packet)}
				switch v.ID {
				case "neg-replay":
					if got := h.send(b, m); got.Dropped != DropNoBill {
						t.Fatalf("the first time: %+v", got)
					}
				case "neg-cntr-low":
					b.phone(h).counters.In = 100
				}
				b.strict = false
				b.unchanged(v.ID, func() {
					if got := h.send(b, m); got.Dropped != DropForged && got.Dropped != DropReplay {
						t.Errorf("%+v", got)
					}
				})
				if early := strings.Contains(v.Expect, "before any key"); early && module.used != 0 {
					t.Error("a key was used")
				}
			})
		})
	}
}

func octets(digits string) []byte { return must(hex.DecodeString(digits)) }

// Neither a stranger nor a header that is not bound to the element costs the use of a key.
func TestNoKeyBeforeTheHeader(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		module := &vectorModule{Module: b.config.Vault}
		good := h.wrap(make([]byte, 20))
		b.parts[0].config.Vault = module
		for n := range 10 { // CPL CHL SPI KIc KID TAR
			for bit := range 8 {
				m := Message{Phone: h.phone, Packet: bytes.Clone(good.Packet)}
				m.Packet[n] ^= 1 << bit
				b.do(0, m)
			}
		}
		b.do(0, Message{Phone: "8613800009999", Packet: good.Packet})
		if module.used != 0 {
			t.Errorf("keys were used %d times", module.used)
		}
		if b.do(0, good); module.used != 1 {
			t.Errorf("keys were used %d times for a good packet", module.used)
		}
	})
}
