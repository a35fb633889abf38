package redisstore

import (
	"errors"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// outcome is what an error says of the commands that it is the answer to.
type outcome string

const (
	notRun  outcome = "not run" // and they will be when what is in the way has passed
	refused outcome = "refused" // not run either, until somebody mends something
	unknown outcome = "unknown" // they may have been run, or may yet be
)

// passing are the words that a server's error begins with when it is in a state that
// passes. Of a batch that met one of them nothing was run: in MULTI it is met by a command
// that is not queued, or by EXEC, and both discard the whole.
var passing = words(
	"MOVED", "ASK", "TRYAGAIN", // the slot is elsewhere, or on its way
	"CLUSTERDOWN", "MASTERDOWN", "READONLY", "NOREPLICAS", // who should have it cannot serve it now
	"LOADING", "BUSY", // it does something else first
	"OOM", "MISCONF", // it has no room, in memory or on its disk
	"EXECABORT", // for a reason that another reply had
)

// crowded is the one error of a state that passes that has no word of its own.
const crowded = "ERR max number of clients reached"

// aborted precedes the reason when EXEC itself met it.
const aborted = "EXECABORT Transaction discarded because of: "

func words(all ...string) map[string]bool {
	set := make(map[string]bool, len(all))
	for _, word := range all {
		set[word] = true
	}
	return set
}

// outcomeOf says what became of the commands that ended in err. Who could not connect has
// sent nothing.
func outcomeOf(err error) outcome {
	if said, ok := errors.AsType[redis.Error](err); ok {
		return outcomeOfReply(said)
	}
	dial, ok := errors.AsType[*net.OpError](err)
	if ok && dial.Op == "dial" || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrClosed) {
		return notRun
	}
	return unknown
}

// outcomeOfReply is for an error that the server answered. EXEC's nil, for what was
// watched has changed, is one of them.
func outcomeOfReply(said redis.Error) outcome {
	text := strings.TrimPrefix(said.Error(), aborted)
	word, _, _ := strings.Cut(text, " ")
	if said == redis.Nil || passing[word] || strings.HasPrefix(text, crowded) {
		return notRun
	}
	return refused
}
