package aofstore

import "io"

// Commands reads commands as they are in the file: arrays of bulk strings, in the one
// form in which they are written.
type Commands struct{ in *commands }

// ReadCommands begins to read.
func ReadCommands(r io.Reader) *Commands { return &Commands{newCommands(r)} }

// Next reads a command of at least one argument. The error is io.EOF between two
// commands, io.ErrUnexpectedEOF inside one; others are for what is no command.
func (c *Commands) Next() ([]string, error) { return c.in.next() }

// At is how many octets were read so far.
func (c *Commands) At() int64 { return c.in.at }

// AppendCommand appends a command in that form.
func AppendCommand(b []byte, args ...string) []byte { return appendCommand(b, args...) }
