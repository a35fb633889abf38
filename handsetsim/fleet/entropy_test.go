package fleet

import (
	"crypto/rand"
	"testing"
)

// Random octets are drawn once before the tests: in FIPS 140 mode the first ones come
// of timing the processor, and no time passes in a bubble.
func TestMain(m *testing.M) {
	_, _ = rand.Read(make([]byte, 1)) // never fails
	m.Run()
}
