package load

import "io"

// Write writes a result as the JSON of --out json.
func Write(w io.Writer, r *Result) error { return writeJSON(w, r) }

// Read reads what Write has written. Of another version than ResultVersion it is refused.
func Read(in io.Reader) (*Result, error) { return readJSON(in) }

// WriteCSV writes a line for each interval, under a header.
func WriteCSV(w io.Writer, r *Result) error { return writeCSV(w, r) }

// WriteHGRM writes the percentiles of a step, in milliseconds, as HdrHistogram's plotters
// read them.
func WriteHGRM(w io.Writer, s *StepResult) error { return writeHGRM(w, s) }

// WriteProm writes a snapshot in Prometheus' text format, of metrics.ContentType.
func WriteProm(w io.Writer, s *Snapshot) error { return writeProm(w, s) }
