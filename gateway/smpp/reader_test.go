package smpp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/airtill/airtill/gateway/smpp"
)

func stream(t testing.TB, rounds int) (octets []byte, frames int) {
	for range rounds {
		for _, p := range corpus() {
			octets = append(octets, encode(t, p)...)
			frames++
		}
	}
	return octets, frames
}

func countFrames(t *testing.T, r *smpp.Reader) int {
	t.Helper()
	for n := 0; ; n++ {
		f, err := r.Next()
		if err == io.EOF {
			return n
		}
		if err != nil {
			t.Fatalf("frame %d: %v", n, err)
		}
		if _, err := smpp.Decode(f); err != nil {
			t.Fatalf("frame %d: %v", n, err)
		}
	}
}

// TCP has no message edges.
func TestReaderAnyCut(t *testing.T) {
	octets, want := stream(t, 40)
	for name, r := range map[string]io.Reader{
		"all at once":        bytes.NewReader(octets),
		"an octet at a time": iotest.OneByteReader(bytes.NewReader(octets)),
		"halves":             iotest.HalfReader(bytes.NewReader(octets)),
		"error with data":    iotest.DataErrReader(bytes.NewReader(octets)),
	} {
		t.Run(name, func(t *testing.T) {
			if got := countFrames(t, smpp.NewReader(r, 0)); got != want {
				t.Errorf("%d frames, want %d", got, want)
			}
		})
	}
}

// Buffered is how a server knows that a read's PDUs are all answered.
func TestReaderBuffered(t *testing.T) {
	octets, frames := stream(t, 1)
	r := smpp.NewReader(bytes.NewReader(octets), 0)
	if r.Buffered() {
		t.Error("buffered before a read")
	}
	for n := range frames {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if got, want := r.Buffered(), n < frames-1; got != want {
			t.Errorf("after frame %d of %d: buffered %v", n, frames, got)
		}
	}
}

// command_length is bounded before anything is made of it, §3.2.
func TestReaderLengths(t *testing.T) {
	lengths := []uint32{1 << 31, 1<<32 - 1, smpp.MaxPDU + 1, 0x48545450}
	for n := range uint32(21) {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		b := binary.BigEndian.AppendUint32(nil, n)
		b = append(b, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 0x2A, 1, 2, 3, 4)
		f, err := smpp.NewReader(bytes.NewReader(b), 0).Next()
		if n >= smpp.HeaderLen && n <= smpp.MaxPDU {
			if err != nil || len(f) != int(n) {
				t.Errorf("length %d: %d octets, %v", n, len(f), err)
			}
			continue
		}
		var fe *smpp.FrameError
		if !errors.As(err, &fe) || fe.Length != n || fe.Sequence != 0x2A {
			t.Errorf("length %d: %v", n, err)
		}
		if !errors.Is(err, smpp.RINVCMDLEN.Err()) {
			t.Errorf("length %d: error %v is not ESME_RINVCMDLEN", n, err)
		}
	}
}

func TestReaderTooLongWaitsForSequence(t *testing.T) {
	b := binary.BigEndian.AppendUint32(nil, 1<<31)
	b = append(b, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 9)
	_, err := smpp.NewReader(iotest.OneByteReader(bytes.NewReader(b)), 0).Next()
	if fe, ok := errors.AsType[*smpp.FrameError](err); !ok || fe.Sequence != 9 {
		t.Errorf("%v", err)
	}
}

func TestReaderEndWithinFrame(t *testing.T) {
	octets, _ := stream(t, 1)
	r := smpp.NewReader(bytes.NewReader(octets[:len(octets)-1]), 0)
	var err error
	for err == nil {
		_, err = r.Next()
	}
	if err != io.ErrUnexpectedEOF {
		t.Errorf("error %v", err)
	}
}

func TestReaderFullPayload(t *testing.T) {
	p := smpp.PDU{Sequence: 1, Body: &smpp.SubmitSM{TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: make([]byte, 65535)}}}}
	b := encode(t, p)
	f, err := smpp.NewReader(iotest.HalfReader(bytes.NewReader(b)), 0).Next()
	if err != nil || !bytes.Equal(f, b) {
		t.Errorf("%d octets of %d, %v", len(f), len(b), err)
	}
}
