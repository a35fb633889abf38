package peers

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/trace"
)

// recorded makes a recording of packets that were never sent: each in a TCP segment of
// its own to the port.
func recorded(t testing.TB, port int, packets ...[]byte) *Tap {
	t.Helper()
	return traced(t, func(tr *trace.Trace) {
		flow := tr.Dialled(loopback(40000), loopback(port), time.Now())
		for _, packet := range packets {
			flow.Out(packet, time.Now())
		}
	}, port)
}

// traced makes a recording of what our own trace has of the ports.
func traced(t testing.TB, record func(*trace.Trace), ports ...int) *Tap {
	t.Helper()
	Want(t, "tshark")
	var written bytes.Buffer
	tr := trace.New(trace.Config{To: &written})
	record(tr)
	ctx, stop := context.WithCancel(t.Context())
	stop() // Serve writes what there is, and ends
	if err := tr.Serve(ctx); err != nil {
		t.Fatal(err)
	}
	tap := &Tap{t: t, ports: ports, file: filepath.Join(t.TempDir(), "traced.pcapng")}
	if err := os.WriteFile(tap.file, written.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return tap
}

func loopback(port int) *net.TCPAddr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }
