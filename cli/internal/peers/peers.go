// Package peers brings in judges that nobody here wrote: an SMPP client from npm
// (node-smpp, SMPP 5.0 and so 3.4) and the dissector of Wireshark (tshark). What
// they accept is right by more than our own reading of the standards.
//
// They cost seconds and need programs that a clone does not bring, so a test that
// calls Want runs only when asked: AIRTILL_PEERS=1 uses the peers that are
// installed, AIRTILL_REQUIRE_PEERS=1 (as .ci/run sets it) fails when one is not.
package peers

import (
	"os"
	"os/exec"
	"testing"
)

// Want lets the test go on only when outside peers are asked for and all the
// programs are there.
func Want(t testing.TB, programs ...string) {
	t.Helper()
	required := os.Getenv("AIRTILL_REQUIRE_PEERS") == "1"
	if !required && os.Getenv("AIRTILL_PEERS") != "1" {
		t.Skip("outside peers run with AIRTILL_PEERS=1")
	}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil && required {
			t.Fatalf("%s is required and not installed", program)
		} else if err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
}
