package aofstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// reads change nothing and wait for nothing.
var reads = strings.Fields(`
	GET MGET GETRANGE STRLEN EXISTS TYPE TTL PTTL EXPIRETIME PEXPIRETIME KEYS SCAN RANDOMKEY DBSIZE
	HEXISTS HGET HGETALL HKEYS HLEN HMGET HSTRLEN HVALS HSCAN
	ZCARD ZCOUNT ZLEXCOUNT ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCORE ZMSCORE ZSCAN
	XLEN XRANGE XREVRANGE`)

// writes do the same whenever they are run on the same data, and are in the file.
var writes = strings.Fields(`
	SET SETNX MSET DEL UNLINK INCR INCRBY FLUSHDB FLUSHALL
	HSET HSETNX HDEL HINCRBY ZADD ZREM ZREMRANGEBYSCORE XADD XTRIM`)

// manners are about the connection.
var manners = strings.Fields(`MULTI EXEC DISCARD WATCH UNWATCH PING ECHO HELLO AUTH CLIENT COMMAND SELECT INFO TIME QUIT`)

// rule is what a command is.
type rule int

const (
	refused rule = iota
	reading
	writing
	mannerly
)

var rules = ruleTable()

func ruleTable() map[string]rule {
	table := make(map[string]rule)
	for kind, names := range map[rule][]string{reading: reads, writing: writes, mannerly: manners} {
		for _, name := range names {
			table[name] = kind
		}
	}
	return table
}

// judge says what a command is, its name in capitals, and why it is not taken.
func judge(args []string) (rule, string) {
	kind := rules[args[0]]
	switch {
	case kind == refused:
		return refused, fmt.Sprintf("ERR the embedded store does not take %.32q; a redis-server does", args[0])
	case args[0] == "SELECT" && !slices.Equal(args[1:], []string{"0"}):
		return refused, "ERR the embedded store has one database, 0"
	case args[0] == "SET" && slices.ContainsFunc(args[min(3, len(args)):], expires):
		return refused, "ERR the embedded store takes no expiry"
	case args[0] == "XADD" && !explicit(args):
		return refused, "ERR the embedded store takes XADD KEY ID with the ID in full, so that it is the same when the file is read"
	}
	return kind, ""
}

func expires(option string) bool {
	return slices.Contains([]string{"EX", "PX", "EXAT", "PXAT"}, strings.ToUpper(option))
}

// explicit says whether an XADD has its id where it belongs, and in full.
func explicit(args []string) bool {
	if len(args) < 3 {
		return true // it will be refused for that
	}
	ms, seq, ok := strings.Cut(args[2], "-")
	_, errMS := strconv.ParseUint(ms, 10, 64)
	_, errSeq := strconv.ParseUint(seq, 10, 64)
	return ok && errMS == nil && errSeq == nil
}
