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

// What every error that is known means for a batch, in one table.
func TestOutcomeOf(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	read := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	tests := []struct {
		err  error
		want outcome
	}{
		{redis.Nil, notRun}, // EXEC, when what is watched has changed
		{refusal("MOVED 15343 127.0.0.1:7001"), notRun},
		{refusal("ASK 15343 127.0.0.1:7001"), notRun},
		{refusal("TRYAGAIN Multiple keys request during rehashing of slot"), notRun},
		{refusal("CLUSTERDOWN The cluster is down"), notRun},
		{refusal("CLUSTERDOWN Hash slot not served"), notRun},
		{refusal("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."), notRun},
		{refusal("READONLY You can't write against a read only replica."), notRun},
		{refusal("NOREPLICAS Not enough good replicas to write."), notRun},
		{refusal("LOADING Redis is loading the dataset in memory"), notRun},
		{refusal("BUSY Redis is busy running a script."), notRun},
		{refusal("OOM command not allowed when used memory > 'maxmemory'."), notRun},
		{refusal("MISCONF Errors writing to the AOF file: No space left on device"), notRun},
		{refusal("EXECABORT Transaction discarded because of previous errors."), notRun},
		{refusal("EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'."), notRun},
		{refusal("ERR max number of clients reached"), notRun},

		{refusal("NOAUTH Authentication required."), refused},
		{refusal("WRONGPASS invalid username-password pair or user is disabled."), refused},
		{refusal("NOPERM this user has no permissions to run the 'mset' command"), refused},
		{refusal("EXECABORT Transaction discarded because of: NOPERM this user has no permissions"), refused},
		{refusal("DENIED Redis is running in protected mode"), refused},
		{refusal("CROSSSLOT Keys in request don't hash to the same slot"), refused},
		{refusal("ERR unknown command 'MULTI'"), refused},
		{refusal("OOMPH is no word that is known"), refused},

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
