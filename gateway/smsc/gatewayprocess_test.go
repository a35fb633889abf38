package smsc_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/airtill/airtill/gateway/msgstore/redisstore"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smsc"
)

// gatewayOn is the environment variable that makes a process of this test a gateway: the
// address of its redis-server.
const gatewayOn = "AIRTILL_TEST_GATEWAY_ON"

func TestMain(m *testing.M) {
	logging.Disable() // go-redis tells each dial that fails to stderr, and here servers are killed on purpose
	address := os.Getenv(gatewayOn)
	if address == "" {
		os.Exit(m.Run())
	}
	if err := beGateway(address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// beGateway serves on a free port, which it says on standard output, until it is told to
// end, or killed, or its parent is gone.
func beGateway(address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
	store, err := redisstore.Open(ctx, redisstore.Options{Redis: &redis.UniversalOptions{Addrs: []string{address}}})
	if err != nil {
		return err
	}
	conf := config()
	conf.Durable, conf.Rand = store, nil
	conf.Accounts = append(conf.Accounts, smsc.Account{SystemID: "absent", Password: "secret", AddressRange: "^10999$"})
	conf.Retry = []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond}
	profile, err := radio.ParseProfile("latency=lognormal(3ms,0.5) loss=0.02 busy=0.02 failure=0.02 coverage=700ms/100ms")
	if err != nil {
		return err
	}
	if conf.Radio, err = radio.New(uint64(os.Getpid()), profile); err != nil { //nolint:gosec // positive
		return err
	}
	server, err := smsc.New(conf)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	if err := server.Serve(ctx, ln); err != nil {
		return err
	}
	return store.Close()
}

// gatewayProcess is a gateway that can be killed.
type gatewayProcess struct {
	address string
	cmd     *exec.Cmd
	stdin   io.Closer
}

func startGateway(t *testing.T, redisAddress string) *gatewayProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	g := &gatewayProcess{cmd: exec.Command(self)}
	g.cmd.Env = append(os.Environ(), gatewayOn+"="+redisAddress)
	g.cmd.Stderr = os.Stderr
	if g.stdin, err = g.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := bufio.NewScanner(out)
	if !line.Scan() {
		t.Fatalf("the gateway did not start: %v", g.cmd.Wait())
	}
	g.address = line.Text()
	return g
}

// kill ends the process at once (SIGKILL).
func (g *gatewayProcess) kill() {
	_ = g.cmd.Process.Kill() // it may have ended by itself
	_ = g.cmd.Wait()         // killed
}

// end ends it in the orderly way.
func (g *gatewayProcess) end() error {
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return g.cmd.Wait()
}
