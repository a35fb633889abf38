package app

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// fileSet are files that were made before there was anything to write to them, so that
// nothing is asked for that could not be kept. Where no file was wanted there is nil.
type fileSet []*os.File

// newFiles makes a file of its owner's alone for each path, and none for an empty one.
func newFiles(paths ...string) (fileSet, error) {
	var made fileSet
	for _, path := range paths {
		if path == "" {
			made = append(made, nil)
			continue
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, errors.Join(hinted(fmt.Errorf("make a file for a key: %w", err), "nothing was done; name a file that is not there yet"), made.drop())
		}
		made = append(made, f)
	}
	return made, nil
}

// keep writes a text to each file, and ends it with a line's end.
func (s fileSet) keep(texts ...string) error {
	var failed []error
	for i, f := range s {
		if f == nil {
			continue
		}
		_, err := f.WriteString(strings.TrimSuffix(texts[i], "\n") + "\n")
		failed = append(failed, err, f.Close())
	}
	return errors.Join(failed...)
}

// drop takes the files away again.
func (s fileSet) drop() error {
	var failed []error
	for _, f := range s {
		if f != nil {
			failed = append(failed, f.Close(), os.Remove(f.Name()))
		}
	}
	return errors.Join(failed...)
}
