package merchant

import (
	"context"

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
	To       gateway.MSISDN
	Purpose  Purpose
	Text     string
	Progress Progress
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

// send brings an order's notices that are queued to the carrier, in their order.
func (s *Shop) send(ctx context.Context, o Order) {
	for i, n := range o.Notices {
		if n.Progress != Queued {
			continue
		}
		progress := Sent
		if err := s.config.Texter.SendText(ctx, n.To, n.Text); err != nil {
			progress = Unsent
			s.config.Log.Warn().Err(err).Str("order", string(o.ID)).Str("to", n.To.Masked()).
				Str("purpose", string(n.Purpose)).Msg("notice not sent")
		}
		s.orders.change(o.ID, func(o *Order) bool {
			o.Notices[i].Progress = progress
			return true
		})
	}
}
