package handsetsim_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/handsetsim/se"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the transcripts with what happened")

// TestTranscripts plays the files of testdata/transcripts: lines that begin with ">"
// are what happens to a phone, "#" is talk, and the lines after a command are what
// the phone told ("-") and sent ("->"), with the time since the start.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, want)
			if *rewrite {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// play runs the commands of a transcript and writes it anew.
func play(t *testing.T, script []byte) []byte {
	var out bytes.Buffer
	s := newStage(&out)
	lines := bufio.NewScanner(bytes.NewReader(script))
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			fmt.Fprintln(&out, line)
			continue
		}
		command, ok := strings.CutPrefix(line, "> ")
		if !ok {
			continue
		}
		fmt.Fprintln(&out, line)
		if err := s.do(strings.Fields(command)); err != nil {
			fmt.Fprintf(&out, "  ! %v\n", err)
		}
		if strings.Contains(out.String(), "2580") {
			t.Fatal("the PIN is in the transcript")
		}
	}
	return out.Bytes()
}

// stage is one phone, its time and what it left to do.
type stage struct {
	out      *bytes.Buffer
	start    time.Time
	now      time.Time
	phone    *handsetsim.Phone
	element  *fakeElement
	bare     bool // the phone has no element
	settings handsetsim.Settings
	fx       handsetsim.Effects
}

func newStage(out *bytes.Buffer) *stage {
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	return &stage{out: out, start: start, now: start, element: &fakeElement{}}
}

func (s *stage) do(args []string) error {
	defer s.flush()
	switch args[0] {
	case "person":
		s.hold(args[1])
	case "bare":
		s.bare = true
		s.hold(args[1])
	case "ask", "tell", "last":
		s.show(args)
	case "lost":
		s.phone.USSDRefused(handsetsim.USSD{Session: sessionOf(args[1])}, "refused by the network", s.now, &s.fx)
	case "dial":
		return s.phone.Dial(args[1], s.now, &s.fx)
	case "type":
		return s.phone.Reply(strings.Replace(args[1], "PIN", "2580", 1), s.now, &s.fx)
	case "abort":
		return s.phone.GiveUp(s.now, &s.fx)
	case "screen":
		v := s.phone.Screen()
		fmt.Fprintf(s.out, "  open %t, asks %t, from %s, shown %d, %q\n", v.Open, v.Asks, v.Code, v.Shown, v.Text)
	case "keep":
		s.settings.KeepClosed, _ = strconv.Atoi(args[1])
	case "bill":
		s.arrive(s.bill(args[1], args[2], args[3]))
	case "result":
		s.arrive(s.result(args[1], args[2], args[3:]))
	case "keys":
		s.arrive(keysOf(args[1]))
	case "forged":
		s.phone.Packet(handsetsim.Arrival{From: "10658", Packet: []byte("forged"), Octets: 9, At: s.now}, &s.fx)
	case "alien":
		s.arrive(&applet.Open{Ref: ref(args[1]), Status: applet.Opened, Time: s.now})
	case "run":
		return s.run(args[1])
	case "confirm":
		return s.phone.Confirm(ref(args[1]), s.now, &s.fx)
	case "defer":
		return s.phone.Defer(ref(args[1]), s.now, &s.fx)
	case "refuse":
		return s.phone.Refuse(ref(args[1]), handsetsim.Refusal{Reason: applet.RefuseUnspecified, Text: strings.Join(args[2:], " ")}, s.now, &s.fx)
	case "pay":
		slot, _ := strconv.Atoi(args[2])
		return s.phone.Pay(ref(args[1]), handsetsim.Choice{Slot: slot, PIN: pin("2580")}, s.now, &s.fx)
	case "on", "off":
		s.phone.Power(args[0] == "on", s.now, &s.fx)
	case "miss":
		s.phone.Miss("10658", s.now, &s.fx)
	case "text":
		s.phone.Text(handsetsim.SMS{From: "10690", Text: strings.Join(args[1:], " "), At: s.now}, 20, &s.fx)
	case "list":
		s.list()
	default:
		return errors.New("no such command")
	}
	return nil
}

func (s *stage) hold(kind string) {
	p := persona.New(persona.Kind(kind), persona.NewPace(persona.Pace{}), 7)
	p.Learn(pin("2580"))
	if s.phone == nil && s.bare {
		s.phone = handsetsim.NewPhone("8613800000001", nil, p, handsetsim.NewSettings(s.settings))
		return
	}
	if s.phone == nil {
		s.phone = handsetsim.NewPhone("8613800000001", s.element, p, handsetsim.NewSettings(s.settings))
		return
	}
	s.phone.Hold(p, s.now)
}

// show has a text of a USSD session come: ask 3 Pay? / 1 Yes.
func (s *stage) show(args []string) {
	m := handsetsim.USSD{
		Op: smpp.USSRRequest, Session: sessionOf(args[1]), Code: "*120#",
		Text: strings.ReplaceAll(strings.Join(args[2:], " "), " / ", "\n"),
	}
	switch args[0] {
	case "tell":
		m.Op = smpp.USSNRequest
	case "last":
		m.Op, m.End = smpp.PSSRResponse, true
	}
	s.phone.ShowUSSD(m, s.now, &s.fx)
}

