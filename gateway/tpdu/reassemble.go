package tpdu

import (
	"bytes"
	"cmp"
	"container/list"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"
)

// Limits bound what a Reassembler keeps. Zero fields are the defaults.
type Limits struct {
	Parts    int           // of one message, at most 255; 0: 255
	Messages int           // waiting for parts, and as many remembered as complete; 0: 4096
	Octets   int           // of the parts that wait, 100 for each part included; 0: 4 MiB
	Age      time.Duration // from a message's first part, and from its last; 0: 10 minutes
}

// What a Reassembler keeps unless told otherwise, and what a part costs beside its payload.
const (
	defaultMessages = 4096
	defaultOctets   = 4 << 20
	defaultAge      = 10 * time.Minute
	partCost        = 100
)

// Validate refuses limits that are negative, or past what a message can have.
func (l Limits) Validate() error {
	if l.Parts < 0 || l.Parts > MaxParts || l.Messages < 0 || l.Octets < 0 || l.Age < 0 {
		return fmt.Errorf("reassembler limits %+v: negative, or more than %d parts", l, MaxParts)
	}
	return nil
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Parts:    cmp.Or(l.Parts, MaxParts),
		Messages: cmp.Or(l.Messages, defaultMessages),
		Octets:   cmp.Or(l.Octets, defaultOctets),
		Age:      cmp.Or(l.Age, defaultAge),
	}
}

// Link is a sender and a receiver, each by its digits.
type Link struct {
	Source      string
	Destination string
}

// Counts tell what a Reassembler met.
type Counts struct {
	Whole      uint64 // messages joined
	Duplicates uint64 // parts met before
	Expired    uint64 // incomplete messages dropped for their age
	Evicted    uint64 // incomplete messages dropped for room
	Restarted  uint64 // incomplete messages dropped for another with their reference
}

// ErrPart says that a part cannot be taken: it is too large, or its message has more
// parts than the limits allow.
var ErrPart = errors.New("part of a message refused")

// Reassembler joins the parts of messages, in whatever order they come. Messages
// are told apart by sender, receiver, reference, total, and whether the place of their
// parts is told in a header or beside it. What it keeps is bounded:
// the oldest incomplete message goes first. A part met before is dropped, and for a
// while also when its message is complete already. A part that differs from the one
// met before begins another message. It is not safe for concurrent use.
type Reassembler struct {
	limits   Limits
	messages map[key]*list.Element
	waiting  list.List // of *assembly, the oldest first
	complete list.List // of *assembly without segments, the oldest first
	octets   int
	counts   Counts
	seed     maphash.Seed
}

type key struct {
	link   Link
	ref    Reference
	total  uint8
	beside bool // the place was told beside the segment, not in its header
}

// assembly is a message that has begun. Of a complete one only the sums remain.
type assembly struct {
	key   key
	since time.Time // its first part came, or the last one
	parts []part    // those that came
	sums  []uint64  // of a complete message's parts, in their order
	cost  int
}

type part struct {
	number  uint8
	sum     uint64
	segment Segment
}

// NewReassembler makes one that keeps to the limits.
func NewReassembler(l Limits) (*Reassembler, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	return &Reassembler{limits: l.withDefaults(), messages: make(map[key]*list.Element), seed: maphash.MakeSeed()}, nil
}

// Counts tells what was met so far.
func (r *Reassembler) Counts() Counts { return r.counts }

// Waiting is how many messages wait for parts, and the octets that are kept of them.
func (r *Reassembler) Waiting() (messages, octets int) { return r.waiting.Len(), r.octets }

// Add takes a segment that arrived at the time now, which never goes back. When
// that makes a message whole it answers the message: its payload in the parts'
// order, and the first part's header without the concatenation. A segment that is
// no part of anything is whole at once. Nothing of s is kept.
func (r *Reassembler) Add(now time.Time, link Link, s Segment) (whole Segment, ok bool, err error) {
	c, isPart := s.Header.Concat()
	if !isPart {
		return s, true, nil
	}
	return r.add(now, key{link: link, ref: c.Reference, total: c.Total}, c, s)
}

// AddPart takes a segment whose place was told beside it, as SMPP's sar_ parameters
// do (SMPP 3.4 §5.3.2.22).
func (r *Reassembler) AddPart(now time.Time, link Link, c Concat, s Segment) (whole Segment, ok bool, err error) {
	return r.add(now, key{link: link, ref: c.Reference, total: c.Total, beside: true}, c, s)
}

func (r *Reassembler) add(now time.Time, k key, c Concat, s Segment) (whole Segment, ok bool, err error) {
	r.expire(now)
	if err := r.check(c, s); err != nil {
		return Segment{}, false, err
	}
	p := part{number: c.Part, sum: r.sum(s), segment: s}
	k.ref.Number = c.number()
	a := r.find(k)
	if a != nil && a.has(p) {
		r.counts.Duplicates++
		return Segment{}, false, nil
	}
	if a != nil && a.conflicts(p) {
		r.drop(a, &r.counts.Restarted)
		a = nil
	}
	if a == nil {
		a = r.begin(k, now)
	}
	r.keep(a, p)
	if len(a.parts) < int(c.Total) {
		r.makeRoom()
		return Segment{}, false, nil
	}
	return r.finish(a, now), true, nil
}

