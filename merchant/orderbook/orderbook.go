// Package orderbook keeps a shop's orders in a file, so that a shop that starts again
// knows what was ordered, how it ended, and which notices are still to be sent.
//
// The file holds an order's state a line, as JSON, the latest one last; opening it
// writes it anew with one line an order. A last line that was torn did not happen. It
// names customers' phones in clear, as the shop knows them: it is its owner's alone.
package orderbook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/airtill/airtill/merchant"
)

// ErrClosed is what Keep answers when the book is closed.
var ErrClosed = errors.New("the order book is closed")

// Book is an open file of orders. It is safe for concurrent use; one process has it.
type Book struct {
	file  *os.File
	asked chan entry
	end   chan struct{} // closed by Close
	over  chan struct{} // closed when the writer has ended
	once  sync.Once
}

var _ merchant.Book = (*Book)(nil)

// entry is one wish to keep an order.
type entry struct {
	current func() merchant.Order
	kept    chan error
}

// Open opens the file, which it makes if it is not there, and answers the orders in it,
// oldest first, of many only the newest most. Close it in the end.
func Open(path string, most int) (*Book, []merchant.Order, error) {
	orders, err := read(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open the order book: %w", err)
	}
	orders = orders[max(0, len(orders)-most):]
	file, err := rewrite(path, orders)
	if err != nil {
		return nil, nil, fmt.Errorf("open the order book: %w", err)
	}
	b := &Book{file: file, asked: make(chan entry), end: make(chan struct{}), over: make(chan struct{})}
	go b.write()
	return b, orders, nil
}

// Keep writes an order down as current answers it when it is written: who keeps an order
// twice at a time has its latest state last. It returns once that cannot be lost.
func (b *Book) Keep(current func() merchant.Order) error {
	e := entry{current: current, kept: make(chan error, 1)}
	select {
	case b.asked <- e:
		return <-e.kept
	case <-b.end:
		return ErrClosed
	}
}

// Close waits until what was asked for is written, and closes the file.
func (b *Book) Close() error {
	b.once.Do(func() { close(b.end) })
	<-b.over
	if err := b.file.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return fmt.Errorf("close the order book: %w", err)
	}
	return nil
}

// write writes what is asked for, as much at a time as there is, with one sync.
func (b *Book) write() {
	defer close(b.over)
	for {
		select {
		case e := <-b.asked:
			b.keep(b.gather(e))
		case <-b.end:
			return
		}
	}
}

// mostAtOnce bounds what is written with one sync.
const mostAtOnce = 256

func (b *Book) gather(first entry) []entry {
	all := []entry{first}
	for len(all) < mostAtOnce {
		select {
		case e := <-b.asked:
			all = append(all, e)
		default:
			return all
		}
	}
	return all
}

func (b *Book) keep(entries []entry) {
	var text bytes.Buffer
	for _, e := range entries {
		write(&text, e.current())
	}
	_, err := b.file.Write(text.Bytes())
	if err == nil {
		err = b.file.Sync()
	}
	if err != nil {
		err = fmt.Errorf("keep an order: %w", err)
	}
	for _, e := range entries {
		e.kept <- err
	}
}

// write adds an order's line.
func write(text *bytes.Buffer, o merchant.Order) {
	line, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("orderbook: encode an order: %v", err)) // its fields are strings, numbers and times
	}
	text.Write(line)
	text.WriteByte('\n')
}

// read reads the latest state of each order, in the order in which they first came.
func read(path string) ([]merchant.Order, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1] // what is behind it was torn
	orders, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return orders, nil
}

// parse reads whole lines.
func parse(text []byte) (orders []merchant.Order, err error) {
	at := make(map[merchant.OrderID]int)
	n := 0
	for line := range bytes.Lines(text) {
		n++
		var o merchant.Order
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, fmt.Errorf("line %d is no order: %w", n, err)
		}
		if o.ID == "" {
			return nil, fmt.Errorf("line %d has no order number", n)
		}
		i, known := at[o.ID]
		if !known {
			at[o.ID] = len(orders)
			orders = append(orders, o)
			continue
		}
		orders[i] = o
	}
	return orders, nil
}

// rewrite replaces the file by one that holds each order once, whole or not at all.
func rewrite(path string, orders []merchant.Order) (*os.File, error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".orders-*") // mode 0600
	if err != nil {
		return nil, err
	}
	if err = fill(file, orders); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.RemoveAll(file.Name()))
	}
	return file, nil
}

func fill(file *os.File, orders []merchant.Order) error {
	w := bufio.NewWriter(file)
	var text bytes.Buffer
	for _, o := range orders {
		text.Reset()
		write(&text, o)
		if _, err := w.Write(text.Bytes()); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return file.Sync()
}

// syncDir makes a new name in a directory outlast the machine.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
