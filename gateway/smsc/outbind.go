package smsc

import (
	"context"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
)

// callPause is how long to wait before an account is called again.
const callPause = 10 * time.Second

// callOut dials an account when something waits for it and nobody is bound to receive,
// and asks it to bind, SMPP 3.4 §2.2.1 and §4.1.7; until ctx ends.
func (a *account) callOut(ctx context.Context) {
	for {
		select {
		case <-a.call:
		case <-ctx.Done():
			return
		}
		for a.waits() && ctx.Err() == nil {
			a.outbind(ctx)
			pause(ctx, callPause)
		}
	}
}

// waits says whether something waits for a receiver and there is none.
func (a *account) waits() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.receivers) == 0 && (len(a.boxes) > 0 || len(a.receipts.waiting) > 0)
}

// outbind is one call: it lasts as long as the session that comes of it.
func (a *account) outbind(ctx context.Context) {
	dialling, cancel := context.WithTimeout(ctx, a.server.config.Response)
	defer cancel()
	conn, err := a.server.config.Dial(dialling, a.Outbind)
	if err != nil {
		a.server.config.Log.Warn().Err(err).Str("system_id", a.SystemID).Msg("outbind: nobody there")
		return
	}
	s := newSession(a.server, conn, a.server.config.Trace.Dialled)
	s.sequence = 1
	_ = s.link.Send(smpp.PDU{Sequence: 1, Body: &smpp.Outbind{
		SystemID: a.server.config.SystemID, Password: smpp.Password(a.OutbindPassword),
	}})
	s.serve(ctx)
}
