package takeoverbench

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
)

// info reads a number from INFO.
func (b *bench) info(ctx context.Context, section, name string) (float64, error) {
	text, err := b.client.Info(ctx, section).Result()
	if err != nil {
		return 0, fmt.Errorf("ask the Redis: %w", err)
	}
	_, rest, ok := strings.Cut(text, name+":")
	if !ok {
		return 0, fmt.Errorf("the Redis does not say %s", name)
	}
	line, _, _ := strings.Cut(rest, "\r\n")
	return strconv.ParseFloat(line, 64)
}

func (b *bench) memory(ctx context.Context) (float64, error) {
	return b.info(ctx, "memory", "used_memory")
}

func (b *bench) serverCPU(ctx context.Context) (time.Duration, error) {
	var sum float64
	for _, name := range []string{"used_cpu_user", "used_cpu_sys"} {
		s, err := b.info(ctx, "cpu", name)
		if err != nil {
			return 0, err
		}
		sum += s
	}
	return time.Duration(sum * float64(time.Second)), nil
}

// measureStore says what a live bill has, part by part.
func (b *bench) measureStore(ctx context.Context) error {
	parts := make(map[string]float64)
	var err error
	for name, count := range map[string]func(context.Context, string) *redis.IntCmd{
		"due": b.client.ZCard, "counters": b.client.HLen, "phones": b.client.HLen,
	} {
		if parts[name], err = b.each(ctx, name, count); err != nil {
			return err
		}
	}
	for part, pattern := range map[string]string{"record": "*}:bill:*", "order": "*}:order:*", "key": "*}:key:*"} {
		if parts[part], err = b.sample(ctx, pattern); err != nil {
			return err
		}
	}
	journal, err := b.journalSize(ctx)
	parts["journal"] = journal / float64(len(b.made))
	b.result.RedisParts = parts
	return err
}

// each is the octets that one of many in a structure has, in partition 0.
func (b *bench) each(ctx context.Context, name string, count func(context.Context, string) *redis.IntCmd) (float64, error) {
	key := "{" + engine.Partition(0).String() + "}:" + name
	size, err := b.client.MemoryUsage(ctx, key, 0).Result()
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", key, err)
	}
	n, err := count(ctx, key).Result()
	return float64(size) / float64(max(1, n)), err
}

// samples is how many records are measured.
const samples = 1000

// sample is the octets that a record has, its key among them.
func (b *bench) sample(ctx context.Context, pattern string) (float64, error) {
	sum, n := int64(0), int64(0)
	for scan := b.client.Scan(ctx, 0, pattern, samples).Iterator(); n < samples && scan.Next(ctx); n++ {
		size, err := b.client.MemoryUsage(ctx, scan.Val()).Result()
		if err != nil {
			return 0, fmt.Errorf("measure %s: %w", scan.Val(), err)
		}
		sum += size
	}
	return float64(sum) / float64(max(1, n)), nil
}

// journalSize is the octets of all journals.
func (b *bench) journalSize(ctx context.Context) (float64, error) {
	sum := float64(0)
	for n := range b.config.Partitions {
		key := "{" + engine.Partition(n).String() + "}:journal"
		size, err := b.client.MemoryUsage(ctx, key, 100).Result()
		if err != nil {
			return 0, fmt.Errorf("measure %s: %w", key, err)
		}
		sum += float64(size)
	}
	return sum, nil
}

// filed counts the bills that are filed.
func (b *bench) filed(ctx context.Context) (int, error) {
	sum := int64(0)
	for n := range b.config.Partitions {
		count, err := b.client.HLen(ctx, "{"+engine.Partition(n).String()+"}:finished:"+b.made[0].Day()).Result()
		if err != nil {
			return 0, err
		}
		sum += count
	}
	return int(sum), nil
}
