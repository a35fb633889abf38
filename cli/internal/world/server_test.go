package world_test

import (
	"regexp"
	"testing"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
)

// TestServer: a store says what it is kept in, and which process of this machine that is.
func TestServer(t *testing.T) {
	memory, err := world.OpenStore(t.Context(), &network.Memory{}, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = memory.Close() }()
	if got := memory.Server(t.Context()); got != (world.Server{Name: "embedded, in memory"}) {
		t.Errorf("%+v", got)
	}
	child, err := world.OpenChild(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Close() }()
	got := child.Server(t.Context())
	if !regexp.MustCompile(`^redis \d+\.\d+\.\d+, appendfsync always$`).MatchString(got.Name) || got.PID == 0 {
		t.Errorf("%+v", got)
	}
}
