package redisstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// said is an error as a server answers it.
type said string

func (e said) Error() string { return string(e) }
func (said) RedisError()     {}

// What every error that is known means for a batch, in one table.
func TestOutcomeOf(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	read := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	tests := []struct {
		err  error
		want outcome
	}{
		{redis.Nil, notRun}, // EXEC, when what is watched has changed
		{said("MOVED 15343 127.0.0.1:7001"), notRun},
		{said("ASK 15343 127.0.0.1:7001"), notRun},
		{said("TRYAGAIN Multiple keys request during rehashing of slot"), notRun},
		{said("CLUSTERDOWN The cluster is down"), notRun},
		{said("CLUSTERDOWN Hash slot not served"), notRun},
		{said("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."), notRun},
		{said("READONLY You can't write against a read only replica."), notRun},
		{said("NOREPLICAS Not enough good replicas to write."), notRun},
		{said("LOADING Redis is loading the dataset in memory"), notRun},
		{said("BUSY Redis is busy running a script."), notRun},
		{said("OOM command not allowed when used memory > 'maxmemory'."), notRun},
		{said("MISCONF Errors writing to the AOF file: No space left on device"), notRun},
		{said("EXECABORT Transaction discarded because of previous errors."), notRun},
		{said("EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'."), notRun},
		{said("ERR max number of clients reached"), notRun},

		{said("NOAUTH Authentication required."), refused},
		{said("WRONGPASS invalid username-password pair or user is disabled."), refused},
		{said("NOPERM this user has no permissions to run the 'mset' command"), refused},
		{said("EXECABORT Transaction discarded because of: NOPERM this user has no permissions"), refused},
		{said("DENIED Redis is running in protected mode"), refused},
		{said("CROSSSLOT Keys in request don't hash to the same slot"), refused},
		{said("ERR unknown command 'MULTI'"), refused},
		{said("OOMPH is no word that is known"), refused},

		{dial, notRun},
		{fmt.Errorf("dial: %w", dial), notRun},
		{redis.ErrPoolTimeout, notRun},
		{redis.ErrClosed, notRun},

		{read, unknown},
		{io.EOF, unknown},
		{io.ErrUnexpectedEOF, unknown},
		{os.ErrDeadlineExceeded, unknown},
		{context.DeadlineExceeded, unknown},
		{errors.New("redis: can't parse"), unknown},
	}
	for _, tt := range tests {
		for _, err := range []error{tt.err, fmt.Errorf("mset: %w", tt.err)} {
			if got := outcomeOf(err); got != tt.want {
				t.Errorf("%v: %s, want %s", err, got, tt.want)
			}
		}
	}
}
