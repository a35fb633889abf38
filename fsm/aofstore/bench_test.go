package aofstore_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/fsm/enginetest"
)

// BenchmarkReplay opens a directory with the file of so many bills, all of them finished.
func BenchmarkReplay(b *testing.B) {
	dir := b.TempDir()
	s, err := open(dir)
	if err != nil {
		b.Fatal(err)
	}
	enginetest.Benchmark(b, s, parts, 4096)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "appendonly.aof"))
	if err != nil {
		b.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	b.StartTimer()
	s, err = aofstore.Open(b.Context(), aofstore.Options{Dir: dir, Listener: ln, Partitions: parts})
	if err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "bills/s")
	b.ReportMetric(float64(info.Size())/float64(b.N), "octets/bill")
}
