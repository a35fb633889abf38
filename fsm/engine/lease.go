package engine

import (
	"context"
	"time"
)

// Lease is who has a partition and how far it has come. The owner's batches move Seq on;
// an idle owner commits empty ones, so that a lease that stands still is one whose owner
// is gone.
type Lease struct {
	Owner   string // who took it; "" when it was given up or never taken
	Address string // where its owner is reached
	Epoch   uint64
	Seq     uint64 // of the last batch that is in
}

// Member is one of the engines that share a store.
type Member struct {
	Address string
	Beat    uint64 // rises as long as it lives
}

// SharedStore is a Store that several engines may share. It tells who has what, and
// keeps no clock: how long a lease has stood still each engine sees by its own.
type SharedStore interface {
	Store

	// ID is the name under which this store takes partitions.
	ID() string

	// Leases reads who has what, by partition.
	Leases(ctx context.Context) ([]Lease, error)
	// Members reads who takes part, by ID.
	Members(ctx context.Context) (map[string]Member, error)
	// Join says that this store's engine takes part, and again that it lives.
	Join(ctx context.Context, m Member) error
	// Leave takes a member off the list.
	Leave(ctx context.Context, id string) error

	// TakeOver takes a partition as Take does, but only if its lease is what was seen, else
	// it answers ErrFenced. address is where the new owner is reached.
	TakeOver(ctx context.Context, p Partition, seen Lease, address string) (Hold, error)
}

// Share is how an engine shares the partitions of its store, a SharedStore, with others.
//
// Each engine takes its part of the partitions: those that nobody has, and those whose
// lease has stood still. An engine that has more than its part gives the surplus up, in
// order: it drains the partition and releases the lease. One that was fenced off drops
// the partition's memory and goes on with the rest.
type Share struct {
	Address string        // where others reach this engine; told in the leases
	Lease   time.Duration // how long a lease stands still before others take the partition; 0 is 3 s
}

// A lease is told apart by fractions of its time.
func (s *Share) beat() time.Duration  { return s.Lease / 3 }     // after which an idle owner commits
func (s *Share) look() time.Duration  { return s.Lease / 12 }    // between two looks at the leases
func (s *Share) late() time.Duration  { return s.Lease / 2 }     // a look so late has missed too much to judge by
func (s *Share) trust() time.Duration { return s.Lease * 2 / 3 } // an owner's word on its own lease

// Ownership is who has a partition, as this engine last saw it.
type Ownership struct {
	Partition Partition
	Lease                   // without Seq when it is served here
	Here      bool          // this engine serves it
	Live      bool          // it is served here, or its lease moves
	Still     time.Duration // since its lease was seen to move
}

// sight is a lease as it was seen, and since when it was seen so.
type sight struct {
	Lease
	since time.Time
}
