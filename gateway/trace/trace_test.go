package trace_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/trace"
)

var update = flag.Bool("update", false, "write the golden file anew")

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func tcp(address string) net.Addr {
	a, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		panic(err)
	}
	return a
}

var server, client = tcp("127.0.0.1:2775"), tcp("127.0.0.1:40001")

// pdu makes an SMPP 3.4 PDU by hand.
func pdu(command, sequence uint32, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(body)))
	b = binary.BigEndian.AppendUint32(b, command)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, sequence)
	return append(b, body...)
}

var (
	bind       = pdu(0x00000009, 1, "kannel\x00secret\x00\x00\x34\x00\x00\x00")
	bindResp   = pdu(0x80000009, 1, "AIRTILL\x00\x02\x10\x00\x01\x34")
	submit     = pdu(0x00000004, 2, "\x00\x01\x0110658\x00\x01\x018613800000001\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x05hello")
	submitResp = pdu(0x80000004, 2, "0000000100000001\x00")
	unbind     = pdu(0x00000006, 3, "")
	unbindResp = pdu(0x80000006, 3, "")
)

// small is a session of three requests.
func small(tr *trace.Trace) {
	at := noon
	next := func() time.Time { at = at.Add(1234567 * time.Nanosecond); return at }
	f := tr.Accepted(server, client, at)
	f.In(bind, next())
	f.Out(bindResp, next())
	f.In(submit, next())
	f.Out(submitResp, next())
	f.In(unbind, next())
	f.Out(unbindResp, next())
	f.Close(next())
}

// written is the file of what happens in record.
func written(t testing.TB, c trace.Config, record func(*trace.Trace)) []byte {
	t.Helper()
	var file bytes.Buffer
	c.To = &file
	tr := trace.New(c)
	record(tr)
	ended, end := context.WithCancel(context.Background())
	end()
	if err := tr.Serve(ended); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestGolden(t *testing.T) {
	got := written(t, trace.Config{Comment: trace.DecodeAs(2775)}, small)
	path := filepath.Join("testdata", "small.pcapng")
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("not as in %s (go test -update writes it anew):\n%s", path, hex.Dump(got))
	}
}

// The connection as a peer of it would have seen it.
func TestSession(t *testing.T) {
	all := packets(t, written(t, trace.Config{}, small))
	var got []string
	for _, p := range all {
		got = append(got, fmt.Sprintf("%v>%v %02x %v %d", p.from.Port(), p.to.Port(), p.flags, p.out, len(p.payload)))
	}
	want := []string{
		"40001>2775 02 false 0", "2775>40001 12 true 0", "40001>2775 10 false 0",
		fmt.Sprintf("40001>2775 18 false %d", len(bind)), fmt.Sprintf("2775>40001 18 true %d", len(bindResp)),
		fmt.Sprintf("40001>2775 18 false %d", len(submit)), fmt.Sprintf("2775>40001 18 true %d", len(submitResp)),
		"40001>2775 18 false 16", "2775>40001 18 true 16",
		"2775>40001 11 true 0", "40001>2775 11 false 0", "2775>40001 10 true 0",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !all[3].at.Equal(noon.Add(1234567)) {
		t.Errorf("the bind came at %v", all[3].at)
	}
	if !bytes.Equal(all[5].payload, submit) {
		t.Errorf("submit_sm % x", all[5].payload)
	}
}

// Who dials sends the SYN; IPv6 is IPv6; IPv4 in IPv6 is IPv4; and a connection in
// memory has addresses too.
func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		local, remote net.Addr
		dialled       bool
		from, to      string
	}{
		{server, client, false, "127.0.0.1:40001", "127.0.0.1:2775"},
		{client, server, true, "127.0.0.1:40001", "127.0.0.1:2775"},
		{tcp("[::1]:2775"), tcp("[::1]:40001"), false, "[::1]:40001", "[::1]:2775"},
		{tcp("[fe80::1%lo]:2775"), tcp("[fe80::2%lo]:40001"), false, "[fe80::2]:40001", "[fe80::1]:2775"},
		{&net.TCPAddr{IP: net.ParseIP("::ffff:10.0.0.1"), Port: 2775}, tcp("10.0.0.2:40001"), false, "10.0.0.2:40001", "10.0.0.1:2775"},
		{&net.IPAddr{}, &net.IPAddr{}, false, "192.0.2.2:49153", "192.0.2.1:2775"},
		{nil, nil, true, "192.0.2.2:49153", "192.0.2.1:2775"},
	} {
		p := packets(t, written(t, trace.Config{}, func(tr *trace.Trace) {
			if c.dialled {
				tr.Dialled(c.local, c.remote, noon)
			} else {
				tr.Accepted(c.local, c.remote, noon)
			}
		}))[0]
		if p.from.String() != c.from || p.to.String() != c.to || p.flags != syn || p.out != c.dialled {
			t.Errorf("%v and %v: %+v", c.local, c.remote, p)
		}
	}
}

