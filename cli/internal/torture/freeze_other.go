//go:build !unix

package torture

import "errors"

var errFreeze = errors.New("processes cannot be stopped and continued here")

func (p *process) freeze() error { return errFreeze }

func (p *process) thaw() error { return errFreeze }