func sessionOf(text string) uint8 {
	n, _ := strconv.Atoi(text)
	return uint8(n)
}

func pin(s string) applet.PIN {
	p, err := applet.ParsePIN(s)
	if err != nil {
		panic(err)
	}
	return p
}

func ref(s string) applet.BillRef {
	n, _ := strconv.Atoi(s)
	return applet.BillRef{7: byte(n)}
}

func (s *stage) bill(id, amount, life string) *applet.Bill {
	n, _ := strconv.Atoi(amount)
	d, _ := time.ParseDuration(life)
	b := sampleBill()
	if b.Ref = ref(id); d > 0 {
		b.Expires = s.now.Add(d)
	}
	b.Amount = moneyAmount(n)
	return b
}

// keysOf brings new packet keys; what is in them is the element's affair.
func keysOf(version string) *applet.Keys {
	n, _ := strconv.Atoi(version)
	return &applet.Keys{Version: uint8(n), Wrapped: make([]byte, 8+8+4*scp80.Modern.KeyLen())}
}

func (s *stage) result(id, code string, rest []string) *applet.Result {
	r := &applet.Result{Ref: ref(id), Code: applet.ResponseCode(code), Time: s.now, Currency: "CNY", Text: "as decided"}
	if len(rest) > 0 {
		r.CardTail = rest[0]
	}
	if len(rest) > 1 {
		n, _ := strconv.Atoi(rest[1])
		r.TriesLeft = n
	}
	return r
}

func (s *stage) arrive(m applet.Message) {
	packet := append([]byte("secured"), applet.Encode(scp80.Modern, m)...)
	s.phone.Packet(handsetsim.Arrival{From: "10658", Packet: packet, Octets: len(packet), At: s.now}, &s.fx)
}

// run lets time pass, waking the phone when it wants to be.
func (s *stage) run(d string) error {
	length, err := time.ParseDuration(d)
	if err != nil {
		return err
	}
	end := s.now.Add(length)
	for range 1000 {
		next := s.phone.Next()
		if next.IsZero() || next.After(end) {
			s.now = end
			return nil
		}
		if next.After(s.now) {
			s.now = next
		}
		s.phone.Wake(s.now, &s.fx)
		s.flush()
	}
	return errors.New("the phone is woken without end")
}

func (s *stage) list() {
	for _, v := range s.phone.Bills() {
		fmt.Fprintf(s.out, "  bill %d %v, declined %v, wrong PINs %d, %q %q\n", v.Bill.Ref[7], v.State, v.Declined, v.WrongPINs, v.Code, v.Text)
	}
	for _, m := range s.phone.Inbox() {
		fmt.Fprintf(s.out, "  sms from %s: %s\n", m.From, m.Text)
	}
	fmt.Fprintf(s.out, "  drops %d\n", s.phone.Drops())
}

func (s *stage) flush() {
	at := s.now.Sub(s.start).Round(time.Millisecond)
	for _, e := range s.fx.Events {
		fmt.Fprintf(s.out, "  %v - %s", at, e.Kind)
		if e.Detail != "" {
			fmt.Fprintf(s.out, " (%s)", strings.ReplaceAll(e.Detail, "\n", " / "))
		}
		fmt.Fprintln(s.out)
	}
	for _, m := range s.fx.Sends {
		if u := m.USSD; u != nil {
			typed := strings.NewReplacer("2580", "the PIN", "2581", "another PIN").Replace(u.Text)
			fmt.Fprintf(s.out, "  %v -> %s, session %d, %v: %s\n", at, m.Name, u.Session, u.Op, typed)
			continue
		}
		fmt.Fprintf(s.out, "  %v -> %s, packet %s\n", at, m.Name, m.Packet[:2])
	}
	s.fx.Reset()
}

// fakeElement opens what begins with "secured", and numbers what it wraps.
type fakeElement struct{ counter int }

var errForged = errors.New("refused")

func (*fakeElement) Open(packet []byte) ([]byte, error) {
	payload, ok := bytes.CutPrefix(packet, []byte("secured"))
	if !ok {
		return nil, errForged
	}
	return payload, nil
}

func (f *fakeElement) Wrap(payload []byte) ([]byte, error) {
	f.counter++
	return fmt.Appendf(nil, "%02d%s", f.counter, payload), nil
}

func (f *fakeElement) Pay(r se.PayRequest) ([]byte, error) {
	return fmt.Appendf(nil, "PAY slot %d", r.Slot), nil
}

func (*fakeElement) Suite() scp80.Suite { return scp80.Modern }

func (*fakeElement) Cards() []se.Card {
	return []se.Card{{Slot: 1, Alias: "blue", Masked: "622588******1111"}, {Slot: 2, Alias: "green", Masked: "622588******2222"}}
}
