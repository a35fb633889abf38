package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/handsetsim/nvm"
)

// dir is the data directory; "" is none.
func (d *devConfig) dir(c *call) string {
	if d.data == inMemory {
		return ""
	}
	return cmp.Or(d.data, stateFile(c.env.Getenv, "dev"))
}

// open opens the data directory and the store of a network that goes on, or the store
// of one that ends with this process.
func (d *devConfig) open(ctx context.Context, c *call, n network.Network) (*world.Life, *world.Store, error) {
	dir := d.dir(c)
	if dir == "" && d.redis == child {
		return nil, nil, usagef("--redis child needs a directory: --data DIR, or leave --data out")
	}
	if dir == "" {
		store, err := ownStore(ctx, c, world.Stores{Network: n}, d.redis, d.fresh)
		return nil, store, err
	}
	at, err := d.place()
	if err != nil {
		return nil, nil, err
	}
	if d.fresh && exists(dir) {
		if err := c.confirmErase(ctx, "the network in %s", dir); err != nil {
			return nil, nil, err
		}
	}
	life, err := world.OpenLife(dir, at, d.suite, d.fresh)
	if err != nil {
		return nil, nil, explainLife(err)
	}
	store, err := d.store(ctx, c, n, life)
	if err != nil {
		return nil, nil, errors.Join(explainLife(err), life.Close())
	}
	if life.Up {
		c.talk("going on with the network in %s; --fresh begins a new one", dir)
	}
	return life, store, nil
}

// place says where the store is, as the network remembers it: without a password.
func (d *devConfig) place() (string, error) {
	if d.redis == "" || d.redis == child {
		return cmp.Or(d.redis, "embedded"), nil
	}
	urls, err := storeURLs(d.redis)
	return world.Shown(urls), err
}

// store opens the store that goes with the network's keys: of a network that was up it
// is not empty, of a new one it is.
func (d *devConfig) store(ctx context.Context, c *call, n network.Network, life *world.Life) (*world.Store, error) {
	at := storeAt{redis: d.redis, data: life.StoreDir()}
	if d.redis != "" && d.redis != child {
		if !life.Up {
			return ownStore(ctx, c, world.Stores{Network: n}, d.redis, d.fresh)
		}
		at.data = ""
	}
	store, err := at.open(ctx, c, n)
	if err != nil {
		return nil, err
	}
	empty, err := store.Empty(ctx)
	if err == nil && life.Up && empty {
		err = hinted(fmt.Errorf("the store at %s holds nothing of this network", store.Shown), "begin a new one: --fresh")
	}
	if err == nil {
		err = auditAtStart(ctx, c, store, auditAtStartTime)
	}
	if err != nil {
		closeStore(c, store)
		return nil, err
	}
	warnRisks(c, store)
	return store, nil
}

// explainLife says what to do about a network that does not go on.
func explainLife(err error) error {
	switch {
	case errors.Is(err, world.ErrNoLife):
		return hinted(err, "nothing was changed; say another directory: --data DIR; or begin a new network there: --fresh")
	case errors.Is(err, world.ErrOtherLife):
		return hinted(err, "say it as it was; or another directory: --data DIR; or begin a new network: --fresh")
	case errors.Is(err, aofstore.ErrInUse), errors.Is(err, nvm.ErrInUse):
		return hinted(err, "another airtill dev runs on it; say another directory: --data DIR, or --data none")
	}
	return err
}

func closeLife(c *call, life *world.Life) {
	if err := life.Close(); err != nil {
		c.log.Warn().Err(err).Msg("the data directory did not close well")
	}
}
