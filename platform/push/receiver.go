package push

import (
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/platform/billing"
)

// Receiver hands what the carrier delivers to the partitions.
type Receiver struct {
	partitions Partitions
	home       func(gateway.MSISDN) engine.Partition
	log        zerolog.Logger
	sampled    zerolog.Logger // for what anybody can bring about

	mu    sync.Mutex
	parts *tpdu.Reassembler
	drops map[billing.Drop]uint64
}

// waiting bounds what is kept of messages whose parts have not all come. No message of
// a phone is longer than two parts; four leave room for other clients.
var waiting = tpdu.Limits{Parts: 4, Messages: 2048, Octets: 1 << 20, Age: 5 * time.Minute}

// Log lines for dropped packets: so many in a minute, then one of so many.
const (
	dropsLogged  = 20
	dropsPerLine = 1000
)

// NewReceiver makes a receiver; home finds the partition that keeps a phone.
func NewReceiver(p Partitions, home func(gateway.MSISDN) engine.Partition, log zerolog.Logger) (*Receiver, error) {
	parts, err := tpdu.NewReassembler(waiting)
	if err != nil {
		return nil, err
	}
	return &Receiver{
		partitions: p, home: home, log: log, parts: parts, drops: make(map[billing.Drop]uint64),
		sampled: log.Sample(&zerolog.BurstSampler{Burst: dropsLogged, Period: time.Minute, NextSampler: &zerolog.BasicSampler{N: dropsPerLine}}),
	}, nil
}

// Dropped counts the packets that were dropped without an answer, by reason.
func (r *Receiver) Dropped() map[billing.Drop]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.drops)
}

func (r *Receiver) count(phone gateway.MSISDN, why billing.Drop) {
	r.mu.Lock()
	r.drops[why]++
	r.mu.Unlock()
	level := zerolog.InfoLevel
	if why == billing.DropState { // most often the phone says what its receipt has said
		level = zerolog.DebugLevel
	}
	r.sampled.WithLevel(level).Str("msisdn", phone.Masked()).Str("why", string(why)).Msg("packet dropped")
}

// Deliver takes one message from the carrier. It does not block; reply is called
// when the outcome is kept. The answers, SMPP 3.4 §5.1.3: ESME_ROK taken, also when
// it was dropped in silence; ESME_RX_T_APPN and ESME_RMSGQFUL try again; ESME_RX_R_APPN
// what cannot be read.
func (r *Receiver) Deliver(sm *smpp.DeliverSM, reply func(smpp.Status)) {
	phone, err := gateway.ParseMSISDN(sm.Source.Digits)
	if err != nil {
		r.ignore(sm, "not from a phone", reply)
		return
	}
	if sm.IsReceipt() {
		r.receipt(phone, sm, reply)
		return
	}
	segment, err := tpdu.ParseSegment(sm.ProtocolID, sm.DataCoding, sm.ESMClass&smpp.ESMUDHI != 0, sm.UserData())
	if err != nil {
		reply(smpp.RXRAPPN)
		return
	}
	whole, ok, err := r.join(sm, segment)
	switch {
	case err != nil:
		reply(smpp.RXRAPPN)
	case !ok:
		reply(smpp.ROK) // the rest is on its way
	default:
		r.packet(phone, sm, whole, reply)
	}
}

func (r *Receiver) join(sm *smpp.DeliverSM, segment tpdu.Segment) (tpdu.Segment, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	link := tpdu.Link{Source: sm.Source.Digits, Destination: sm.Destination.Digits}
	return r.parts.Add(time.Now(), link, segment)
}

func (r *Receiver) packet(phone gateway.MSISDN, sm *smpp.DeliverSM, whole tpdu.Segment, reply func(smpp.Status)) {
	secured, ok := tpdu.ReadSecured(whole)
	if !ok || secured.Response {
		r.ignore(sm, "not a command packet", reply)
		return
	}
	r.post(phone, billing.Message{Phone: phone, Packet: secured.Packet}, reply)
}

func (r *Receiver) receipt(phone gateway.MSISDN, sm *smpp.DeliverSM, reply func(smpp.Status)) {
	receipt, err := smpp.ParseReceipt(string(sm.UserData()))
	if err != nil {
		r.ignore(sm, "not a readable receipt", reply)
		return
	}
	state, err := gateway.ParseMessageState(receipt.Stat)
	if err != nil {
		r.ignore(sm, "a receipt of no known state", reply)
		return
	}
	r.post(phone, billing.Receipt{Phone: phone, MessageID: gateway.MessageID(receipt.ID), State: state}, reply)
}

// ignore acknowledges what the platform has no use for: there is nobody to tell.
func (r *Receiver) ignore(sm *smpp.DeliverSM, why string, reply func(smpp.Status)) {
	r.sampled.Debug().Str("from", gateway.MSISDN(sm.Source.Digits).Masked()).Str("why", why).Msg("message ignored")
	reply(smpp.ROK)
}

// post hands an input to the phone's partition and answers the carrier when it is kept.
func (r *Receiver) post(phone gateway.MSISDN, in any, reply func(smpp.Status)) {
	err := r.partitions.Post(r.home(phone), in, func(out any, err error) {
		if outcome, ok := out.(billing.Outcome); ok && outcome.Dropped != billing.DropNone {
			r.count(phone, outcome.Dropped)
		}
		reply(status(err))
	})
	if err != nil {
		reply(smpp.RMSGQFUL)
	}
}

// status is what the carrier is answered. What is not kept is to be brought again.
func status(err error) smpp.Status {
	switch {
	case err == nil:
		return smpp.ROK
	case errors.Is(err, engine.ErrUnknown), errors.Is(err, engine.ErrUnavailable), errors.Is(err, engine.ErrBusy):
		return smpp.RXTAPPN
	}
	return smpp.RXRAPPN
}
