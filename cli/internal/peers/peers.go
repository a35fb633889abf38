// Package peers brings in judges that nobody here wrote: SMPP clients from npm
// (node-smpp, SMPP 5.0 and so 3.4) and in Perl (Net::SMPP), the SMS gateway Kannel,
// the dissector of Wireshark (tshark), and for pages the browser Chromium with the
// accessibility rules of axe-core. What they accept is right by more than our own reading
// of the standards.
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
	asked(t)
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program)
		}
	}
}

// WantPerl lets the test go on only when outside peers are asked for and perl has
// the module.
func WantPerl(t testing.TB, module string) {
	t.Helper()
	asked(t)
	if err := exec.CommandContext(t.Context(), "perl", "-M"+module, "-e", "1").Run(); err != nil {
		missing(t, "perl with "+module)
	}
}

func required() bool { return os.Getenv("AIRTILL_REQUIRE_PEERS") == "1" }

func asked(t testing.TB) {
	t.Helper()
	if !required() && os.Getenv("AIRTILL_PEERS") != "1" {
		t.Skip("outside peers run with AIRTILL_PEERS=1")
	}
}

func missing(t testing.TB, peer string) {
	t.Helper()
	if required() {
		t.Fatalf("%s is required and not installed", peer)
	}
	t.Skipf("%s is not installed", peer)
}
