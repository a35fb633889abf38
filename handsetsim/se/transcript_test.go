package se

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

	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the transcripts with what happened")

// TestTranscripts plays the files of testdata/transcripts: lines that begin with ">"
// are done, "#" is talk, and the lines after a command are what crossed the air, to
// the element ("<-") and from it ("->"), as TP-PID, TP-DCS and TP-UD, and what the
// element made of it.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, scp80.Legacy.String()) && len(suites()) == 1 {
				t.Skip("FIPS 140 knows no 3DES any more")
			}
			want := must(os.ReadFile(file))
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
	t.Helper()
	s := &stage{store: new(store)}
	lines := bufio.NewScanner(bytes.NewReader(script))
	for lines.Scan() {
		line := lines.Text()
		command, ok := strings.CutPrefix(line, "> ")
		if ok || line == "" || strings.HasPrefix(line, "#") {
			fmt.Fprintln(&s.out, line)
		}
		if !ok {
			continue
		}
		if err := s.do(strings.Fields(command)); err != nil {
			fmt.Fprintf(&s.out, "  ! %v\n", err)
		}
	}
	return s.out.Bytes()
}

// stage is an element and the platform's side of it.
type stage struct {
	out     bytes.Buffer
	world   *world
	store   *store
	element *Element
	counter uint64 // of packets to the element
	version uint8  // of the keys that the platform uses
	last    []byte // packet to the element
}

func (s *stage) do(args []string) error {
	switch args[0] {
	case "element":
		return s.begin(args[1], args[2], args[3])
	case "bill":
		s.deliver(s.world.toHandset()[0])
	case "result":
		s.deliver(s.world.toHandset()[1])
	case "keys":
		n, _ := strconv.Atoi(args[1])
		s.deliver(s.world.keys(uint8(n)))
	case "use": // from now on the platform uses a version of the keys
		n, _ := strconv.Atoi(args[1])
		s.version = uint8(n)
	case "replay":
		s.arrive(s.last)
	case "forge":
		s.last[len(s.last)-1] ^= 1
		s.arrive(s.last)
	case "open":
		return s.say(&applet.Open{Ref: applet.BillRef{7: 1}, Status: applet.Delivered, Time: time.Unix(1_800_000_000, 0), Slots: 2, Version: 1})
	case "keyed":
		return s.say(&applet.Keyed{Version: s.element.KeyVersion()})
	case "pay":
		slot, _ := strconv.Atoi(args[1])
		payload, err := s.element.Pay(request(slot))
		if err != nil {
			return err
		}
		fmt.Fprintf(&s.out, "  payload %x\n", payload)
		return s.leave(payload)
	case "restart":
		s.element = must(New(Config{ID: element, Form: s.element.form, Rand: seeded(2), Counters: s.store, Contents: s.store}))
	default:
		return errors.New("no such command")
	}
	return nil
}

// begin makes an element and personalises it at the branch.
func (s *stage) begin(form, suite, cards string) error {
	f, n := must(applet.ParseForm(form)), must(strconv.Atoi(cards))
	s.world, s.version = newWorld(must(scp80.ParseSuite(suite)), n), 1
	s.element = must(New(Config{ID: element, Form: f, Rand: seeded(1), Counters: s.store, Contents: s.store}))
	if err := s.element.Personalise(s.world.seal(s.element)); err != nil {
		return err
	}
	for _, c := range s.element.Cards() {
		fmt.Fprintf(&s.out, "  card %d: %s %s %s\n", c.Slot, c.Alias, c.Masked, c.Expiry)
	}
	return nil
}

// deliver sends a message to the element the way of its form.
func (s *stage) deliver(m applet.Message) {
	s.counter++
	s.last = s.world.send(s.version, s.counter, m)
	s.arrive(s.last)
}

func (s *stage) arrive(packet []byte) {
	ref := tpdu.Reference{Number: uint16(s.counter)}
	var segments []tpdu.Segment
	if s.element.Form().InSIM() {
		segments = must(tpdu.ToSIM(packet, ref))
	} else {
		segments = must(tpdu.ByPort(tpdu.Ports{Destination: applet.Port, Source: applet.Port}, packet, ref))
	}
	s.show("<-", segments)
	reached, ok := s.element.Reached(joined(segments))
	if !ok {
		fmt.Fprintln(&s.out, "  ! not reached")
		return
	}
	payload, err := s.element.Open(reached)
	if err != nil {
		fmt.Fprintf(&s.out, "  ! %v\n", err)
		return
	}
	m := must(applet.Decode(s.element.Suite(), payload))
	fmt.Fprintf(&s.out, "  %s opened, counter %d, keys of version %d\n", m.Type(), s.element.state.Received, s.element.KeyVersion())
}

// joined is the message that segments are the parts of.
func joined(segments []tpdu.Segment) (whole tpdu.Segment) {
	parts := must(tpdu.NewReassembler(tpdu.Limits{}))
	for _, segment := range segments {
		whole, _, _ = parts.Add(time.Time{}, tpdu.Link{}, segment)
	}
	return whole
}

func (s *stage) say(m applet.Message) error { return s.leave(applet.Encode(s.element.Suite(), m)) }

// leave has the element wrap a payload and send it, and the platform open it.
func (s *stage) leave(payload []byte) error {
	packet, err := s.element.Wrap(payload)
	if err != nil {
		return err
	}
	s.show("->", must(s.element.Carry(packet, tpdu.Reference{})))
	counter, got, err := s.world.read(s.element.KeyVersion(), packet)
	if err != nil || !bytes.Equal(got, payload) {
		return fmt.Errorf("the platform does not read it: %w", err)
	}
	fmt.Fprintf(&s.out, "  %s, counter %d\n", must(applet.Decode(s.element.Suite(), got)).Type(), counter)
	return nil
}

func (s *stage) show(arrow string, segments []tpdu.Segment) {
	for _, segment := range segments {
		fmt.Fprintf(&s.out, "  %s PID %02X DCS %02X UD %x\n", arrow, segment.Protocol, segment.Coding, must(segment.UserData()))
	}
}