// Several PDUs given at once are a packet each; one over a segment is several; what
// is no PDU is kept as it came.
func TestEdges(t *testing.T) {
	large := pdu(0x00000004, 1, strings.Repeat("x", 70_000))
	for name, c := range map[string]struct {
		octets []byte
		want   int
	}{
		"three":          {bytes.Repeat(unbind, 3), 3},
		"70,016 octets":  {large, 49},
		"HTTP":           {[]byte("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"), 1},
		"half a header":  {unbind[:8], 1},
		"length 0":       {make([]byte, 16), 1},
		"one and a half": {append(bytes.Clone(unbind), unbind[:9]...), 2},
		"nothing":        {nil, 0},
	} {
		var got []byte
		n := 0
		for _, p := range packets(t, written(t, trace.Config{}, func(tr *trace.Trace) { tr.Accepted(server, client, noon).In(c.octets, noon) })) {
			got = append(got, p.payload...)
			if len(p.payload) > 0 {
				n++
			}
		}
		if n != c.want || !bytes.Equal(got, c.octets) {
			t.Errorf("%s: %d packets of %d octets, want %d of %d", name, n, len(got), c.want, len(c.octets))
		}
	}
}

// No password of a bind or outbind is in the file, unless asked for (SMPP 3.4 §4.1).
func TestPasswords(t *testing.T) {
	const secret = "s3cr3tpw"
	for name, octets := range map[string][]byte{
		"bind_receiver":     pdu(1, 1, "kannel\x00"+secret+"\x00\x00\x34\x00\x00\x00"),
		"bind_transmitter":  pdu(2, 1, "kannel\x00"+secret+"\x00\x00\x34\x00\x00\x00"),
		"bind_transceiver":  pdu(9, 1, "kannel\x00"+secret+"\x00\x00\x34\x00\x00\x00"),
		"outbind":           pdu(11, 1, "kannel\x00"+secret+"\x00"),
		"second of two":     append(bytes.Clone(unbind), pdu(9, 1, "kannel\x00"+secret+"\x00")...),
		"no end":            pdu(9, 1, "kannel\x00"+secret),
		"system_id long":    pdu(9, 1, "kannel_of_the_north\x00"+secret+"\x00"),
		"system_id of 16":   pdu(9, 1, "kannel_of_north_"+secret+"\x00"),
		"length says 8":     append([]byte{0, 0, 0, 8}, pdu(9, 1, "kannel\x00"+secret+"\x00")[4:]...),
		"length says large": append([]byte{9, 0, 0, 8}, pdu(9, 1, "kannel\x00"+secret+"\x00")[4:]...),
		"cut off":           pdu(9, 1, "kannel\x00"+secret+"\x00")[:16+7+8],
	} {
		record := func(tr *trace.Trace) {
			given := bytes.Clone(octets)
			tr.Accepted(server, client, noon).In(given, noon)
			if !bytes.Equal(given, octets) {
				t.Errorf("%s: the caller's octets are changed", name)
			}
		}
		file := written(t, trace.Config{}, record)
		if bytes.Contains(file, []byte(secret)) || !bytes.Contains(file, []byte("********")) {
			t.Errorf("%s: the file has the password\n%s", name, hex.Dump(file))
		}
		if !bytes.Contains(written(t, trace.Config{KeepSecrets: true}, record), []byte(secret)) {
			t.Errorf("%s: the password was not kept", name)
		}
	}
}

