package merchant

import (
	"context"
	"sync"

	"github.com/airtill/airtill/gateway"
)

// Purpose is what a notice is for.
type Purpose string

// The purposes.
const (
	TellBuyer Purpose = "buyer"  // how the order ended (S9, S11, S18)
	TellPayer Purpose = "payer"  // that the payment arrived (S9)
	Deliver   Purpose = "ticket" // the e-ticket or the code (S17)
)

// Progress is how far a notice is.
type Progress string

// The progress of a notice. Sent is the carrier's word, not the phone's.
const (
	Queued Progress = "queued"
	Sent   Progress = "sent"
	Unsent Progress = "failed"
)

// Notice is one text to a phone.
type Notice struct {
	To       gateway.MSISDN `json:"to"`
	Purpose  Purpose        `json:"purpose"`
	Text     string         `json:"text"`
	Progress Progress       `json:"progress"`
}

// notices are the texts that the end of an order brings.
func (s *Shop) notices(o Order) []Notice {
	buyer := Notice{To: o.Buyer, Purpose: TellBuyer, Text: s.config.Name + ": " + o.ending(), Progress: Queued}
	notices := []Notice{buyer}
	if o.Status != Paid {
		return notices
	}
	if o.Phone != o.Buyer {
		notices = append(notices, Notice{
			To: o.Phone, Purpose: TellPayer, Progress: Queued,
			Text: s.config.Name + ": you paid " + o.Price().String() + " for order " + o.what() + ". Thank you.",
		})
	}
	if o.Ticket != "" {
		notices = append(notices, Notice{To: o.Buyer, Purpose: Deliver, Text: o.ticketText(), Progress: Queued})
	}
	return notices
}

func (o Order) what() string { return string(o.ID) + " (" + o.Goods.String() + ")" }

// ending says to the buyer how the order ended.
func (o Order) ending() string {
	order := "order " + o.what()
	const free = " Nothing was charged."
	switch o.Status {
	case Paid:
		text := order + " is paid, " + o.Price().String() + "."
		if o.Ticket != "" {
			return text + " Your " + o.Goods.Kind.document() + " follows."
		}
		return text + " We send it to you soon."
	case Refused:
		return order + " was refused by the holder of " + o.Phone.Masked() + "." + free
	case Expired:
		return order + " was not paid in time and is closed." + free
	case Undelivered:
		return order + " is closed: " + o.Phone.Masked() + " could not be reached." + free
	case Cancelled:
		return order + " was cancelled." + free
	case Failed, Rejected, Placed, Billed:
	}
	return order + " could not be paid." + free
}

// document is what an electronic delivery is called.
func (k Kind) document() string {
	if k == Voucher {
		return "code"
	}
	return "e-ticket"
}

// senders are the orders whose notices are being sent; true says that there are more by now.
type senders struct {
	mu   sync.Mutex
	more map[OrderID]bool
}

// begin says whether nobody sends the order's notices; else whoever does goes on.
func (s *senders) begin(id OrderID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, busy := s.more[id]
	s.more[id] = busy
	return !busy
}

// again says whether there is more to send, and else that nobody sends any more.
func (s *senders) again(id OrderID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := s.more[id]
	s.more[id] = false
	if !more {
		delete(s.more, id)
	}
	return more
}

// send brings an order's notices that are queued to the carrier, one sender at a time.
func (s *Shop) send(ctx context.Context, id OrderID) {
	if !s.sending.begin(id) {
		return
	}
	for {
		s.sendQueued(ctx, id)
		if !s.sending.again(id) {
			return
		}
	}
}

// sendQueued sends notices in their order. Those that the carrier did not come to take
// before ctx ended stay queued.
func (s *Shop) sendQueued(ctx context.Context, id OrderID) {
	o, _ := s.orders.get(id)
	for i, n := range o.Notices {
		if n.Progress != Queued {
			continue
		}
		progress := Sent
		if err := s.config.Texter.SendText(ctx, n.To, n.Text); err != nil {
			if ctx.Err() != nil {
				return
			}
			progress = Unsent
			s.config.Log.Warn().Err(err).Str("order", string(o.ID)).Str("to", n.To.Masked()).
				Str("purpose", string(n.Purpose)).Msg("notice not sent")
		}
		_, _, err := s.change(id, func(o *Order) bool {
			o.Notices[i].Progress = progress
			return true
		})
		if err != nil {
			s.config.Log.Error().Err(err).Str("order", string(id)).Msg("a notice was sent, and may be sent again")
		}
	}
}
