package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The npm packages that a browser is driven and judged with.
const (
	playwright = "playwright-core@1.65.1"
	axe        = "axe-core@4.14.1"
)

// Browse runs a script that drives the distribution's Chromium, and returns what it
// printed. The script may require playwright-core and axe-core; its first argument is the
// browser, the others are those given.
func Browse(t testing.TB, name string, text []byte, args ...string) []byte {
	t.Helper()
	Want(t, "node", "npm", "chromium")
	var modules []string
	for _, spec := range []string{playwright, axe} {
		installed, err := install(t, spec)
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, installed)
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", append([]string{script(t, name, text), browser}, args...)...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+strings.Join(modules, string(filepath.ListSeparator)))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, stderr.String())
	}
	return out
}
