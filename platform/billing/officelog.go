package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/keys"
)

// The office's log is in one partition: each act is told twice in the journal, as it
// begins and as it ends, and the journal's chain shows if that was changed since. What it
// came to is kept beside, to be listed. Notes are sealed, as all that operators write.

// officeHome names the partition of the log.
const officeHome = "platform:office"

// actsSet is the log's index, by id, which is by time.
const actsSet = "acts"

func actKey(id platform.ActID) string { return "act:" + string(id) }

// BeginAct writes down that an act begins. It answers the platform.Act with its time.
type BeginAct struct{ Act platform.Act }

// EndAct writes down what became of an act.
type EndAct struct{ Act platform.Act }

// keptAct is an act as it is kept.
type keptAct struct {
	platform.Act
	Note string `json:"note,omitempty"` // sealed
}

func sealAct(v keys.Rest, a platform.Act) keptAct {
	r := rest{Rest: v}
	return keptAct{Act: a, Note: r.seal(saidText, a.Note)}
}

func (k keptAct) open(v keys.Rest) (platform.Act, error) {
	r := rest{Rest: v}
	a := k.Act
	a.Note = r.open(saidText, k.Note)
	return a, r.err
}

func (p *Partition) beginAct(tx *engine.Tx, in BeginAct) any {
	a := in.Act
	a.At, a.Outcome = tx.Now(), platform.OutcomeBegun
	tx.SetScore(actsSet, string(a.ID), 0)
	p.writeAct(tx, "begin", a)
	return a
}

func (p *Partition) endAct(tx *engine.Tx, in EndAct) { p.writeAct(tx, "end", in.Act) }

func (p *Partition) writeAct(tx *engine.Tx, name string, a platform.Act) {
	kept := sealAct(p.config.Vault, a)
	tx.Put(actKey(a.ID), kept)
	tx.Record(engine.Event{Subject: string(a.ID), Name: name, To: string(a.Outcome), Cause: CauseOperator, Data: kept})
}

func (s *Service) officePartition() engine.Partition {
	return engine.PartitionOf(officeHome, s.config.Partitions)
}

// Begin writes down an act that is about to be done.
func (s *Service) Begin(ctx context.Context, a platform.Act) (platform.Act, error) {
	id, err := platform.NewActID(time.Now(), s.config.Random)
	if err != nil {
		return a, fmt.Errorf("name an act: %w", err)
	}
	a.ID = id
	reply, err := s.do(ctx, s.officePartition(), BeginAct{Act: a})
	if err != nil {
		return a, err
	}
	return reply.(platform.Act), nil
}

// End writes down what became of an act.
func (s *Service) End(ctx context.Context, a platform.Act) error {
	_, err := s.do(ctx, s.officePartition(), EndAct{Act: a})
	return err
}

// Acts lists acts, the oldest first.
func (s *Service) Acts(ctx context.Context, q platform.ActQuery) (platform.ActPage, error) {
	switch {
	case q.Limit < 0 || q.Limit > mostOnPage:
		return platform.ActPage{}, invalid("limit", fmt.Sprintf("1 to %d", mostOnPage))
	case q.Limit == 0:
		q.Limit = defaultPage
	}
	var page platform.ActPage
	r := s.store.Read(s.officePartition())
	for after := max(q.After, platform.FirstActID(q.Since)); ; {
		ids, err := r.Members(ctx, actsSet, engine.Range{After: string(after), Limit: mostOnPage})
		if err != nil {
			return platform.ActPage{}, unavailable("list acts", err)
		}
		acts, err := s.readActs(ctx, r, ids)
		if err != nil {
			return platform.ActPage{}, err
		}
		for _, a := range acts {
			if q.By != "" && a.By != q.By {
				continue
			}
			if len(page.Acts) == q.Limit {
				page.Next = page.Acts[q.Limit-1].ID
				return page, nil
			}
			page.Acts = append(page.Acts, a)
		}
		if len(ids) < mostOnPage {
			return page, nil
		}
		after = platform.ActID(ids[len(ids)-1])
	}
}

func (s *Service) readActs(ctx context.Context, r engine.Reader, ids []string) ([]platform.Act, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = actKey(platform.ActID(id))
	}
	texts, err := r.Get(ctx, names...)
	if err != nil {
		return nil, unavailable("read acts", err)
	}
	acts := make([]platform.Act, len(ids))
	for i, text := range texts {
		var kept keptAct
		err := json.Unmarshal([]byte(text), &kept)
		if err == nil {
			acts[i], err = kept.open(s.config.Vault)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", names[i], err)
		}
	}
	return acts, nil
}