// What a user types in a USSD session may be a PIN; what an application asks is none.
func TestTyped(t *testing.T) {
	ussd := func(op smpp.USSDOp, coding uint8, text string) smpp.Body {
		return &smpp.DeliverSM{ServiceType: smpp.USSDServiceType, DataCoding: coding, ShortMessage: []byte(text), TLVs: smpp.TLVs{smpp.USSDOpTLV(op)}}
	}
	for name, tt := range map[string]struct {
		body   smpp.Body
		text   string
		hidden bool
	}{
		"an answer":                     {ussd(smpp.USSRConfirm, 0, "271828"), "271828", true},
		"an answer in words":            {ussd(smpp.USSRConfirm, 0, "later, please"), "later, please", true},
		"a dialect with one operation":  {ussd(smpp.USSRRequest, 0, "271828"), "271828", true},
		"digits in UCS2":                {ussd(smpp.USSRRequest, smpp.CodingUCS2, "\x002\x007\x001"), "\x002\x007\x001", true},
		"a menu":                        {ussd(smpp.USSRRequest, 0, "1 pay 2 refuse"), "1 pay 2 refuse", false},
		"a code that is dialled":        {ussd(smpp.PSSRIndication, 0, "*120*271828#"), "*120*271828#", false},
		"no operation but service_type": {&smpp.SubmitSM{ServiceType: smpp.USSDServiceType, ShortMessage: []byte("271828")}, "271828", true},
		"data_sm": {&smpp.DataSM{TLVs: smpp.TLVs{
			smpp.USSDOpTLV(smpp.USSRConfirm), {Tag: smpp.TagMessagePayload, Value: []byte("271828")},
		}}, "271828", true},
		"a short message": {&smpp.SubmitSM{ShortMessage: []byte("271828")}, "271828", false},
	} {
		octets, err := smpp.Append(nil, smpp.PDU{Sequence: 7, Body: tt.body})
		if err != nil {
			t.Fatal(err)
		}
		record := func(tr *trace.Trace) { tr.Accepted(server, client, noon).In(bytes.Clone(octets), noon) }
		file := written(t, trace.Config{}, record)
		if got := !bytes.Contains(file, []byte(tt.text)); got != tt.hidden {
			t.Errorf("%s: hidden %t", name, got)
		}
		if whole := written(t, trace.Config{KeepSecrets: true}, record); len(whole) != len(file) || !bytes.Contains(whole, []byte(tt.text)) {
			t.Errorf("%s: it was not kept", name)
		}
	}
}

// What does not fit is left out whole; the next packet and the end say so.
func TestFullQueue(t *testing.T) {
	left := uint64(0)
	file := written(t, trace.Config{Queue: 1000}, func(tr *trace.Trace) {
		f := tr.Accepted(server, client, noon)
		for range 100 {
			f.In(unbind, noon)
		}
		f.In(bytes.Repeat(unbind, 3), noon)
		left = tr.Left()
	})
	got := 0
	for _, p := range packets(t, file) {
		if len(p.payload) > 0 {
			got++
		}
	}
	if left == 0 || uint64(got)+left != 103 {
		t.Errorf("%d PDUs recorded, %d left out", got, left)
	}
	if want := fmt.Sprintf("%d PDUs recorded, %d not", got, left); !bytes.Contains(file, []byte(want)) {
		t.Errorf("the file does not say %q", want)
	}
}

// While the file cannot be written, sessions go on; when it can, the file tells
// what is missing.
func TestSlowFileIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowFile{gate: make(chan struct{})}
		tr := trace.New(trace.Config{To: slow, Queue: 2000})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := tr.Serve(ctx); err != nil {
				t.Error(err)
			}
		})
		f := tr.Accepted(server, client, time.Now())
		for range 100 {
			f.In(unbind, time.Now())
		}
		close(slow.gate)
		time.Sleep(time.Second)
		f.In(submit, time.Now())
		time.Sleep(time.Second)
		synctest.Wait()
		all := packets(t, slow.octets()) // before the end: as after a crash
		last := all[len(all)-1]
		if want := fmt.Sprintf("%d PDUs (%d octets) before this packet", tr.Left(), 16*tr.Left()); !strings.HasPrefix(last.comment, want) {
			t.Errorf("comment %q, want %q", last.comment, want)
		}
		if !bytes.Equal(last.payload, submit) {
			t.Errorf("last % x", last.payload)
		}
		stop()
		wg.Wait()
	})
}

type slowFile struct {
	gate chan struct{}
	mu   sync.Mutex
	file []byte
}

func (s *slowFile) Write(b []byte) (int, error) {
	<-s.gate
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file = append(s.file, b...)
	return len(b), nil
}

func (s *slowFile) octets() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.file)
}

type brokenFile struct{}

var errFull = errors.New("no space left on device")

func (brokenFile) Write([]byte) (int, error) { return 0, errFull }

