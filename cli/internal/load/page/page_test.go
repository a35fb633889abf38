package page

import (
	"bytes"
	"os"
	"testing"

	"github.com/airtill/airtill/cli/internal/load"
)

func written(t testing.TB, r *load.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDraft(t *testing.T) {
	b := written(t, newSample(7, 1000, 30).result(t))
	t.Log(len(b))
	os.WriteFile("/tmp/loadpage-npm/r.html", b, 0o644)
}
