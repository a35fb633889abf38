package archive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

func section(f io.ReaderAt, from, size int64) *io.SectionReader {
	return io.NewSectionReader(f, from, max(0, size-from))
}

// openLines opens a file, and answers its size up to the end of the last whole line.
func openLines(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("read the archive: %w", err)
	}
	info, err := f.Stat()
	size := int64(0)
	if err == nil {
		size, err = wholeLines(f, info.Size())
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("read %s: %w", path, err), f.Close())
	}
	return f, size, nil
}

// tailSize is how much is looked at once for the end of the last line.
const tailSize = 64 << 10

// wholeLines is the size of a file without a last line that does not end.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, tailSize)
	for end := size; end > 0; {
		start := max(0, end-tailSize)
		tail := buf[:end-start]
		if _, err := f.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(tail, '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}

// search finds where the first line begins whose id is not less than what is looked for,
// by halving: all lines that begin before low are less, none that begins at high or after.
func search(f io.ReaderAt, size int64, compare func(id string) int) (int64, error) {
	low, high := int64(0), size
	for low < high {
		mid := low + (high-low)/2
		start, line, err := lineFrom(f, size, mid)
		if err != nil {
			return 0, err
		}
		if start >= high || compare(idOf(line)) >= 0 {
			high = mid
		} else {
			low = start + int64(len(line)) + 1
		}
	}
	return low, nil
}

// lineFrom reads the first line that begins at an offset or after it; at the end of the
// file there is none.
func lineFrom(f io.ReaderAt, size, at int64) (start int64, line []byte, err error) {
	if at == 0 {
		line, err := lineAt(f, size, 0)
		return 0, line, err
	}
	in := bufio.NewReader(section(f, at-1, size))
	skipped, err := in.ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, nil, err
	}
	start = at - 1 + int64(len(skipped))
	if start >= size {
		return size, nil, nil
	}
	line, err = in.ReadBytes('\n')
	return start, bytes.TrimSuffix(line, []byte{'\n'}), err
}

// lineAt reads the line that begins there.
func lineAt(f io.ReaderAt, size, at int64) ([]byte, error) {
	if at >= size {
		return nil, nil
	}
	line, err := bufio.NewReader(section(f, at, size)).ReadBytes('\n')
	return bytes.TrimSuffix(line, []byte{'\n'}), err
}
