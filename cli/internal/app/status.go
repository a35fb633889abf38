package app

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/airtill/airtill/cli/internal/config"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/gateway/management"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// Exit statuses of the program.
const (
	StatusDone        = 0   // done, or stopped as asked
	StatusFailed      = 1   // refused, failed, or a check did not hold
	StatusUsage       = 2   // the command line is wrong; nothing was done
	StatusConfig      = 3   // the configuration file is wrong; nothing was done
	StatusUnreachable = 4   // nobody answers: the network, the store, or a part of it
	StatusNotFound    = 5   // there is no such bill, phone, message, merchant, context, ...
	StatusConflict    = 6   // the state of things forbids it, or the name is taken
	StatusThreshold   = 10  // load: a threshold did not hold
	StatusGenerator   = 11  // load: the generator could not keep up, so nothing is judged
	StatusLost        = 12  // load: a bill is lost, or the books are wrong
	StatusInterrupted = 130 // stopped by a signal before it was done
)

// meaning is what an exit status tells, and what to do about it.
type meaning struct {
	status      int
	means, then string
}

// meanings are the exit statuses there are, for help exit-codes and for whoever reads
// this file: Status is where errors come to them.
func meanings() []meaning {
	return []meaning{
		{StatusDone, "done, or stopped as asked", ""},
		{StatusFailed, "refused, failed, or a check did not hold", "the line on stderr says why, the one after it what to do"},
		{StatusUsage, "the command line is wrong; nothing was done", "airtill COMMAND --help"},
		{StatusConfig, "the configuration file is wrong; nothing was done", "airtill config check"},
		{StatusUnreachable, "nobody answers: the network, the store, or a part of it", "airtill doctor"},
		{StatusNotFound, "there is no such bill, phone, message, merchant or context", "list what there is"},
		{StatusConflict, "the state of things forbids it, or the name is taken", "look at it first; again will not help"},
		{StatusThreshold, "load: a threshold did not hold", "the report names it"},
		{StatusGenerator, "load: the generator could not keep up, so nothing is judged", "ask for less, or split it over machines"},
		{StatusLost, "load: a bill is lost, or the books are wrong", "keep the store; airtill audit"},
		{StatusInterrupted, "stopped by a signal before it was done", ""},
	}
}

// Status returns the exit status that err stands for.
func Status(err error) int {
	if err == nil {
		return StatusDone
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	return cmp.Or(statusOf(err), StatusFailed)
}

// statusOf is where errors from below come to a status of their own; 0 when they have none.
func statusOf(err error) int {
	if errors.Is(err, context.Canceled) {
		return StatusInterrupted
	}
	if _, ok := errors.AsType[*config.Error](err); ok {
		return StatusConfig
	}
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return statusOfCode(p.Code())
	}
	if p, ok := errors.AsType[*fleet.Problem](err); ok {
		return statusOfHTTP(p.Status)
	}
	if p, ok := errors.AsType[*management.Problem](err); ok {
		return statusOfHTTP(p.Status)
	}
	if in, ok := errors.AsType[*net.OpError](err); ok && in.Op == "dial" {
		return StatusUnreachable
	}
	switch {
	case errors.Is(err, errNoNetwork), errors.Is(err, world.ErrNoServer):
		return StatusUnreachable
	case errors.Is(err, aofstore.ErrInUse):
		return StatusConflict
	}
	return 0
}

func statusOfCode(code platform.Code) int {
	switch code {
	case platform.CodeNotFound, platform.CodeUnknownPhone:
		return StatusNotFound
	case platform.CodeIllegalState, platform.CodeReferenceTaken, platform.CodeIdempotencyMismatch, platform.CodeAlreadyEnrolled:
		return StatusConflict
	case platform.CodeUnavailable:
		return StatusUnreachable
	}
	return 0
}

func statusOfHTTP(status int) int {
	switch status {
	case http.StatusNotFound:
		return StatusNotFound
	case http.StatusConflict:
		return StatusConflict
	}
	return 0
}
