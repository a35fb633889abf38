package peers

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/decode"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/platform/scp80"
)

// The dissector that airtill ships reads the clear part of every packet of a live run
// in tshark, and complains of nothing.
func TestDissectorReadsALiveRun(t *testing.T) {
	Want(t, "tshark")
	for suite, keys := range map[scp80.Suite][2]string{scp80.Modern: {"0x12", "0x22"}, scp80.Legacy: {"0x35", "0x45"}} {
		t.Run(suite.String(), func(t *testing.T) {
			address := freeAddress(t)
			tap := Listen(t, address.Port)
			payOnce(t, suite, address.String())
			tap.Stop()
			seen := map[string]int{}
			for _, row := range tap.Plugin(decode.TsharkPlugin, "scp80.cpl", "scp80.chl", "scp80.spi", "scp80.kic", "scp80.kid", "scp80.tar", "scp80.secured") {
				for i := range row[0] {
					if got, want := []string{row[1][i], row[2][i], row[5][i]}, []string{"21", "0x1600", "0xb10001"}; !slices.Equal(got, want) {
						t.Errorf("CHL, SPI and TAR read as %v, want %v", got, want)
					}
					if cpl, _ := strconv.Atoi(row[0][i]); len(row[6][i]) != 2*(cpl-8) {
						t.Errorf("CPL %s, and %d octets ciphered", row[0][i], len(row[6][i])/2)
					}
					seen[row[3][i]+" "+row[4][i]]++
				}
			}
			// each is on the wire twice: to the carrier and from it
			mo, mt := keys[0]+" "+keys[0], keys[1]+" "+keys[1]
			if len(seen) != 2 || seen[mo] < 4 || seen[mt] < 2 { // the result may come after the end
				t.Errorf("packets by KIc and KID: %v", seen)
			}
		})
	}
}

// freeAddress is a port that nobody listens at.
func freeAddress(t *testing.T) *net.TCPAddr {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr)
}

// dissected is a vector and what the dissector is to find in it.
type dissected struct {
	ID, Kind, SPI, KIc, KID, TAR, CNTR, CC, Status string
	UserData                                       string `json:"tp_ud"`
}

// The dissector reads the packets of other programs, responses and packets in clear
// among them, as the vectors say they are (wire.md 1.9).
func TestDissectorReadsTheVectors(t *testing.T) {
	text, err := os.ReadFile("../decode/testdata/scp80.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []dissected }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var pdus [][]byte
	for i, v := range file.Vectors {
		pdus = append(pdus, vectorPDU(t, uint32(i+1), v))
	}
	tap := recorded(t, 2775, pdus...)
	rows := tap.Plugin(decode.TsharkPlugin, "scp80.tar", "scp80.cpl", "scp80.rpl", "scp80.spi", "scp80.kic", "scp80.kid", "scp80.cntr", "scp80.cc", "scp80.status")
	if len(rows) != len(file.Vectors) {
		t.Fatalf("%d packets read, want %d", len(rows), len(file.Vectors))
	}
	for i, v := range file.Vectors {
		checkRow(t, v, rows[i])
	}
}

func checkRow(t *testing.T, v dissected, row [][]string) {
	t.Helper()
	only := func(i int) string { return strings.Join(row[i], ",") }
	if only(0) != "0x"+v.TAR {
		t.Errorf("%s: TAR %s", v.ID, only(0))
	}
	if v.Kind == "response" {
		if only(2) == "" || only(3) != "" {
			t.Errorf("%s: RPL %q, SPI %q of a response", v.ID, only(2), only(3))
		}
	} else if only(3) != "0x"+v.SPI || only(4) != "0x"+v.KIc || only(5) != "0x"+v.KID {
		t.Errorf("%s: SPI %s, KIc %s, KID %s", v.ID, only(3), only(4), only(5))
	}
	if only(6) == "" {
		return // ciphered
	}
	counter, err := strconv.ParseUint(v.CNTR, 16, 64)
	if err != nil || only(6) != fmt.Sprint(counter) || only(7) != v.CC || v.Status != "" && only(8) != "0x"+v.Status {
		t.Errorf("%s: CNTR %s, CC %s, STATUS %s in clear", v.ID, only(6), only(7), only(8))
	}
}

// vectorPDU carries a vector to a card in the SIM.
func vectorPDU(t *testing.T, sequence uint32, v dissected) []byte {
	t.Helper()
	ud, err := hex.DecodeString(v.UserData)
	if err != nil {
		t.Fatal(err)
	}
	pdu, err := smpp.Append(nil, smpp.PDU{Sequence: sequence, Body: &smpp.SubmitSM{
		Source: smpp.Address{Digits: "10658"}, Destination: smpp.Address{TON: 1, NPI: 1, Digits: "8613800000001"},
		ESMClass: smpp.ESMUDHI, ProtocolID: smpp.PIDSIMDownload, DataCoding: smpp.CodingClass2B, ShortMessage: ud,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return pdu
}

// A judge that hears nothing when a dissector fails would be no judge.
func TestPluginComplaintsAreHeard(t *testing.T) {
	tap := recorded(t, 2775, pdu(0x15, 1, ""))
	_, said, err := tap.tshark("-X", "lua_script:"+writeFile(t, "broken.lua", "no such thing"))
	if err == nil && !strings.Contains(said, "broken.lua") {
		t.Errorf("tshark said %q of a broken dissector", said)
	}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := t.TempDir() + "/" + name
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
