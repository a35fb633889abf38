package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// maxMessage bounds a call and an answer, sealed.
const maxMessage = 1 << 20

const contentType = "application/octet-stream"

// errNoWay says that a call was never sent.
var errNoWay = errors.New("the owner cannot be reached")

func (r *Router) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := r.config.Dial(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoWay, err)
	}
	return conn, nil
}

// call has the owner of a partition run an input. It is given up when the partition gets
// another owner meanwhile.
func (r *Router) call(ctx context.Context, owner engine.Ownership, in any) (any, error) {
	c := call{From: r.config.ID, To: owner.Owner, Number: r.number.Add(1), Partition: owner.Partition}
	var err error
	if c.Name, c.Input, err = carry(in); err != nil {
		return nil, err
	}
	sealed, err := seal(r.config.Vault, callMark, c)
	if err != nil {
		return nil, fmt.Errorf("seal a call: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	stop := r.whileOwner(ctx, owner, cancel)
	defer stop()
	text, err := r.send(ctx, owner.Address, sealed)
	if err != nil {
		r.config.Log.Debug().Err(err).Stringer("partition", owner.Partition).Str("owner", owner.Address).Msg("a call had no answer")
		if errors.Is(err, errNoWay) {
			return nil, engine.ErrUnavailable
		}
		return nil, engine.ErrUnknown
	}
	var a answer
	if err := open(r.config.Vault, answerMark, text, &a); err != nil || a.To != c.From || a.Number != c.Number {
		r.config.Log.Warn().Str("owner", owner.Address).Msg("an answer was not from the partition's owner: has it another vault?")
		return nil, engine.ErrUnknown
	}
	return a.result()
}

// ownerPoll is how often the lease of a partition is looked at during a call.
const ownerPoll = 100 * time.Millisecond

// whileOwner cancels a call when its partition has another owner: what was stopped may
// never answer.
func (r *Router) whileOwner(ctx context.Context, owner engine.Ownership, cancel func()) (stop func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for sleep(ctx, ownerPoll) {
			if now := r.config.Engine.Owner(owner.Partition); now.Epoch != owner.Epoch {
				cancel()
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// send posts a sealed call and answers what came back.
func (r *Router) send(ctx context.Context, address string, sealed []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+Path, bytes.NewReader(sealed))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoWay, err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxMessage))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answered %s", response.Status)
	}
	return text, err
}

// ServeHTTP takes a call. Whoever has no vault learns nothing.
func (r *Router) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		http.Error(w, "POST it", http.StatusMethodNotAllowed)
		return
	}
	sealed, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxMessage))
	if err != nil {
		http.Error(w, "not readable", http.StatusBadRequest)
		return
	}
	var c call
	if err := open(r.config.Vault, callMark, sealed, &c); err != nil {
		r.config.Log.Warn().Str("from", request.RemoteAddr).Err(err).Msg("a call was not taken")
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	reply, err := r.run(request.Context(), c)
	text, err := seal(r.config.Vault, answerMark, answerTo(c, reply, err))
	if err != nil {
		r.config.Log.Error().Err(err).Msg("an answer could not be sealed")
		http.Error(w, "it cannot be answered", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(text) // the caller that does not hear it asks again
}

// run has this process's engine run a call, and nobody else's.
func (r *Router) run(ctx context.Context, c call) (any, error) {
	if c.To != r.config.ID || !r.taken.take(c.From, c.Number) {
		return nil, engine.ErrUnavailable
	}
	if c.Name == "" {
		return nil, nil
	}
	in, err := carried(c.Name, c.Input)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	return r.config.Engine.Do(ctx, c.Partition, in)
}
