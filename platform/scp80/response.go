package scp80

import "fmt"

// Status is the receiver's word in a response packet (TS 102 225 §5.2).
type Status uint8

// The statuses.
const (
	StatusOK             Status = 0x00
	StatusCheckFailed    Status = 0x01
	StatusCounterLow     Status = 0x02
	StatusCounterHigh    Status = 0x03
	StatusCounterBlocked Status = 0x04
	StatusCiphering      Status = 0x05
	StatusSecurity       Status = 0x06 // sent in clear and without a check
	StatusMemory         Status = 0x07
	StatusMoreTime       Status = 0x08
	StatusUnknownTAR     Status = 0x09
	StatusSecurityLevel  Status = 0x0A
	StatusAnswerInSubmit Status = 0x0B
	StatusAnswerInUSSD   Status = 0x0C
	lastStatus                  = StatusAnswerInUSSD
)

// String is the status in words.
func (s Status) String() string {
	if s > lastStatus {
		return "reserved"
	}
	return [...]string{
		"proof of receipt", "RC, CC or DS failed", "counter low", "counter high", "counter blocked",
		"ciphering error", "unidentified security error", "not enough memory", "more time needed",
		"TAR unknown", "insufficient security level", "the answer is in SMS-SUBMIT", "the answer is in USSD",
	}[s]
}

// Response is what a response packet brings.
type Response struct {
	Counter uint64 // that of the command
	Status  Status
	Data    []byte
}

// Responder wraps and opens the response packets to a profile's commands. It is safe
// for concurrent use.
//
// Airtill neither asks for response packets nor sends one: an answer to a forged packet
// is what a forger is after (wire.md 5). This reads and makes those of other programs.
type Responder struct{ frame frame }

// NewResponder makes the keys ready for the responses that the profile's SPI asks for.
// Without Interop a response must have a CC and be ciphered, like its command.
func NewResponder(p Profile, k Keys) (*Responder, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	switch {
	case p.SPI.Response() == ResponseNever:
		return nil, p.refuse("asks for no response")
	case !p.Interop && (p.SPI.ResponseCheck() != CheckCC || !p.SPI.ResponseCiphered()):
		return nil, p.refuse("minimum of a response is CC, ciphered")
	}
	r := &Responder{frame: p.response()}
	if err := r.frame.ready(p, k); err != nil {
		return nil, err
	}
	return r, nil
}

// Format prints the responder without its keys.
func (r *Responder) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "scp80.Responder{TAR %X}", r.frame.header[1:])
}

// Wrap secures a response.
func (r *Responder) Wrap(a Response) ([]byte, error) {
	if a.Counter > MaxCounter {
		return nil, ErrCounterBlocked
	}
	var fixed [lenCounter + lenStatus]byte
	putCounter(fixed[:], a.Counter)
	fixed[lenCounter] = byte(a.Status)
	return r.frame.seal(fixed[:], a.Data)
}

// Open takes the response out of a packet. Any refusal is [ErrRefused].
func (r *Responder) Open(packet []byte) (Response, error) {
	fixed, data, err := r.frame.open(packet)
	if err != nil {
		return Response{}, err
	}
	return Response{Counter: getCounter(fixed), Status: Status(fixed[lenCounter]), Data: data}, nil
}
