package enginetest_test

import (
	"os"
	"testing"

	"github.com/redis/go-redis/v9/logging"
)

// go-redis tells each dial that fails to stderr, and here servers are killed on purpose.
func TestMain(m *testing.M) {
	logging.Disable()
	os.Exit(m.Run())
}