func (r *Reassembler) check(c Concat, s Segment) error {
	switch {
	case c.Part == 0 || c.Part > c.Total:
		return fmt.Errorf("part %d of %d: %w", c.Part, c.Total, ErrPart)
	case int(c.Total) > r.limits.Parts:
		return fmt.Errorf("%d parts, %d allowed: %w", c.Total, r.limits.Parts, ErrPart)
	case s.Size() > MaxOctets || cost(s) > r.limits.Octets:
		return fmt.Errorf("part of %d octets: %w", len(s.Payload), ErrPart)
	}
	return nil
}

// cost is what a segment counts for while it waits.
func cost(s Segment) int { return partCost + s.Header.Size() + len(s.Payload) }

// sum tells parts apart without keeping them.
func (r *Reassembler) sum(s Segment) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	_, _ = h.Write([]byte{s.Protocol, s.Coding})
	for _, e := range s.Header {
		_, _ = h.Write([]byte{byte(e.ID), byte(len(e.Data))})
		_, _ = h.Write(e.Data)
	}
	_, _ = h.Write(s.Payload)
	return h.Sum64()
}

func (r *Reassembler) find(k key) *assembly {
	if e, ok := r.messages[k]; ok {
		return e.Value.(*assembly)
	}
	return nil
}

func (r *Reassembler) begin(k key, now time.Time) *assembly {
	if r.waiting.Len() >= r.limits.Messages {
		r.drop(r.waiting.Front().Value.(*assembly), &r.counts.Evicted)
	}
	a := &assembly{key: k, since: now}
	r.messages[k] = r.waiting.PushBack(a)
	return a
}

func (r *Reassembler) keep(a *assembly, p part) {
	p.segment.Payload = bytes.Clone(p.segment.Payload)
	p.segment.Header = p.segment.Header.withoutConcat()
	for i, e := range p.segment.Header {
		p.segment.Header[i].Data = bytes.Clone(e.Data)
	}
	a.parts = append(a.parts, p)
	a.cost += cost(p.segment)
	r.octets += cost(p.segment)
}

// finish joins the parts and remembers their sums.
func (r *Reassembler) finish(a *assembly, now time.Time) Segment {
	slices.SortFunc(a.parts, func(x, y part) int { return cmp.Compare(x.number, y.number) })
	whole := joined(a.parts)
	a.sums = make([]uint64, len(a.parts))
	for i, p := range a.parts {
		a.sums[i] = p.sum
	}
	a.parts = nil
	r.octets -= a.cost
	a.cost, a.since = 0, now
	r.waiting.Remove(r.messages[a.key])
	r.messages[a.key] = r.complete.PushBack(a)
	if r.complete.Len() > r.limits.Messages {
		r.drop(r.complete.Front().Value.(*assembly), nil)
	}
	r.counts.Whole++
	return whole
}

// joined is the message that the parts make, in their order.
func joined(parts []part) Segment {
	whole := parts[0].segment
	var payload []byte
	for _, p := range parts {
		if whole.Alphabet() == GSM7 && p.segment.Header.Shift() != whole.Header.Shift() {
			return translated(parts)
		}
		payload = append(payload, p.segment.Payload...)
	}
	whole.Payload = payload
	return whole
}

// translated is a text whose parts are written with different shift tables, as they
// may be (TS 23.038 §6.2.1.2.3): in UCS2, since no table has all of it.
func translated(parts []part) Segment {
	whole := parts[0].segment
	var payload []byte
	for _, p := range parts {
		text, _ := p.segment.Text() // what cannot be read stays U+FFFD
		payload = append(payload, encodeUCS2(text)...)
	}
	whole.Coding, whole.Header, whole.Payload = CodingUCS2, whole.Header.withoutShift(), payload
	return whole
}

func (a *assembly) complete() bool { return a.sums != nil }

// has tells whether the very part came already.
func (a *assembly) has(p part) bool {
	if a.complete() {
		return a.sums[p.number-1] == p.sum
	}
	return slices.ContainsFunc(a.parts, func(q part) bool { return q.number == p.number && q.sum == p.sum })
}

// conflicts tells whether the part is of another message with the same reference.
func (a *assembly) conflicts(p part) bool {
	return a.complete() || slices.ContainsFunc(a.parts, func(q part) bool {
		return q.number == p.number || q.segment.Protocol != p.segment.Protocol || q.segment.Coding != p.segment.Coding
	})
}

// expire drops what is past its age.
func (r *Reassembler) expire(now time.Time) {
	for _, l := range []*list.List{&r.waiting, &r.complete} {
		for e := l.Front(); e != nil && now.Sub(e.Value.(*assembly).since) >= r.limits.Age; e = l.Front() {
			r.drop(e.Value.(*assembly), &r.counts.Expired)
		}
	}
}

// makeRoom drops the oldest incomplete messages until the rest fits.
func (r *Reassembler) makeRoom() {
	for r.octets > r.limits.Octets {
		r.drop(r.waiting.Front().Value.(*assembly), &r.counts.Evicted)
	}
}

// drop forgets a message, and counts it if it was incomplete.
func (r *Reassembler) drop(a *assembly, count *uint64) {
	from := &r.complete
	if !a.complete() {
		from = &r.waiting
		*count++
	}
	from.Remove(r.messages[a.key])
	delete(r.messages, a.key)
	r.octets -= a.cost
}
