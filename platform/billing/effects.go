package billing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/ledger"
)

// Doer hands an input to a partition and answers once it is kept; it is the engine.
type Doer interface {
	Do(ctx context.Context, p engine.Partition, in any) (any, error)
}

// Effects performs what the partitions set going: it carries inputs from one
// partition to another itself, and hands the rest to who can send them. All is done
// at least once, and every receiver takes a repeat as one.
type Effects struct {
	Service   *Service         // to the partitions
	Phones    engine.Performer // EffectPush, EffectResult and EffectKeys
	Callbacks engine.Performer // EffectCallback
	Log       zerolog.Logger
}

var _ engine.Performer = (*Effects)(nil)

// Perform does one effect; an error means that it is to be tried again.
func (e *Effects) Perform(ctx context.Context, p engine.Partition, effect engine.Effect) error {
	switch effect.Kind {
	case EffectPush, EffectResult, EffectKeys:
		return e.Phones.Perform(ctx, p, effect)
	case EffectCallback:
		return e.Callbacks.Perform(ctx, p, effect)
	case EffectOpen:
		return e.open(ctx, effect)
	case EffectSweep:
		return e.sweep(ctx, effect)
	case EffectRefund:
		return e.refund(ctx, p, effect)
	}
	return fmt.Errorf("no performer for an effect of kind %q", effect.Kind)
}

// carryTimeout bounds one try at carrying an input to another partition.
const carryTimeout = 10 * time.Second

// open makes the bill of a claim when the request that claimed it could not.
func (e *Effects) open(ctx context.Context, effect engine.Effect) error {
	in, err := e.readOpen(effect)
	if err != nil {
		return fmt.Errorf("perform %s: %w", effect.ID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, carryTimeout)
	defer cancel()
	in.Looked = in.Made // before that there was no bill of this id
	if _, err = e.Service.openNew(ctx, in); errors.Is(err, ErrLookAgain) {
		_, err = e.Service.opened(ctx, in)
	}
	if isCode(err, platform.CodeUnknownPhone) {
		e.Log.Warn().Err(err).Str("bill", string(in.ID)).Msg("a claimed order cannot become a bill")
		return nil
	}
	return err
}

// valueOf is what an effect says, as its maker has it or as its body does.
func valueOf[T any](effect engine.Effect) (v T, err error) {
	if v, ok := effect.Value.(T); ok {
		return v, nil
	}
	err = json.Unmarshal(effect.Body, &v)
	return v, err
}

// readOpen reads an effect that makes the bill of a claim.
func (e *Effects) readOpen(effect engine.Effect) (Open, error) {
	if in, ok := effect.Value.(Open); ok {
		return in, nil
	}
	kept, err := valueOf[sealedOpen](effect)
	if err != nil {
		return Open{}, err
	}
	return kept.open(e.Service.config.Vault)
}

// sweep performs a sweep.
func (e *Effects) sweep(ctx context.Context, effect engine.Effect) error {
	in, err := valueOf[ApplySweep](effect)
	if err != nil {
		return fmt.Errorf("perform %s: %w", effect.ID, err)
	}
	return e.Service.carrySweep(ctx, in)
}

// carrySweep brings a sweep home, then tells its origin that it is there. Doing it twice
// is doing it once.
func (s *Service) carrySweep(ctx context.Context, in ApplySweep) error {
	ctx, cancel := context.WithTimeout(ctx, carryTimeout)
	defer cancel()
	sub := ledger.Sub(in.Payee, in.Currency)
	fault.Point(fault.BeforeHome)
	if _, err := s.engine.Do(ctx, s.payeeHome(in.Payee), in); err != nil {
		return fmt.Errorf("apply sweep %d of %s: %w", in.Number, sub, err)
	}
	fault.Point(fault.AfterHome)
	if _, err := s.engine.Do(ctx, in.From, Swept{Sub: sub, Number: in.Number}); err != nil {
		return fmt.Errorf("close sweep %d of %s: %w", in.Number, sub, err)
	}
	return nil
}
