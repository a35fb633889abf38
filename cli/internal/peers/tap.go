package peers

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Tap is a tshark that records the loopback interface.
type Tap struct {
	t     testing.TB
	ports []int
	file  string
	cmd   *exec.Cmd
	said  *bytes.Buffer // stderr
	marks chan string   // udp.length of each datagram seen
	done  chan struct{}
}

// Datagrams sent to the first port show when the recording really runs, and that
// it has come to the end. Their udp.length (8 octets more than the payload) tells
// them apart.
const (
	firstMark = 21
	lastMark  = 22
)

// patience bounds each wait for tshark.
const patience = 30 * time.Second

// Listen starts to record what goes through the TCP ports of the loopback
// interface, and returns when it does. It needs the right to capture: root.
func Listen(t testing.TB, ports ...int) *Tap {
	t.Helper()
	Want(t, "tshark")
	tap := &Tap{
		t: t, ports: ports, said: new(bytes.Buffer),
		file:  filepath.Join(t.TempDir(), "tap.pcapng"),
		marks: make(chan string, 1024),
		done:  make(chan struct{}),
	}
	var filter []string
	for _, port := range ports {
		filter = append(filter, "port "+strconv.Itoa(port))
	}
	tap.cmd = exec.CommandContext(t.Context(), "tshark", "-i", "lo", "-B", "16", "-f", strings.Join(filter, " or "),
		"-w", tap.file, "-P", "-l", "-T", "fields", "-e", "udp.length")
	tap.cmd.Stderr = tap.said
	stdout, err := tap.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tap.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go tap.watch(stdout)
	t.Cleanup(func() {
		_ = tap.cmd.Process.Kill()
		<-tap.done
		_ = tap.cmd.Wait() // a second time after Stop, to no effect
	})
	tap.awaitMark(firstMark)
	return tap
}

// watch passes on the marks; every packet prints a line, of which TCP's are empty.
func (tap *Tap) watch(stdout io.Reader) {
	defer close(tap.done)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if lines.Text() == "" {
			continue
		}
		select {
		case tap.marks <- lines.Text():
		default: // nobody waits for so many
		}
	}
}

// awaitMark sends datagrams until tshark tells of one.
func (tap *Tap) awaitMark(length int) {
	tap.t.Helper()
	conn, err := net.Dial("udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(tap.ports[0])))
	if err != nil {
		tap.t.Fatal(err)
	}
	defer conn.Close()
	tick, timeout := time.NewTicker(50*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for {
		_, _ = conn.Write(make([]byte, length-8)) // refused, for nobody listens
		select {
		case mark := <-tap.marks:
			if mark == strconv.Itoa(length) {
				return
			}
		case <-tick.C:
		case <-tap.done:
			tap.t.Fatalf("tshark has ended: %s", tap.said)
		case <-timeout:
			tap.t.Fatalf("tshark does not record: %s", tap.said)
		}
	}
}

// Stop ends the recording and has it dissected as SMPP.
func (tap *Tap) Stop() Trace {
	tap.t.Helper()
	tap.awaitMark(lastMark)
	if err := tap.cmd.Process.Signal(os.Interrupt); err != nil {
		tap.t.Fatal(err)
	}
	<-tap.done
	if err := tap.cmd.Wait(); err != nil {
		tap.t.Fatalf("tshark: %v: %s", err, tap.said)
	}
	trace, err := tap.dissect()
	if err != nil {
		tap.t.Fatal(err)
	}
	return trace
}

func (tap *Tap) dissect() (Trace, error) {
	var trace Trace
	pdml, err := tap.read("-T", "pdml", "-Y", "smpp or _ws.malformed")
	if err != nil {
		return trace, err
	}
	// tshark shows octets of a message as they are, even where XML may not have them.
	if trace, err = parsePDML(bytes.NewReader(bytes.ToValidUTF8(pdml, []byte("?")))); err != nil {
		return trace, err
	}
	lengths, err := tap.read("-T", "fields", "-e", "tcp.len", "-Y", "tcp.len > 0 and not tcp.analysis.retransmission")
	if err != nil {
		return trace, err
	}
	for field := range strings.FieldsSeq(string(lengths)) {
		n, err := strconv.Atoi(field)
		if err != nil {
			return trace, fmt.Errorf("read tcp.len: %w", err)
		}
		trace.Unread += n
	}
	trace.Unread -= trace.octets()
	if trace.Raw, err = os.ReadFile(tap.file); err != nil {
		return trace, fmt.Errorf("read recording: %w", err)
	}
	return trace, nil
}

// read has tshark go through the recording once more.
func (tap *Tap) read(args ...string) ([]byte, error) {
	out, _, err := tap.tshark(args...)
	return out, err
}

// tshark goes through the recording; said is what it prints beside the answer.
func (tap *Tap) tshark(args ...string) (out []byte, said string, err error) {
	args = append([]string{"-r", tap.file, "-2"}, args...)
	for _, port := range tap.ports {
		args = append(args, "-d", fmt.Sprintf("tcp.port==%d,smpp", port))
	}
	cmd := exec.CommandContext(tap.t.Context(), "tshark", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if out, err = cmd.Output(); err != nil {
		return nil, "", fmt.Errorf("tshark -r: %w: %s", err, &stderr)
	}
	return out, stderr.String(), nil
}

// Plugin has tshark go through the recording with a dissector
// written in Lua, and answers the fields named: a row for each packet that has the
// first one, and in it all of a field's values. Whatever the dissector complains of is
// fatal.
func (tap *Tap) Plugin(lua string, fields ...string) [][][]string {
	tap.t.Helper()
	script := filepath.Join(tap.t.TempDir(), "plugin.lua")
	if err := os.WriteFile(script, []byte(lua), 0o600); err != nil {
		tap.t.Fatal(err)
	}
	args := []string{"-X", "lua_script:" + script, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,", "-E", "separator=;", "-Y", fields[0]}
	for _, field := range fields {
		args = append(args, "-e", field)
	}
	out, said, err := tap.tshark(args...)
	if err != nil {
		tap.t.Fatal(err)
	}
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "Running as user") {
			tap.t.Errorf("tshark: %s", line)
		}
	}
	var rows [][][]string
	for line := range strings.Lines(string(out)) {
		var row [][]string
		for values := range strings.SplitSeq(strings.TrimSuffix(line, "\n"), ";") {
			row = append(row, strings.FieldsFunc(values, func(r rune) bool { return r == ',' }))
		}
		rows = append(rows, row)
	}
	return rows
}