func TestBrokenFile(t *testing.T) {
	tr := trace.New(trace.Config{To: brokenFile{}})
	if err := tr.Serve(t.Context()); !errors.Is(err, errFull) {
		t.Errorf("serve: %v", err)
	}
	small(tr) // and nobody minds
}

func TestNil(t *testing.T) {
	var tr *trace.Trace
	small(tr)
	if f := tr.Dialled(client, server, noon); f != nil || tr.Left() != 0 {
		t.Error("a nil Trace does something")
	}
}

// Sequence numbers of each end count its octets, SYN and FIN; acknowledgements are
// what the other end has sent; and put together by their numbers the segments are
// what was recorded (RFC 9293 §3.4), for any number of connections at a time.
func TestSequenceNumbers(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		const flows = 3
		var in, out [flows][]byte
		file := written(t, trace.Config{}, func(tr *trace.Trace) {
			var open [flows]*trace.Flow
			for i := range open {
				open[i] = tr.Accepted(server, tcp(fmt.Sprint("127.0.0.1:", 40000+i)), noon)
			}
			for range rapid.IntRange(0, 20).Draw(r, "steps") {
				i := rapid.IntRange(0, flows-1).Draw(r, "flow")
				p := pdu(4, 1, strings.Repeat("x", rapid.SampledFrom([]int{0, 1, 5, 1423, 1424, 1425, 2864, 2865, 5000}).Draw(r, "length")))
				if rapid.Bool().Draw(r, "in") {
					open[i].In(p, noon)
					in[i] = append(in[i], p...)
				} else {
					open[i].Out(p, noon)
					out[i] = append(out[i], p...)
				}
			}
			for i := range open {
				open[i].Close(noon)
			}
		})
		type end struct{ from, to string }
		next := make(map[end]uint32)
		streams := make(map[end][]byte)
		for _, p := range packets(t, file) {
			me, other := end{p.from.String(), p.to.String()}, end{p.to.String(), p.from.String()}
			if p.flags&syn == 0 && p.seq != next[me] {
				r.Fatalf("%v: sequence number %d, want %d", me, p.seq, next[me])
			}
			if p.flags&ack != 0 && p.ack != next[other] {
				r.Fatalf("%v: acknowledges %d, want %d", me, p.ack, next[other])
			}
			next[me] = p.seq + uint32(len(p.payload))
			if p.flags&(syn|fin) != 0 {
				next[me]++
			}
			streams[me] = append(streams[me], p.payload...)
		}
		for i := range flows {
			s, c := server.String(), fmt.Sprint("127.0.0.1:", 40000+i)
			if !bytes.Equal(streams[end{c, s}], in[i]) || !bytes.Equal(streams[end{s, c}], out[i]) {
				r.Fatalf("connection %d: streams differ", i)
			}
		}
	})
}

// Any octets are recorded as they are, but for passwords, and of those none shows.
func FuzzRecord(f *testing.F) {
	f.Add(bind)
	f.Add(append(bytes.Clone(submit), bind...))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(pdu(11, 1, "kannel"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		var got []byte
		for _, p := range packets(t, written(t, trace.Config{KeepSecrets: true}, func(tr *trace.Trace) { tr.Accepted(server, client, noon).In(octets, noon) })) {
			got = append(got, p.payload...)
		}
		if !bytes.Equal(got, octets) {
			t.Fatalf("recorded % x", got)
		}
		got = got[:0]
		for _, p := range packets(t, written(t, trace.Config{}, func(tr *trace.Trace) { tr.Accepted(server, client, noon).In(octets, noon) })) {
			got = append(got, p.payload...)
		}
		if len(got) != len(octets) {
			t.Fatalf("masked: %d octets of %d", len(got), len(octets))
		}
		for i, o := range got {
			if o != octets[i] && o != '*' {
				t.Fatalf("masked: octet %d is %x", i, o)
			}
		}
	})
}

func BenchmarkIn(b *testing.B) {
	for name, flow := range map[string]*trace.Flow{"nil": nil, "recorded": served(b).Accepted(server, client, noon)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(submit)))
			for b.Loop() {
				flow.In(submit, noon)
			}
		})
	}
}

// served is a trace into nowhere until the benchmark ends.
func served(b *testing.B) *trace.Trace {
	b.Helper()
	tr := trace.New(trace.Config{To: discard{}})
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := tr.Serve(ctx); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(func() { stop(); wg.Wait() })
	return tr
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
